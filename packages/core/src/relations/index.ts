export * from "./config-fields.ts";
export { configId } from "./config-id.ts";
export * from "./correlate.ts";
export * from "./pivots.ts";
export * from "./relate.ts";
