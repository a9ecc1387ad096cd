export * from "./cursor.ts";
export * from "./data-runs.ts";
export * from "./result.ts";
export * from "./search.ts";
export * from "./source.ts";
export * from "./span.ts";
export * from "./text.ts";
export * from "./view.ts";
