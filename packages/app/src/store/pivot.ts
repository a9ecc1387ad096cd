/** From a value to every sample that shares it, and where to go from there. */
import { defangIndicator } from "@assay/core/indicators/defang";
import { type IndicatorKey, targetsOf } from "@assay/core/indicators/targets";
import type { IndicatorType } from "@assay/core/model/index";
import { rankPivots } from "@assay/core/relations/pivots";
import { and, count, desc, eq, inArray, or, sql, sum } from "drizzle-orm";
import type { Database } from "./database.ts";
import { exclusionList } from "./exclusions.ts";
import { indicatorKey, valueKey } from "./keys.ts";
import { describeSamples, type SampleRow } from "./samples.ts";
import { artifacts, configFields, findings, holdings, indicators, samples, totals } from "./schema.ts";

/** Samples that the next pivots are gathered from, the newest first: a hub has tens of thousands. */
const AROUND = 500;
/** Next pivots that are weighed, those that most of the samples hold first. */
const CANDIDATES = 1000;
/** Different matches of one value that are told: a version number may be in every config's fields. */
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
  /** The newest of them. */
  readonly samples: readonly SampleRow[];
  readonly next: readonly NextPivot[];
}

export interface PivotOptions {
  /** Samples told. */
  readonly limit: number;
  /** Next pivots told. */
  readonly next: number;
}

export async function pivot(db: Database, value: string, options: PivotOptions): Promise<Pivot> {
  const targets = targetsOf(value);
  const [known, hashed, fields, of, excluded] = [
    await knownIndicators(db, targets.indicators),
    targets.hash === undefined ? [] : await samplesByHash(db, targets.hash),
    await fieldMatches(db, value.trim()),
    await corpusSize(db),
    await exclusionList(db),
  ];
  const ids = known.map(({ id }) => id);
  const viaFields = ids.length > 0 || hashed.length > 0 ? [] : fields;
  const hashes = await samplesOf(
    db,
    ids,
    hashed,
    viaFields.map(({ config }) => config),
    AROUND,
  );
  const total = await totalOf(
    db,
    ids,
    hashed,
    viaFields.map(({ config }) => config),
  );
  const around = await indicatorsAround(db, hashes, ids);
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
      ...hashed.slice(0, MAX_FIELDS).map(({ as, sha256 }) => ({
        ...{ type: as, value: sha256, defanged: sha256, samples: 1, of, linkable: true },
      })),
      ...fieldSummary(fields, value.trim(), of),
    ],
    total,
    samples: await describeSamples(db, hashes.slice(0, options.limit), ids),
    next: ranked.slice(0, options.next).map(({ type, value, weight, here, leadsTo, samples }) => ({
      ...{ type, value, defanged: defangIndicator(type, value), weight, here, leadsTo, samples },
    })),
  };
}

/** Samples that hold anything. */
export async function corpusSize(db: Database): Promise<number> {
  const [row] = await db.select({ n: sum(totals.samples) }).from(totals);
  return Number(row?.n ?? 0);
}

async function knownIndicators(db: Database, keys: readonly IndicatorKey[]) {
  if (keys.length === 0) return [];
  const rows = await db
    .select({
      id: indicators.id,
      type: indicators.type,
      value: indicators.value,
      samples: indicators.samples,
      linkable: indicators.linkable,
      firstSeen: indicators.firstSeen,
      lastSeen: indicators.lastSeen,
    })
    .from(indicators)
    .where(
      inArray(
        indicators.id,
        keys.map(({ type, value }) => indicatorKey(type, value)),
      ),
    );
  const order = keys.map(({ type, value }) => indicatorKey(type, value));
  return rows
    .filter((row) => row.samples > 0)
    .map((row) => ({ ...row, type: row.type as IndicatorType }))
    .sort((a, b) => order.indexOf(a.id) - order.indexOf(b.id));
}

interface Hashed {
  readonly sha256: string;
  /** `sample`, or the kind of artifact of it that has the hash. */
  readonly as: string;
}

async function samplesByHash(
  db: Database,
  { kind, value }: { readonly kind: "md5" | "sha1" | "sha256"; readonly value: string },
): Promise<Hashed[]> {
  const own = await db.select({ sha256: samples.sha256 }).from(samples).where(eq(samples[kind], value));
  const found: Hashed[] = own.map(({ sha256 }) => ({ sha256, as: "sample" }));
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
      .map(({ sha256, kind: as }) => ({ sha256, as: `artifact (${as})` })),
    ...configured.map(({ sha256 }) => ({ sha256, as: "config" })),
  ];
}

/** Configs with a field of just this value. */
async function fieldMatches(db: Database, value: string) {
  if (value === "") return [];
  return db
    .selectDistinct({ config: configFields.config, name: configFields.name })
    .from(configFields)
    .where(eq(configFields.key, valueKey(value)))
    .limit(AROUND);
}

/** One match for each name of a field. */
function fieldSummary(
  fields: readonly { readonly config: string; readonly name: string }[],
  value: string,
  of: number,
): Match[] {
  const configsOf = new Map<string, number>();
  for (const { name } of fields) configsOf.set(name, (configsOf.get(name) ?? 0) + 1);
  return [...configsOf].slice(0, MAX_FIELDS).map(([name, samples]) => ({
    ...{ type: `config.${name}`, value, defanged: value, samples, of, linkable: false },
  }));
}

function whichSamples(
  db: Database,
  ids: readonly string[],
  hashed: readonly Hashed[],
  configs: readonly string[],
) {
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
    hashed.length === 0
      ? undefined
      : inArray(
          samples.sha256,
          hashed.map(({ sha256 }) => sha256),
        ),
    configs.length === 0
      ? undefined
      : inArray(
          samples.sha256,
          db
            .select({ sample: findings.subject })
            .from(findings)
            .where(inArray(findings.config, [...configs])),
        ),
  );
}

async function samplesOf(
  db: Database,
  ids: readonly string[],
  hashed: readonly Hashed[],
  configs: readonly string[],
  limit: number,
): Promise<string[]> {
  const which = whichSamples(db, ids, hashed, configs);
  if (which === undefined) return [];
  const rows = await db
    .select({ sha256: samples.sha256 })
    .from(samples)
    .where(which)
    .orderBy(desc(samples.lastSeen), samples.sha256)
    .limit(limit);
  return rows.map(({ sha256 }) => sha256);
}

async function totalOf(
  db: Database,
  ids: readonly string[],
  hashed: readonly Hashed[],
  configs: readonly string[],
): Promise<number> {
  const which = whichSamples(db, ids, hashed, configs);
  if (which === undefined) return 0;
  const [row] = await db.select({ n: count() }).from(samples).where(which);
  return row?.n ?? 0;
}

async function indicatorsAround(db: Database, hashes: readonly string[], without: readonly string[]) {
  if (hashes.length === 0) return [];
  const here = sql<number>`count(distinct ${holdings.sample})`.mapWith(Number);
  const rows = await db
    .select({
      id: indicators.id,
      type: indicators.type,
      value: indicators.value,
      samples: indicators.samples,
      linkable: indicators.linkable,
      here,
    })
    .from(holdings)
    .innerJoin(indicators, eq(indicators.id, holdings.indicator))
    .where(inArray(holdings.sample, [...hashes]))
    .groupBy(indicators.id)
    .orderBy(desc(here), indicators.id)
    .limit(CANDIDATES);
  return rows
    .filter(({ id }) => !without.includes(id))
    .map(({ id: _id, ...row }) => ({ ...row, type: row.type as IndicatorType }));
}
