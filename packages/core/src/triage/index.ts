export * from "./analyse.ts";
export * from "./ports.ts";
export * from "./report.ts";
export * from "./unread.ts";
