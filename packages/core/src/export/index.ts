export * from "./escape.ts";
export * from "./html.ts";
export * from "./markdown.ts";
export * from "./summary.ts";
