/** `assay families [NAME]`: what is supported. */
import type { Command } from "commander";
import { emit, json } from "./output.ts";

export function familiesCommand(program: Command): void {
  program
    .command("families")
    .description("what is supported: layouts, versions, references")
    .argument("[name]")
    .option("--json", "as JSON")
    .action(async (name: string | undefined, flags: { json?: boolean }) => {
      const { allFamilies, describe, findFamily, overview, page } = await import("./family-pages.ts");
      const chosen = name === undefined ? allFamilies : [findFamily(name)];
      if (flags.json) emit(json(chosen.map(describe)), undefined);
      else emit(name === undefined ? overview() : chosen.map(page).join("\n"), undefined);
    });
}
