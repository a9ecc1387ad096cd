export * from "./relate.ts";
