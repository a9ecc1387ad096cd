/** `assay families [NAME]`: what is supported. */

import type { Family } from "@assay/core/families/family";
import { families } from "@assay/core/families/index";
import type { Command } from "commander";
import { UsageError } from "./options.ts";
import { emit, json } from "./output.ts";

/** A family by Malpedia id, the id without its platform, its name or an alias; case does not count. */
export function findFamily(name: string): Family {
  const wanted = name.toLowerCase();
  const names = (family: Family): string[] => [
    family.id,
    family.id.replace(/^\w+\./, ""),
    family.name,
    ...family.aliases,
    family.name.split(" ")[0] ?? "",
  ];
  const family = families.find((candidate) =>
    names(candidate).some((known) => known.toLowerCase() === wanted),
  );
  if (family === undefined)
    throw new UsageError(`no family "${name}"; known: ${families.map(({ id }) => id).join(", ")}`);
  return family;
}

export function familiesCommand(program: Command): void {
  program
    .command("families")
    .description("what is supported: layouts, versions, references")
    .argument("[name]")
    .option("--json", "as JSON")
    .action((name: string | undefined, flags: { json?: boolean }) => {
      const chosen = name === undefined ? families : [findFamily(name)];
      if (flags.json) emit(json(chosen.map(describe)), undefined);
      else if (name === undefined) emit(overview(), undefined);
      else emit(chosen.map(page).join("\n"), undefined);
    });
}

function describe(family: Family): unknown {
  const { id, name, aliases, category, summary, layouts, references, defaults } = family;
  return {
    id,
    name,
    aliases,
    category,
    summary,
    layouts,
    references,
    defaults,
    deadDrop: family.deadDrop !== undefined,
  };
}

function overview(): string {
  const width = Math.max(...families.map((family) => family.id.length));
  return families
    .map(
      (family) =>
        `${family.id.padEnd(width)}  ${family.name} (${family.layouts.map((layout) => layout.id).join(", ")})\n`,
    )
    .join("");
}

function page(family: Family): string {
  const width = Math.max(...family.layouts.map((layout) => layout.id.length));
  return [
    `${family.id}  ${family.name}${family.aliases.length > 0 ? ` (${family.aliases.join(", ")})` : ""}`,
    family.summary,
    "",
    "Layouts, newest first:",
    ...family.layouts.map((layout) => `  ${layout.id.padEnd(width)}  ${layout.title}; ${layout.used}`),
    "",
    ...(family.deadDrop === undefined
      ? []
      : [`Saved dead-drop pages: assay deaddrop FILE --family ${family.id}`, ""]),
    "References:",
    ...family.references.map((reference) => `  ${reference}`),
    "",
  ].join("\n");
}
