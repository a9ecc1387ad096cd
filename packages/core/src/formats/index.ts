export type * from "./address-space.ts";
export * from "./bitmap.ts";
export * from "./classify.ts";
export * from "./dotnet/index.ts";
export type * from "./image.ts";
export * from "./memory/index.ts";
export * from "./open-image.ts";
export * from "./pe/index.ts";
export * from "./space.ts";
