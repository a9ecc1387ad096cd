/** From a value to every sample that shares it, and where to go from there. */
import { defangIndicator } from "@assay/core/indicators/defang";
import { type IndicatorKey, targetsOf } from "@assay/core/indicators/targets";
import type { IndicatorType } from "@assay/core/model/index";
import { type PivotInput, rankPivots } from "@assay/core/relations/pivots";
import { and, asc, count, countDistinct, desc, eq, inArray, or, sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import { indicatorRows } from "./indicator-rows.ts";
import { indicatorKey, valueKey } from "./keys.ts";
import { ask, digests, uuids } from "./rows.ts";
import { type SaidByOthers, saidOf } from "./said.ts";
import { describeSamples, type SampleRow } from "./samples.ts";
import { artifacts, configFields, findings, holdings, samples } from "./schema.ts";
import { decodeText } from "./text.ts";
import { stateOf } from "./ties.ts";

/** Samples that the next pivots are gathered from, those found last: a hub has tens of thousands. */
const AROUND = 128;
/** Next pivots that are weighed. */
const CANDIDATES = 500;
/** Fields with one value that are told. */
const MAX_FIELDS = 20;

export interface Match {
  readonly type: string;
  readonly value: string;
  readonly defanged: string;
  /** Samples that hold it, and of how many. */
  readonly samples: number;
  readonly of: number;
  readonly linkable: boolean;
  /** The user's entry that keeps it from tying samples. */
  readonly excludedBy?: string;
  readonly firstSeen?: string;
  readonly lastSeen?: string;
}

export interface NextPivot {
  readonly type: IndicatorType;
  readonly value: string;
  readonly defanged: string;
  readonly weight: number;
  /** Samples in hand that hold it, samples that it leads to beyond them. */
  readonly here: number;
  readonly leadsTo: number;
  readonly samples: number;
}

export interface Pivot {
  readonly value: string;
  readonly matches: readonly Match[];
  /** How many samples share it in all. */
  readonly total: number;
  /** Those of them that were found last. */
  readonly samples: readonly SampleRow[];
  readonly next: readonly NextPivot[];
  /** What others say of it: no part of the counts, the samples or the next pivots above. */
  readonly said: SaidByOthers;
}

export interface PivotOptions {
  /** Samples told. */
  readonly limit: number;
  /** Next pivots told. */
  readonly next: number;
}

export async function pivot(db: Database, value: string, options: PivotOptions): Promise<Pivot> {
  const targets = targetsOf(value);
  const known = await knownIndicators(db, targets.indicators);
  const hashed = targets.hash === undefined ? [] : await samplesByHash(db, targets.hash);
  const text = value.trim();
  const isKnown = known.length > 0 || hashed.length > 0;
  // What is an indicator is in the config too, under the name of its field: nothing new.
  const fields = isKnown || text === "" ? [] : await fieldMatches(db, valueKey(text));
  const { of, excluded } = await stateOf(db);
  const reach: Reach = {
    ids: known.map(({ id }) => id),
    hashes: [...new Set(hashed.map(({ sha256 }) => sha256))],
    field: fields.length === 0 ? undefined : valueKey(text),
  };
  const newest = await newestOf(db, reach, AROUND);
  // None needs another: a server answers them at once.
  const [around, total, told, said] = await Promise.all([
    indicatorsAround(db, newest, reach.ids),
    newest.length < AROUND ? newest.length : totalOf(db, reach, known),
    describeSamples(db, newest.slice(0, options.limit), reach.ids),
    saidOf(db, value, targets, options.limit),
  ]);
  const ranked = rankPivots(
    around.map((one) => ({
      ...one,
      linkable: one.linkable && excluded.covers(one.type, one.value) === undefined,
    })),
    of,
  );
  return {
    value,
    matches: [
      ...known.map(({ id: _id, ...one }) => {
        const by = excluded.covers(one.type, one.value);
        return {
          ...one,
          defanged: defangIndicator(one.type, one.value),
          of,
          ...(by === undefined ? {} : { excludedBy: by }),
        };
      }),
      ...hashMatches(hashed, of),
      ...fields.map(({ name, samples: n }) => ({
        ...{ type: `config.${name}`, value: text, defanged: text, samples: n, of, linkable: false },
      })),
    ],
    total,
    samples: told,
    next: ranked.slice(0, options.next).map(({ type, value: one, weight, here, leadsTo, samples: n }) => ({
      ...{ type, value: one, defanged: defangIndicator(type, one), weight, here, leadsTo, samples: n },
    })),
    said,
  };
}

/** What a value leads to samples by. */
interface Reach {
  readonly ids: readonly string[];
  readonly hashes: readonly string[];
  readonly field: string | undefined;
}

async function knownIndicators(db: Database, keys: readonly IndicatorKey[]) {
  const ids = new Set(keys.map(({ type, value }) => indicatorKey(type, value)));
  return (await indicatorRows(db, [...ids])).filter((row) => row.samples > 0);
}

interface Hashed {
  readonly sha256: string;
  /** `sample`, `config`, or the kind of artifact of it that has the hash. */
  readonly as: string;
  /** The hash that was asked for. */
  readonly hash: string;
}

/** One match for each thing that the hash is. */
function hashMatches(hashed: readonly Hashed[], of: number): Match[] {
  const counts = new Map<string, number>();
  for (const { as } of hashed) counts.set(as, (counts.get(as) ?? 0) + 1);
  return [...counts].map(([as, n]) => {
    const value = hashed.find((one) => one.as === as)?.hash ?? "";
    return { type: as, value, defanged: value, samples: n, of, linkable: true };
  });
}

async function samplesByHash(
  db: Database,
  { kind, value }: { readonly kind: "md5" | "sha1" | "sha256"; readonly value: string },
): Promise<Hashed[]> {
  const own = await db.select({ sha256: samples.sha256 }).from(samples).where(eq(samples[kind], value));
  const found: Hashed[] = own.map(({ sha256 }) => ({ sha256, as: "sample", hash: value }));
  if (kind !== "sha256") return found;
  const inside = await db
    .selectDistinct({ sha256: samples.sha256, kind: artifacts.kind })
    .from(artifacts)
    .innerJoin(samples, eq(samples.analysis, artifacts.analysis))
    .where(and(eq(artifacts.sha256, value), eq(samples.submitted, true)))
    .limit(AROUND);
  const configured = await db
    .selectDistinct({ sha256: findings.subject })
    .from(findings)
    .innerJoin(samples, and(eq(samples.analysis, findings.analysis), eq(samples.sha256, findings.subject)))
    .where(eq(findings.config, value))
    .limit(AROUND);
  return [
    ...found,
    ...inside
      .filter(({ sha256 }) => sha256 !== value)
      .map(({ sha256, kind: as }) => ({ sha256, as: `artifact (${as})`, hash: value })),
    ...configured.map(({ sha256 }) => ({ sha256, as: "config", hash: value })),
  ];
}

/** Names of the fields that have just this value in a config that stands, with how many samples have it there. */
async function fieldMatches(db: Database, key: string): Promise<{ name: string; samples: number }[]> {
  return db
    .select({ name: configFields.name, samples: countDistinct(findings.subject) })
    .from(configFields)
    .innerJoin(findings, eq(findings.config, configFields.config))
    .innerJoin(samples, and(eq(samples.analysis, findings.analysis), eq(samples.sha256, findings.subject)))
    .where(eq(configFields.key, key))
    .groupBy(configFields.name)
    .orderBy(asc(configFields.name))
    .limit(MAX_FIELDS);
}

function whichSamples(db: Database, { ids, hashes, field }: Reach) {
  return or(
    ids.length === 0
      ? undefined
      : inArray(
          samples.sha256,
          db
            .select({ sample: holdings.sample })
            .from(holdings)
            .where(inArray(holdings.indicator, [...ids])),
        ),
    hashes.length === 0 ? undefined : inArray(samples.sha256, [...hashes]),
    field === undefined
      ? undefined
      : inArray(
          samples.sha256,
          db
            .select({ sample: findings.subject })
            .from(findings)
            .innerJoin(configFields, eq(configFields.config, findings.config))
            .where(and(eq(configFields.key, field), eq(findings.analysis, samples.analysis))),
        ),
  );
}

/** Hashes of at most `limit` samples, those first among them that were found last. */
async function newestOf(db: Database, reach: Reach, limit: number): Promise<string[]> {
  const seen = new Map<string, string>();
  for (const id of reach.ids) {
    // One index has them in this order, however many there are. A sample of several families is there several times.
    const rows = await db
      .select({ sample: holdings.sample, seen: holdings.seen })
      .from(holdings)
      .where(eq(holdings.indicator, id))
      .orderBy(desc(holdings.seen), holdings.sample)
      .limit(2 * limit);
    for (const row of rows) seen.set(row.sample, row.seen);
  }
  const which = whichSamples(db, { ...reach, ids: [] });
  const others =
    which === undefined
      ? []
      : await db
          .select({ sample: samples.sha256, seen: samples.firstSeen })
          .from(samples)
          .where(which)
          .orderBy(desc(samples.firstSeen), samples.sha256)
          .limit(limit);
  for (const row of others) seen.set(row.sample, row.seen);
  return [...seen]
    .sort(([a, x], [b, y]) => (x === y ? (a < b ? -1 : 1) : x < y ? 1 : -1))
    .slice(0, limit)
    .map(([sample]) => sample);
}

async function totalOf(
  db: Database,
  reach: Reach,
  known: readonly { readonly samples: number }[],
): Promise<number> {
  const [only] = known;
  if (only !== undefined && known.length === 1 && reach.hashes.length === 0) return only.samples;
  const [row] = await db.select({ n: count() }).from(samples).where(whichSamples(db, reach));
  return row?.n ?? 0;
}

/** What leads beyond these samples first, then what most of them hold; what may tie nothing is no way on. */
async function indicatorsAround(
  db: Database,
  hashes: readonly string[],
  without: readonly string[],
): Promise<PivotInput[]> {
  if (hashes.length === 0) return [];
  // Counted before the indicators are read: most of them are many samples'.
  const rows = await ask<PivotInput & { type: IndicatorType }>(
    db,
    sql`with here as materialized (
        select indicator, count(distinct sample)::integer as n from assay.holdings
          where sample = any(${digests(hashes)}) and indicator <> all(${uuids(without)}) group by indicator)
      select i.type, i.value, i.samples, i.linkable, here.n as here from here join assay.indicators i on i.id = here.indicator
        where i.linkable order by i.samples > here.n desc, here.n desc, i.id limit ${CANDIDATES}`,
  );
  return rows.map((row) => ({ ...row, value: decodeText(row.value) }));
}
