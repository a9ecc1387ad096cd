/**
 * Runs stored samples again whose results are another engine's, and says what changed. A rescan is a batch that finds its
 * members a page at a time, behind all other work and never more than the queue takes.
 */
import { and, asc, eq, exists, gt, gte, inArray, not, or, type SQL, sql } from "drizzle-orm";
import type { Database } from "../store/database.ts";
import { identifications } from "../store/identifications.ts";
import { analyses, blobs, findings, names, samples } from "../store/schema.ts";
import { type Boss, RESCAN, within } from "./boss.ts";
import { type Engine, putEngine } from "./engine.ts";
import { waiting } from "./status.ts";
import { PRIORITIES, putWishesIn, type Wish } from "./submit.ts";
import { batches, engines, tasks } from "./tables.ts";
import { transact } from "./transaction.ts";
import type { Filter } from "./types.ts";

/** Samples of one step. */
const PAGE = 200;
/** A rescan adds none while so many wait. */
const MAX_WAITING = 1000;

interface RescanData {
  readonly batch: string;
  readonly filter: Filter;
  /** Of who asked: a worker that takes it on may be of another release. */
  readonly engine: Engine;
  /** The last sample of the step before. */
  readonly after?: string;
}

/** The batch of the new rescan. */
export async function startRescan(db: Database, boss: Boss, engine: Engine, filter: Filter): Promise<string> {
  const batch = crypto.randomUUID();
  const data: RescanData = { batch, filter, engine };
  await transact(db, async (tx) => {
    await tx.insert(batches).values({
      ...{ id: batch, kind: "rescan", filter, createdAt: new Date().toISOString() },
      ...{ complete: false, total: 0, events: 0 },
    });
    await boss.pgBoss.insert(RESCAN, [{ data }], within(tx));
  });
  return batch;
}

/** Takes rescans on by a step; what is added and that the step is done is one transaction. */
export async function expandRescan(db: Database, boss: Boss): Promise<void> {
  while ((await waiting(db)) < MAX_WAITING && (await step(db, boss)));
}

/** False when there was none to do. */
async function step(db: Database, boss: Boss): Promise<boolean> {
  return transact(db, async (tx) => {
    const [job] = await boss.pgBoss.fetch<RescanData>(RESCAN, within(tx));
    if (job === undefined) return false;
    const { batch, filter, engine, after } = job.data;
    const found = await concerned(tx, engine, filter, after, PAGE);
    await boss.pgBoss.complete(RESCAN, job.id, null, within(tx));
    await putWishesIn(tx, boss, engine, { id: batch, kind: "rescan" }, found);
    const last = found.at(-1);
    if (last !== undefined && found.length === PAGE) {
      const data: RescanData = { batch, filter, engine, after: last.sha256 };
      await boss.pgBoss.insert(RESCAN, [{ data }], within(tx));
    } else await tx.update(batches).set({ complete: true }).where(eq(batches.id, batch));
    return true;
  });
}

/** Stored samples that the filter is about and that this engine's version of the family has not seen, by hash. */
async function concerned(
  tx: Database,
  engine: Engine,
  filter: Filter,
  after: string | undefined,
  limit: number,
): Promise<Wish[]> {
  await putEngine(tx, engine);
  const rows = await tx
    .select({ sha256: samples.sha256, size: blobs.size, before: samples.analysis })
    .from(samples)
    .innerJoin(blobs, eq(blobs.sha256, samples.sha256))
    .where(
      and(
        eq(samples.submitted, true),
        after === undefined ? undefined : gt(samples.sha256, after),
        filter.since === undefined ? undefined : gte(samples.lastSeen, filter.since),
        concerns(tx, filter),
        not(exists(seenBy(tx, engine, filter.family))),
      ),
    )
    .orderBy(asc(samples.sha256))
    .limit(limit);
  const called = await firstNames(
    tx,
    rows.map(({ sha256 }) => sha256),
  );
  return rows.map(({ sha256, size, before }) => ({
    ...{ sha256, size, name: called.get(sha256) ?? sha256, priority: PRIORITIES.rescan },
    ...(before === null ? {} : { before }),
  }));
}

function concerns(tx: Database, { family, layout, unknown }: Filter): SQL | undefined {
  if (family === undefined && layout === undefined) return undefined;
  // Also what was found within an archive: it is the archive that is analysed.
  const found = tx
    .select({ one: sql`1` })
    .from(findings)
    .innerJoin(analyses, eq(analyses.id, findings.analysis))
    .where(
      and(
        eq(analyses.sample, samples.sha256),
        family === undefined ? undefined : eq(findings.family, family),
        layout === undefined ? undefined : eq(findings.layout, layout),
      ),
    );
  const taken =
    family === undefined || layout !== undefined
      ? undefined
      : exists(
          tx
            .select({ one: sql`1` })
            .from(identifications)
            .where(and(eq(identifications.sample, samples.sha256), eq(identifications.family, family))),
        );
  const nothing = unknown === true ? inArray(samples.outcome, ["unknown", "identified"]) : undefined;
  return or(exists(found), taken, nothing);
}

/** Results that this engine got, or one with the same release and the same version of the family. */
function seenBy(tx: Database, engine: Engine, family: string | undefined) {
  const same =
    family === undefined || engine.families[family] === undefined
      ? eq(engines.id, engine.id)
      : and(
          eq(engines.version, engine.version),
          sql`${engines.families} ->> ${family} = ${engine.families[family]}`,
        );
  return tx
    .select({ one: sql`1` })
    .from(tasks)
    .innerJoin(engines, eq(engines.id, tasks.engine))
    .where(and(eq(tasks.sha256, samples.sha256), eq(tasks.state, "done"), same));
}

async function firstNames(tx: Database, hashes: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (hashes.length === 0) return new Map();
  const rows = await tx
    .selectDistinctOn([names.sample], { sample: names.sample, name: names.name })
    .from(names)
    .where(inArray(names.sample, [...hashes]))
    .orderBy(asc(names.sample), asc(names.name));
  return new Map(rows.map(({ sample, name }) => [sample, name]));
}
