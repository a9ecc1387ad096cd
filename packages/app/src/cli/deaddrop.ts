/** `assay deaddrop FILE --family NAME`: what a saved dead-drop page says. Nothing is ever fetched. */
import { type Found, View } from "@assay/core/bytes/index";
import { printable } from "@assay/core/export/escape";
import type { DeadDropAnswer } from "@assay/core/families/family";
import { defang } from "@assay/core/indicators/defang";
import type { Command } from "commander";
import { readSample } from "../batch/read.ts";
import { UsageError } from "./options.ts";
import { emit, json } from "./output.ts";

/** A profile page has some 100 KB. */
const MAX_PAGE_BYTES = 16 * 1024 * 1024;

export function deaddropCommand(program: Command): void {
  program
    .command("deaddrop")
    .description(
      "decode the C2 from a saved dead-drop page (Steam profile, Telegram channel, or bare text), offline",
    )
    .argument("<file>", "saved page, or - for standard input")
    .requiredOption("--family <name>", "family whose encoding to read")
    .option("--json", "as JSON")
    .action(async (file: string, flags: { family: string; json?: boolean }) => {
      const { findFamily } = await import("./family-pages.ts");
      const family = findFamily(flags.family);
      if (family.deadDrop === undefined) throw new UsageError(`${family.id} is not known to use dead drops`);
      const read = readSample(Buffer.from(file === "-" ? "/dev/stdin" : file), MAX_PAGE_BYTES);
      if (!("bytes" in read)) throw new UsageError(`${file}: ${read.reason.text}`);
      const page = new View(read.bytes);
      const answers = [...family.deadDrop(page)].sort((a, b) => a.rank - b.rank);
      const unresolved = family.unresolvedDrops?.(page) ?? [];
      if (flags.json) emit(json({ family: family.id, answers, unresolved }), undefined);
      else emit(text(answers, unresolved), undefined);
    });
}

function text(answers: readonly DeadDropAnswer[], unresolved: readonly Found<string>[]): string {
  if (answers.length + unresolved.length === 0) return "no C2 found in this page\n";
  const quoted = (found: Found<string>): string => `"${printable(defang(found.value))}"`;
  return [
    ...answers.map(
      (answer) => `${printable(defang(answer.value))}  ${answer.method}  from ${quoted(answer.text)}\n`,
    ),
    ...unresolved.map(
      (found) => `unresolved: ${quoted(found)} is marked up as a dead drop, in a coding that is not known\n`,
    ),
  ].join("");
}
