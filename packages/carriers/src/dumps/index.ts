export * from "./cape-dump.ts";
export * from "./elf-core.ts";
export * from "./lime.ts";
export { mapPe } from "./map-pe.ts";
export * from "./minidump.ts";
export * from "./process.ts";
export * from "./regions.ts";
