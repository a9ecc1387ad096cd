export * from "./anchors.ts";
export * from "./cursor.ts";
export * from "./result.ts";
export * from "./search.ts";
export type * from "./source.ts";
export * from "./span.ts";
export * from "./text.ts";
export * from "./view.ts";
