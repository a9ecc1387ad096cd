/**
 * The STIX objects of the corpus as TAXII gives them: each version kept with the moment at which it came to be there,
 * so that a client that asks for what was added since its last visit misses nothing and gets nothing twice.
 *
 * Objects are made when somebody asks and results are new. An object that says nothing new gets no new version.
 */
import { TLP_LEVELS, type Tlp } from "@assay/core/export/form";
import { sdoId } from "@assay/core/export/stix/ids";
import { tlpMarking } from "@assay/core/export/stix/marking";
import type { StixObject } from "@assay/core/export/stix/object";
import { patternOf } from "@assay/core/export/stix/pattern";
import { StixBundle } from "@assay/core/export/stix/stix";
import { EPOCH } from "@assay/core/export/times";
import type { ConnUsage, IndicatorType } from "@assay/core/model/index";
import { ENGINE_VERSION } from "@assay/core/triage/report";
import { and, asc, eq, gt, inArray, isNotNull, max, ne, or, sql } from "drizzle-orm";
import type { Database } from "../store/database.ts";
import { insertRows } from "../store/rows.ts";
import { holdings, indicators, samples, stixObjects, stixSamples } from "../store/schema.ts";
import { type SelectedSample, selectFiles } from "./selection.ts";

/** Files whose objects are made in one transaction. */
const BATCH = 100;
/** Any number that no other part of the program locks by. */
const LOCK = 0x7461_7869;
/** Rows of one question. */
const ROWS = 5_000;
/** Members that say when somebody looked, not what there is. */
const MOMENTS = ["modified", "valid_from", "first_observed", "last_observed", "analysis_started"] as const;
/** Of these the first stays when an object gets a new version. */
const BEGINNINGS = ["valid_from", "first_observed"] as const;

/**
 * Makes the objects of results that are new, of at most `files` files; false when there are more. Two that do it at
 * once take turns.
 */
export async function refreshStix(db: Database, now: string, files = 1_000): Promise<boolean> {
  for (let done = 0; done < files; done += BATCH) {
    const more = await db.transaction(async (tx) => {
      await tx.execute(sql`select pg_advisory_xact_lock(${LOCK})`);
      return makeBatch(tx, now);
    });
    if (!more) return true;
  }
  return false;
}

async function makeBatch(db: Database, now: string): Promise<boolean> {
  const rows = await db
    .select({ sha256: samples.sha256, analysis: samples.analysis })
    .from(samples)
    .leftJoin(stixSamples, eq(stixSamples.sample, samples.sha256))
    .where(
      and(
        isNotNull(samples.analysis),
        or(sql`${stixSamples.analysis} is null`, ne(stixSamples.analysis, samples.analysis)),
      ),
    )
    .orderBy(asc(samples.sha256))
    .limit(BATCH);
  if (rows.length === 0) return false;
  const moment = await nextMoment(db, now);
  const bundle = new StixBundle(
    { engine: { name: "assay", version: ENGINE_VERSION, families: [] }, startedAt: moment },
    {},
  );
  const hashes = rows.map(({ sha256 }) => sha256);
  const chosen = await selectFiles(db, hashes);
  for (const { sample } of chosen) bundle.learn(sample);
  for (const one of await holdersOf(db, hashes))
    bundle.know(one.type as IndicatorType, one.value, one.family, one.usage as ConnUsage);
  const objects: StixObject[] = [
    ...TLP_LEVELS.map((tlp) => tlpMarking(tlp)),
    ...bundle.begin({ relations: [], clusters: [] }),
  ];
  for (const { sample, engine } of chosen) objects.push(...bundle.write(sample, engine));
  await keep(db, [...objects, ...(await spared(db, chosen, objects, moment))], moment);
  await insertRows(
    db,
    stixSamples,
    rows.map(({ sha256, analysis }) => ({ sample: sha256, analysis: analysis as string })),
    sql`on conflict (sample) do update set analysis = excluded.analysis`,
  );
  return rows.length === BATCH;
}

/** After every moment given before: clients go on from the last one that they saw. */
async function nextMoment(db: Database, now: string): Promise<string> {
  const [row] = await db.select({ at: max(stixObjects.addedAt) }).from(stixObjects);
  const last = row?.at == null ? 0 : Date.parse(row.at);
  return new Date(Math.max(Date.parse(now), last + 1, Date.parse(EPOCH) + 1)).toISOString();
}

/** Who holds the indicators of these files in the whole corpus, and for what: one who calls it a decoy spares it. */
async function holdersOf(db: Database, hashes: readonly string[]) {
  const own = db
    .selectDistinct({ id: holdings.indicator })
    .from(holdings)
    .where(inArray(holdings.sample, [...hashes]));
  return db
    .selectDistinct({
      type: indicators.type,
      value: indicators.value,
      family: holdings.family,
      usage: holdings.usage,
    })
    .from(holdings)
    .innerJoin(indicators, eq(indicators.id, holdings.indicator))
    .where(inArray(holdings.indicator, own));
}

