/** Many results as one document or one export, read a page at a time and never held together. */
import type { Conversion, ExportOptions, Form } from "@assay/core/export/form";
import { type Report, type Sample, subjectsOf } from "@assay/core/model/index";
import { relate } from "@assay/core/relations/index";
import type { Queue } from "../jobs/queue.ts";
import type { Database } from "../store/database.ts";
import { type Loaded, loadResults, reportOf, type StandingId, standingIds } from "../store/sample.ts";

/** Members of one question. */
const PAGE = 1000;
/** Results held at once. */
const AT_ONCE = 50;
/** Characters that are sent together. */
const CHUNK = 64 * 1024;

/** Every file of a batch whose analysis has ended, in the order of the upload, each once. */
export async function hashesOfBatch(queue: Queue, batch: string): Promise<string[]> {
  const found = new Set<string>();
  for (let after: number | undefined = 0; after !== undefined; ) {
    const status = await queue.status(batch, { limit: PAGE, after });
    for (const { sha256, state } of status?.samples ?? [])
      if (state === "done" || state === "failed") found.add(sha256);
    after = status?.next;
  }
  return [...found];
}

async function* loaded(db: Database, ids: readonly StandingId[]): AsyncGenerator<Loaded> {
  for (let at = 0; at < ids.length; at += AT_ONCE)
    yield* await loadResults(
      db,
      ids.slice(at, at + AT_ONCE).map(({ id }) => id),
    );
}

/** The document of no samples yet: engine and times of these results. */
async function headOf(db: Database, ids: readonly StandingId[]): Promise<Report> {
  const newest = ids.reduce<StandingId | undefined>(
    (best, one) => (best === undefined || one.lastAt > best.lastAt ? one : best),
    undefined,
  );
  const first = ids.reduce((at, { lastAt }) => (lastAt < at ? lastAt : at), newest?.lastAt ?? "");
  const [one] = newest === undefined ? [] : await loadResults(db, [newest.id]);
  return one === undefined ? reportOf([]) : { ...reportOf([one]), startedAt: first, samples: [] };
}

/** `assay.report/1` of the standing results of these files, as text. */
export async function* reportStream(db: Database, hashes: readonly string[]): AsyncGenerator<string> {
  const ids = await standingIds(db, hashes);
  const { schema, engine, startedAt } = await headOf(db, ids);
  yield `{"schema":${JSON.stringify(schema)},"engine":${JSON.stringify(engine)},"startedAt":${JSON.stringify(startedAt)},"samples":[`;
  const subjects: Sample[] = [];
  let elapsedMs = 0;
  let isFirst = true;
  for await (const { sample } of loaded(db, ids)) {
    yield `${isFirst ? "" : ","}${JSON.stringify(sample)}`;
    isFirst = false;
    elapsedMs += sample.elapsedMs;
    subjects.push(...subjectsOf(sample).map(lean));
  }
  const { relations, clusters } = relate(subjects);
  yield `],"relations":${JSON.stringify(relations)},"clusters":${JSON.stringify(clusters)},"elapsedMs":${Math.round(elapsedMs)}}\n`;
}

/** What relations need of a sample: artifacts and evidence are most of its size. */
function lean(sample: Sample): Sample {
  return {
    ...sample,
    artifacts: [],
    reasons: [],
    findings: sample.findings.map((finding) => ({ ...finding, evidence: [] })),
  };
}

/** Files of a selection; undefined: all. */
type Only = ReadonlySet<string> | undefined;

/** A result as far as it speaks of these files: of an archive, what it holds of them. */
async function* loadedOf(db: Database, ids: readonly StandingId[], only: Only): AsyncGenerator<Loaded> {
  for await (const one of loaded(db, ids))
    yield only === undefined ? one : { ...one, sample: narrowed(one.sample, only) };
}

export function narrowed(sample: Sample, only: ReadonlySet<string>): Sample {
  if (sample.sha256 === null || only.has(sample.sha256)) return sample;
  const isWanted = ({ subject }: { readonly subject: number }) =>
    only.has(sample.artifacts[subject]?.sha256 ?? "");
  const findings = sample.findings.filter(isWanted);
  return {
    ...sample,
    findings,
    families: [...new Set(findings.map(({ family }) => family))],
    indicators: sample.indicators.filter(isWanted),
  };
}

/**
 * An export of the standing results with these ids, as text in pieces worth sending. `only`: of archives, no other files
 * than these.
 */
export async function* exportStream(
  db: Database,
  ids: readonly StandingId[],
  form: Form,
  options: ExportOptions,
  only?: ReadonlySet<string>,
): AsyncGenerator<string> {
  if (form.open === undefined) {
    const all: Loaded[] = [];
    for await (const one of loadedOf(db, ids, only)) all.push(one);
    yield form.convert(reportOf(all), options).body;
    return;
  }
  const conversion: Conversion = form.open(await headOf(db, ids), options);
  const subjects: Sample[] = [];
  for await (const { sample } of loadedOf(db, ids, only)) {
    conversion.learn?.(sample);
    subjects.push(...subjectsOf(sample).map(lean));
  }
  yield* chunked(writeAll(db, ids, only, conversion, relate(subjects)));
}

async function* writeAll(
  db: Database,
  ids: readonly StandingId[],
  only: Only,
  conversion: Conversion,
  ties: ReturnType<typeof relate>,
): AsyncGenerator<string> {
  yield* conversion.begin(ties);
  if (conversion.write !== undefined)
    for await (const { sample } of loadedOf(db, ids, only)) yield* conversion.write(sample);
  yield* conversion.end();
}

async function* chunked(parts: AsyncIterable<string>): AsyncGenerator<string> {
  let waiting: string[] = [];
  let length = 0;
  for await (const part of parts) {
    waiting.push(part);
    length += part.length;
    if (length < CHUNK) continue;
    yield waiting.join("");
    waiting = [];
    length = 0;
  }
  if (length > 0) yield waiting.join("");
}
