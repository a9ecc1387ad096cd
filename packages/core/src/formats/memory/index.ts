export * from "./cape-dump.ts";
export * from "./memory-space.ts";
export { readMinidump } from "./minidump.ts";
export type * from "./model.ts";
