export * from "./carrier.ts";
