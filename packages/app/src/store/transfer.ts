/**
 * A corpus as JSON lines, one thing a line, in an order that follows from what there is: an import of an export exports
 * the same bytes. Everything else (findings, configs, indicators, what stands) follows from the results again.
 *
 *     {"assay":"corpus/1"}
 *     {"result":{"run":{…},"firstAt":…,"lastAt":…,"sample":{…}}}     by sample
 *     {"exclusion":{…}} {"watch":{…}} {"hit":{…}}
 *     {"said":{"source":…,"form":…,"file":…,"addedAt":…,"claim":{…}}}   by key
 *     {"blob":{"sha256":…,"storedAt":…,"cart":"<base64>"}}           with --blobs
 */
import { Buffer } from "node:buffer";
import { claimOf } from "@assay/core/foreign/check-claim";
import { checkReport } from "@assay/core/model/check-report";
import type { Sample } from "@assay/core/model/index";
import { REPORT_SCHEMA } from "@assay/core/model/version";
import { asc, eq } from "drizzle-orm";
import { seal, unseal } from "./blobs.ts";
import type { Corpus } from "./corpus.ts";
import type { Database } from "./database.ts";
import { addExclusion, listExclusions } from "./exclusions.ts";
import { indicatorKey, valueKey } from "./keys.ts";
import { putBatch } from "./put.ts";
import { allResults } from "./results.ts";
import { allStatements, putStatements, type Statement } from "./said.ts";
import { blobs, indicators, names, runs, watches, watchHits } from "./schema.ts";
import type { Run, Seen } from "./seen.ts";
import { refreshStatistics } from "./statistics.ts";
import { addWatch } from "./watch.ts";

const FORM = "corpus/1";
/** Results of one transaction. */
const BATCH = 64;

export interface ExportOptions {
  /** The samples themselves as well. */
  readonly blobs: boolean;
  /** Told of what could not be written: a damaged result, a missing blob. */
  readonly onProblem: (text: string) => void;
}

/** Lines with their ends. */
export async function* exportLines(corpus: Corpus, options: ExportOptions): AsyncGenerator<string> {
  const { db } = corpus;
  yield line({ assay: FORM });
  const runOf = new Map((await db.select().from(runs)).map(({ id, ...run }) => [id, run]));
  for await (const { id, run, report, firstAt, lastAt, sample } of allResults(db)) {
    const of = runOf.get(run);
    if (report === undefined || of === undefined) {
      options.onProblem(`result ${id} of ${sample} is damaged and left out`);
      continue;
    }
    const families = JSON.parse(of.families) as string[];
    yield line({
      result: {
        run: { startedAt: of.startedAt, engine: of.engine, families },
        ...{ firstAt, lastAt, sample: { ...report, names: await namesOf(db, sample) } },
      },
    });
  }
  for (const exclusion of await listExclusions(db)) yield line({ exclusion });
  for (const { value, addedAt } of await db.select().from(watches).orderBy(asc(watches.value)))
    yield line({ watch: { value, addedAt } });
  for (const hit of await hits(db)) yield line({ hit });
  for await (const said of allStatements(db)) yield line({ said });
  if (options.blobs) yield* blobLines(corpus, options);
}

