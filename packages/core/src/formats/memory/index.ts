export { isCapeDump, readCapeDump } from "./cape-dump.ts";
export { readElfCore } from "./elf-core.ts";
export { readLime } from "./lime.ts";
export * from "./memory-space.ts";
export { readMinidump } from "./minidump.ts";
export type * from "./model.ts";
export * from "./open-memory.ts";
export { readRaw, readRegion } from "./raw.ts";
export { baseOfName } from "./region-name.ts";
