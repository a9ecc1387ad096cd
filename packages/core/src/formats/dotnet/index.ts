export type * from "./model.ts";
export { parseDotnet } from "./parse-dotnet.ts";
