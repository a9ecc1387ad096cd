/** What `assay import` does, loaded when it is asked for. */
import { printable, shorten } from "@assay/core/export/escape";
import type { Foreign } from "@assay/core/foreign/read";
import { fileName, readForeignFile } from "../exchange/read-files.ts";
import { forgetSource, listSources, putStatements } from "../store/said.ts";
import { withCorpus } from "./corpus-place.ts";
import type { ImportFlags } from "./import.ts";
import { UsageError } from "./options.ts";
import { emit, json } from "./output.ts";

/** What was left out, told one by one for each file. */
const MAX_TOLD = 20;
const MAX_WIDTH = 120;
const MAX_SOURCE = 200;
/** Some file could not be read. */
const PARTIAL_STATUS = 1;

interface Read {
  readonly path: string;
  readonly foreign: Foreign;
}

export async function importFiles(files: readonly string[], flags: ImportFlags): Promise<void> {
  if (files.length === 0) throw new UsageError("no file to import");
  if (flags.source !== undefined && (flags.source.trim() === "" || flags.source.length > MAX_SOURCE))
    throw new UsageError(`--source: a name of at most ${MAX_SOURCE} characters is expected`);
  const read: Read[] = [];
  for (const path of files) {
    const result = await readForeignFile(path, flags.form);
    if (result.ok) read.push({ path, foreign: result.value });
    else {
      console.error(`assay: ${printable(path)}: ${printable(result.error)}`);
      process.exitCode = PARTIAL_STATUS;
    }
  }
  const added = new Map<Read, number>();
  if (!flags.dryRun && read.length > 0)
    await withCorpus(
      flags,
      async ({ db }) => {
        const addedAt = new Date().toISOString();
        for (const one of read) {
          const file = fileName(one.path);
          const about = { source: flags.source?.trim() ?? file, form: one.foreign.form, file, addedAt };
          added.set(
            one,
            await putStatements(
              db,
              one.foreign.claims.map((claim) => ({ ...about, claim })),
            ),
          );
        }
      },
      "make",
    );
  if (flags.json) emit(json(read.map(({ path, foreign }) => ({ file: path, ...foreign }))), undefined);
  for (const one of read) tell(one, added.get(one));
}

function tell({ path, foreign }: Read, added: number | undefined): void {
  const { claims, title, leftOut, leftOutCount } = foreign;
  const count = <T>(list: (claim: (typeof claims)[number]) => readonly T[]) =>
    new Set(claims.flatMap((claim) => [...list(claim)])).size;
  const indicators = count(({ indicators: all }) => all.map(({ type, value }) => `${type}:${value}`));
  const families = [...new Set(claims.flatMap(({ family }) => family ?? []))];
  const configs = claims.filter(({ config }) => config !== undefined).length;
  const kept = added === undefined ? "nothing kept" : `${added} new`;
  const whose = families.length === 0 ? "" : ` of ${shorten(families.map(printable).join(", "), MAX_WIDTH)}`;
  console.error(
    `assay: ${printable(path)}: ${title}: ${claims.length} claims${whose} (${kept}), ${configs} configs, ${indicators} indicators, ${count(({ subjects }) => subjects)} files`,
  );
  for (const { what, why } of leftOut.slice(0, MAX_TOLD))
    console.error(`assay:   left out: ${printable(shorten(what, MAX_WIDTH))}: ${printable(why)}`);
  if (leftOutCount > MAX_TOLD) console.error(`assay:   left out: ${leftOutCount - MAX_TOLD} more`);
}

export async function showSources(flags: ImportFlags): Promise<void> {
  const rows = await withCorpus(flags, ({ db }) => listSources(db));
  if (flags.json) emit(json(rows), undefined);
  else if (rows.length === 0) emit("nobody said anything\n", undefined);
  else
    for (const { source, statements, lastAddedAt } of rows)
      emit(
        `${(lastAddedAt ?? "").slice(0, 10)}  ${String(statements).padStart(8)}  ${printable(source)}\n`,
        undefined,
      );
}

export async function forget(source: string, flags: ImportFlags): Promise<void> {
  const gone = await withCorpus(flags, ({ db }) => forgetSource(db, source));
  if (gone === 0) throw new UsageError(`${printable(source)} is the source of nothing`);
  console.error(`assay: ${gone} claims of ${printable(source)} forgotten`);
}
