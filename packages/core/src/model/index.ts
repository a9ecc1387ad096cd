export * from "./finding.ts";
export * from "./ledger.ts";
export * from "./maco.ts";
export * from "./report.ts";
export * from "./steps.ts";
export * from "./subjects.ts";
export * from "./version.ts";
