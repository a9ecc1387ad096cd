export type * from "./address-space.ts";
export type * from "./dotnet/model.ts";
export type * from "./image.ts";
export * from "./open-image.ts";
export * from "./pe/index.ts";
export * from "./space.ts";
