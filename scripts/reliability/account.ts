/** What became of every sample, by the corpus' own tables and not by what anybody said. */
import { eq, sql } from "drizzle-orm";
import { submissions, tasks } from "../../packages/app/src/jobs/tables.ts";
import type { Corpus } from "../../packages/app/src/store/corpus.ts";
import { analyses, findings, samples } from "../../packages/app/src/store/schema.ts";
import type { Carrier } from "../../packages/carriers/src/carrier.ts";

export interface Account {
  readonly carriers: number;
  /** With one result, which stands and says what the carrier holds. */
  readonly right: number;
  readonly lost: number;
  readonly double: number;
  readonly dead: number;
  /** What is not as it should be; some of it. */
  readonly wrong: readonly string[];
  /** How many samples took 1, 2, … tries. */
  readonly tries: Readonly<Record<string, number>>;
  /** Seconds from when a job was taken up by a worker that died until it was in the queue again. */
  readonly comeback: {
    readonly count: number;
    readonly median: number;
    readonly p95: number;
    readonly max: number;
  };
  /** Events of the kind that say that a sample is done, above one for each. */
  readonly extraDoneEvents: number;
  /** Indicators whose count is not that of the samples that hold them. */
  readonly miscounted: number;
  readonly jobsLeft: number;
}

const MAX_TOLD = 20;

export async function accountFor(
  { db }: Corpus,
  batch: string,
  expected: ReadonlyMap<string, Carrier>,
): Promise<Account> {
  const wrong: string[] = [];
  const tell = (text: string) => {
    if (wrong.length < MAX_TOLD) wrong.push(text);
  };
  const results = await db
    .select({ sample: analyses.sample, id: analyses.id, outcome: analyses.outcome })
    .from(analyses);
  const byHash = new Map<string, (typeof results)[number][]>();
  for (const row of results) byHash.set(row.sample, [...(byHash.get(row.sample) ?? []), row]);
  const standing = new Map(
    (await db.select({ sha256: samples.sha256, analysis: samples.analysis }).from(samples)).map((row) => [
      row.sha256,
      row.analysis,
    ]),
  );
  const c2 = new Map((await db.select().from(findings)).map((row) => [row.analysis, row.c2]));
  let [right, lost, double] = [0, 0, 0];
  for (const [sha256, { name, expected: holds }] of expected) {
    const own = byHash.get(sha256) ?? [];
    const [only] = own;
    if (only === undefined) {
      lost++;
      tell(`${name}: no result`);
    } else if (own.length > 1) {
      double++;
      tell(`${name}: ${own.length} results: ${own.map(({ outcome }) => outcome).join(", ")}`);
    } else if (standing.get(sha256) !== only.id) tell(`${name}: its result does not stand`);
    else if (c2.get(only.id) !== JSON.stringify(holds.c2))
      tell(`${name}: ${only.outcome}, C2 ${c2.get(only.id)}`);
    else right++;
  }
  for (const sample of byHash.keys()) if (!expected.has(sample)) tell(`${sample}: nobody sent it`);

  const done = await db
    .select({ state: tasks.state, tries: tasks.tries, name: submissions.name, reason: tasks.reason })
    .from(tasks)
    .innerJoin(submissions, eq(submissions.task, tasks.id))
    .where(eq(submissions.batch, batch));
  for (const { state, name, reason } of done) if (state !== "done") tell(`${name}: ${state}: ${reason}`);
  const tries: Record<string, number> = {};
  for (const row of done) tries[row.tries] = (tries[row.tries] ?? 0) + 1;

  const rows = async <T>(query: ReturnType<typeof sql>) =>
    ((await db.execute(query)) as unknown as { rows: T[] }).rows;
  const waits = (
    await rows<{ s: number }>(sql`
      select extract(epoch from at - before)::float8 as s from (
        select at, state, lag(at) over w as before, lag(state) over w as was from assay.batch_events
          where batch = ${batch} window w as (partition by task order by n)) e
      where state = 'queued' and was = 'active'`)
  )
    .map(({ s }) => s)
    .sort((a, b) => a - b);
  const at = (share: number) =>
    Number((waits[Math.min(waits.length - 1, Math.floor(waits.length * share))] ?? 0).toFixed(1));
  const [events] = await rows<{ n: number }>(sql`
    select coalesce(sum(n - 1), 0)::int as n from (select count(*) as n from assay.batch_events
      where batch = ${batch} and state = 'done' group by task) e`);
  const [miscounted] = await rows<{ n: number }>(sql`
    select count(*)::int as n from assay.indicators i where samples <>
      (select count(distinct sample) from assay.holdings h where h.indicator = i.id)`);
  const [jobs] = await rows<{ n: number }>(sql`
    select count(*)::int as n from assay_jobs.job where name = 'analyse' and state in ('created', 'retry', 'active')`);
  if (events?.n !== 0) tell(`${events?.n} samples were said to be done more than once`);
  if (miscounted?.n !== 0) tell(`${miscounted?.n} indicators are miscounted`);
  if (jobs?.n !== 0) tell(`${jobs?.n} jobs are left`);
  return {
    ...{ carriers: expected.size, right, lost, double, wrong, tries },
    dead: done.filter(({ state }) => state === "dead").length,
    comeback: { count: waits.length, median: at(0.5), p95: at(0.95), max: at(1) },
    ...{ extraDoneEvents: events?.n ?? 0, miscounted: miscounted?.n ?? 0, jobsLeft: jobs?.n ?? 0 },
  };
}
