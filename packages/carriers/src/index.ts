export * from "./carrier.ts";
export * from "./pe-writer.ts";
export * from "./remcos.ts";
