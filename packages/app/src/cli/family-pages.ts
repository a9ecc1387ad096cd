/** What is known of the families, for people and for programs. */

import type { Family } from "@assay/core/families/family";
import { families as allFamilies } from "@assay/core/families/index";
import { UsageError } from "./options.ts";

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
  const family = allFamilies.find((candidate) =>
    names(candidate).some((known) => known.toLowerCase() === wanted),
  );
  if (family === undefined)
    throw new UsageError(`no family "${name}"; known: ${allFamilies.map(({ id }) => id).join(", ")}`);
  return family;
}

export function describe(family: Family): unknown {
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

export function overview(): string {
  const width = Math.max(...allFamilies.map((family) => family.id.length));
  return allFamilies
    .map(
      (family) =>
        `${family.id.padEnd(width)}  ${family.name} (${family.layouts.map((layout) => layout.id).join(", ")})\n`,
    )
    .join("");
}

export function page(family: Family): string {
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

export { allFamilies };
