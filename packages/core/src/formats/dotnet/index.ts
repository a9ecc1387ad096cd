export * from "./cil-constants.ts";
export * from "./cil-values.ts";
export * from "./members.ts";
export type * from "./model.ts";
export { findModules, parseDotnet } from "./parse-dotnet.ts";
export { TABLE } from "./table-layout.ts";