function line(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

async function namesOf(db: Database, sample: string): Promise<string[]> {
  const rows = await db
    .select({ name: names.name })
    .from(names)
    .where(eq(names.sample, sample))
    .orderBy(asc(names.name), asc(names.key));
  return rows.map(({ name }) => name);
}

async function hits(db: Database) {
  return db
    .select({
      watch: watches.value,
      sample: watchHits.sample,
      type: indicators.type,
      value: indicators.value,
      at: watchHits.at,
    })
    .from(watchHits)
    .innerJoin(watches, eq(watches.key, watchHits.watch))
    .innerJoin(indicators, eq(indicators.id, watchHits.indicator))
    .orderBy(asc(watches.value), asc(watchHits.sample), asc(watchHits.indicator));
}

async function* blobLines({ db, blobs: store }: Corpus, options: ExportOptions): AsyncGenerator<string> {
  const rows = await db.select().from(blobs).orderBy(asc(blobs.sha256));
  for (const { sha256, storedAt } of rows) {
    const read = await store?.get(sha256);
    if (read?.status === "ok")
      yield line({ blob: { sha256, storedAt, cart: Buffer.from(seal(read.bytes)).toString("base64") } });
    else options.onProblem(`the bytes of ${sha256} are ${read?.status ?? "not here"} and left out`);
  }
}

export interface Imported {
  results: number;
  blobs: number;
}

/** What is wrong with a line, from 1. What came before it is in the corpus; the same import again does no harm. */
export class ImportError extends Error {
  constructor(number: number, text: string) {
    super(`line ${number}: ${text}`);
    this.name = "ImportError";
  }
}

/** Rejects with ImportError. */
export async function importLines(corpus: Corpus, lines: AsyncIterable<string>): Promise<Imported> {
  const reader = new Reader(corpus);
  let number = 0;
  for await (const text of lines) {
    number++;
    if (text.trim() !== "") await reader.take(number, text);
  }
  return reader.end();
}

class Reader {
  readonly #corpus: Corpus;
  readonly #done: Imported = { results: 0, blobs: 0 };
  #isOurs = false;
  #run: Run | undefined;
  #batch: Seen[] = [];
  #statements: Statement[] = [];
  #first = 0;

  constructor(corpus: Corpus) {
    this.#corpus = corpus;
  }

  async take(number: number, text: string): Promise<void> {
    const [[kind, value] = ["", undefined]] = Object.entries(record(parsed(number, text)));
    if (!this.#isOurs) {
      if (kind !== "assay" || value !== FORM)
        throw new ImportError(number, `no export of a corpus (${FORM})`);
      this.#isOurs = true;
      return;
    }
    const fields = record(value);
    if (kind === "result") return this.#result(number, fields);
    if (kind === "said") return this.#statement(number, fields);
    await this.#flush();
    if (kind === "exclusion") {
      if (
        !(await addExclusion(
          this.#corpus.db,
          string(number, fields, "entry"),
          instant(number, fields, "addedAt"),
        ))
      )
        throw new ImportError(number, "no exclusion");
    } else if (kind === "watch") {
      if (
        !(await addWatch(
          this.#corpus.db,
          string(number, fields, "value"),
          instant(number, fields, "addedAt"),
        ))
      )
        throw new ImportError(number, "nothing that can be watched");
    } else if (kind === "hit") await this.#hit(number, fields);
    else if (kind === "blob") await this.#blob(number, fields);
    else throw new ImportError(number, "neither a result nor anything else of a corpus");
  }

  async end(): Promise<Imported> {
    await this.#flush();
    await refreshStatistics(this.#corpus.db);
    return this.#done;
  }

  async #result(number: number, fields: Fields): Promise<void> {
    const of = record(fields.run);
    const families = Array.isArray(of.families) ? of.families : [];
    if (!families.every((family) => typeof family === "string")) throw new ImportError(number, "no run");
    const run: Run = {
      startedAt: instant(number, of, "startedAt"),
      engine: string(number, of, "engine"),
      families: families as string[],
    };
    if (JSON.stringify(run) !== JSON.stringify(this.#run) || this.#batch.length >= BATCH) await this.#flush();
    if (this.#batch.length === 0) this.#first = number;
    this.#run = run;
    this.#batch.push({
      sample: fields.sample as Sample,
      firstAt: instant(number, fields, "firstAt"),
      lastAt: instant(number, fields, "lastAt"),
    });
  }

  async #flush(): Promise<void> {
    const statements = this.#statements;
    this.#statements = [];
    if (statements.length > 0) await putStatements(this.#corpus.db, statements);
    const [run, batch] = [this.#run, this.#batch];
    this.#batch = [];
    if (run === undefined || batch.length === 0) return;
    // An export may come from anybody: its results are held to the schema of a report.
    const report = checkReport({
      schema: REPORT_SCHEMA,
      engine: { name: "assay", version: run.engine, families: run.families },
      ...{ startedAt: run.startedAt, elapsedMs: 0, relations: [], clusters: [] },
      samples: batch.map(({ sample }) => sample),
    });
    if (!report.ok) throw new ImportError(this.#first, `the results from here on are none: ${report.error}`);
    await putBatch(this.#corpus.db, run, batch);
    this.#done.results += batch.length;
  }

  async #statement(number: number, fields: Fields): Promise<void> {
    const claim = claimOf(fields.claim);
    if (claim === undefined) throw new ImportError(number, "no claim");
    this.#statements.push({
      source: string(number, fields, "source"),
      form: string(number, fields, "form"),
      file: string(number, fields, "file"),
      addedAt: instant(number, fields, "addedAt"),
      claim,
    });
    if (this.#statements.length >= BATCH) await this.#flush();
  }

  async #hit(number: number, fields: Fields): Promise<void> {
    const sample = string(number, fields, "sample");
    if (!SHA256.test(sample)) throw new ImportError(number, "no SHA-256");
    await this.#corpus.db
      .insert(watchHits)
      .values({
        watch: valueKey(string(number, fields, "watch")),
        sample,
        indicator: indicatorKey(string(number, fields, "type"), string(number, fields, "value")),
        at: instant(number, fields, "at"),
      })
      .onConflictDoNothing();
  }

  async #blob(number: number, fields: Fields): Promise<void> {
    const { db, blobs: store } = this.#corpus;
    const sha256 = string(number, fields, "sha256");
    if (!SHA256.test(sha256)) throw new ImportError(number, "no SHA-256");
    const read = unseal(Buffer.from(string(number, fields, "cart"), "base64"), sha256);
    if (read.status !== "ok")
      throw new ImportError(
        number,
        `the blob ${sha256} is ${read.status === "corrupt" ? read.text : "empty"}`,
      );
    if (store === undefined) return;
    await store.put(sha256, read.bytes);
    await db
      .insert(blobs)
      .values({ sha256, size: read.bytes.length, storedAt: instant(number, fields, "storedAt") })
      .onConflictDoNothing();
    this.#done.blobs++;
  }
}

type Fields = Readonly<Record<string, unknown>>;

const SHA256 = /^[0-9a-f]{64}$/;

function parsed(number: number, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw new ImportError(number, "no JSON");
    throw error;
  }
}

/** No fields for what is no object. */
function record(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function string(number: number, fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== "string") throw new ImportError(number, `${name} is missing`);
  return value;
}

/** ISO 8601 in UTC with milliseconds, and no other form: times are compared as texts. */
function instant(number: number, fields: Fields, name: string): string {
  const text = string(number, fields, name);
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) throw new ImportError(number, `${name} is no moment`);
  return text;
}