/** Indicators given out before that must not be blocked by what is known now: revoked, as STIX has it (3.6). */
async function spared(
  db: Database,
  chosen: readonly SelectedSample[],
  made: readonly StixObject[],
  moment: string,
): Promise<StixObject[]> {
  const here = new Set(made.map(({ id }) => id));
  const ids = chosen.flatMap(({ sample }) =>
    sample.indicators.flatMap((one) => {
      const pattern = patternOf(one);
      return pattern === undefined ? [] : [sdoId("indicator", pattern)];
    }),
  );
  const gone = [...new Set(ids)].filter((id) => !here.has(id));
  if (gone.length === 0) return [];
  const rows = await db
    .select({ body: stixObjects.body })
    .from(stixObjects)
    .where(and(inArray(stixObjects.id, gone), eq(stixObjects.latest, true)));
  return rows.map(({ body }) => ({ ...(body as StixObject), modified: moment, revoked: true }));
}

async function keep(db: Database, objects: readonly StixObject[], moment: string): Promise<void> {
  const byId = new Map(objects.map((object) => [object.id, object]));
  const known = new Map<string, StixObject>();
  const ids = [...byId.keys()].sort();
  for (let at = 0; at < ids.length; at += ROWS) {
    const rows = await db
      .select({ id: stixObjects.id, body: stixObjects.body })
      .from(stixObjects)
      .where(and(inArray(stixObjects.id, ids.slice(at, at + ROWS)), eq(stixObjects.latest, true)));
    for (const { id, body } of rows) known.set(id, body as StixObject);
  }
  const fresh = ids.flatMap((id) => {
    const object = byId.get(id) as StixObject;
    const before = known.get(id);
    // What was revoked gets no further version.
    if (
      before !== undefined &&
      (object.modified === undefined || before.revoked === true || same(before, object))
    )
      return [];
    return [before === undefined ? object : { ...object, ...beginnings(before) }];
  });
  const replaced = fresh.flatMap(({ id }) => (known.has(id) ? [id] : []));
  for (let at = 0; at < replaced.length; at += ROWS)
    await db
      .update(stixObjects)
      .set({ latest: false })
      .where(and(inArray(stixObjects.id, replaced.slice(at, at + ROWS)), eq(stixObjects.latest, true)));
  await insertRows(
    db,
    stixObjects,
    fresh.map((object) => ({
      id: object.id,
      // TAXII 2.1, 3.4.1: `modified`; `created` where there is no such thing; when it was added for observables.
      version: String(object.modified ?? object.created ?? moment),
      type: object.type,
      addedAt: moment,
      latest: true,
      body: object,
    })),
  );
}

function beginnings(before: StixObject): Record<string, unknown> {
  return Object.fromEntries(
    BEGINNINGS.filter((name) => before[name] !== undefined).map((name) => [name, before[name]]),
  );
}

function same(a: StixObject, b: StixObject): boolean {
  const timeless = (object: StixObject) =>
    JSON.stringify(Object.entries(object).filter(([name]) => !(MOMENTS as readonly string[]).includes(name)));
  return timeless(a) === timeless(b);
}

export type Versions = "last" | "first" | "all" | string;

export interface StixFilter {
  readonly tlp: Tlp;
  readonly addedAfter?: string;
  readonly ids?: readonly string[];
  readonly types?: readonly string[];
  /** Any of them; default: the last. */
  readonly versions?: readonly Versions[];
  readonly after?: StixPlace;
  readonly limit: number;
}

/** Where a page ended. */
export interface StixPlace {
  readonly addedAt: string;
  readonly id: string;
  readonly version: string;
}

export interface StixRow extends StixPlace {
  readonly object: StixObject;
}

/** By when they were added; one more than `limit` when there are more. */
export async function stixPage(
  db: Database,
  filter: StixFilter,
): Promise<{ readonly rows: StixRow[]; readonly more: boolean }> {
  const { tlp, addedAfter, ids, types, versions = ["last"], after, limit } = filter;
  const marking = tlpMarking(tlp);
  const place = sql`(${stixObjects.addedAt}, ${stixObjects.id}, ${stixObjects.version})`;
  const rows = await db
    .select()
    .from(stixObjects)
    .where(
      and(
        // Of the markings the collection's own.
        or(ne(stixObjects.type, marking.type), eq(stixObjects.id, marking.id)),
        addedAfter === undefined ? undefined : gt(stixObjects.addedAt, addedAfter),
        ids === undefined ? undefined : inArray(stixObjects.id, [...ids]),
        types === undefined ? undefined : inArray(stixObjects.type, [...types]),
        versions.includes("all") ? undefined : or(...versions.map(versionSql)),
        after === undefined
          ? undefined
          : sql`${place} > (${after.addedAt}::timestamptz, ${after.id}, ${after.version}::timestamptz)`,
      ),
    )
    .orderBy(asc(stixObjects.addedAt), asc(stixObjects.id), asc(stixObjects.version))
    .limit(limit + 1);
  return {
    more: rows.length > limit,
    rows: rows.slice(0, limit).map(({ id, version, addedAt, body }) => ({
      ...{ id, version, addedAt },
      object: marked(body as StixObject, marking.id),
    })),
  };
}

function versionSql(version: Versions) {
  if (version === "last") return eq(stixObjects.latest, true);
  if (version !== "first") return eq(stixObjects.version, version);
  return sql`not exists (select 1 from assay.stix_objects earlier where earlier.id = ${stixObjects.id} and earlier.version < ${stixObjects.version})`;
}

/** Kept without a marking, since the same object stands in the collections of several levels. */
function marked(object: StixObject, marking: string): StixObject {
  return object.type === "marking-definition" ? object : { ...object, object_marking_refs: [marking] };
}
