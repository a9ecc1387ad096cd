/** Which indicators tie samples, how strongly, over the whole corpus. */
import type { IndicatorType } from "@assay/core/model/index";
import { tieWeight } from "@assay/core/relations/weight";
import { sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import { type Exclusions, exclusionsOf } from "./exclusions.ts";
import { ask, uuids } from "./rows.ts";
import { decodeText } from "./text.ts";

/**
 * Ties of this weight or more bind samples into one cluster: hosts, sockets, URLs, tokens, certificates, mutexes. A
 * report's threshold is lower: among a million samples two that have a campaign called "test" are no campaign.
 */
const STRONG = 0.5;
/** A tie that is there holds until it weighs less than this, so that none comes and goes with each sample. */
const STRONG_STILL = 0.48;
/** Ties below this say nothing: a file name that a fifth of the corpus has. */
const WEAK = 0.25;
/** Weaker ties of more samples than this are habits, no campaigns. */
const MAX_WEAK = 300;

export type Strength = "strong" | "weak" | "none";

export interface Weighed {
  readonly id: string;
  readonly type: IndicatorType;
  readonly value: string;
  readonly samples: number;
  readonly linkable: boolean;
  readonly weight: number;
  readonly strength: Strength;
}

/** Weighs indicators by what the corpus has now. */
export interface Scales {
  /** Of the list of exclusions that they go by. */
  readonly exclusions: string;
  weigh(row: Omit<Weighed, "weight" | "strength">, isTied: boolean): Weighed;
}

export async function scales(db: Database): Promise<Scales> {
  return (await stateOf(db)).scales;
}

/** What is the same for all ties: how far correlation is, how many samples hold anything, what may tie nothing. */
export async function stateOf(db: Database) {
  const [row] = await ask<{ built: boolean; exclusions: string; of: number; entries: string[] }>(
    db,
    sql`select built, exclusions, (select coalesce(sum(samples), 0) from assay.totals)::float8 as of,
        (select coalesce(json_agg(entry order by entry), '[]') from assay.exclusions) as entries
      from assay.correlation`,
  );
  const of = row?.of ?? 0;
  const excluded = exclusionsOf((row?.entries ?? []).map(decodeText));
  const { built, exclusions } = row ?? { built: false, exclusions: "" };
  return { built, exclusions, of, excluded, scales: scalesOf(of, excluded) };
}

function scalesOf(of: number, excluded: Exclusions): Scales {
  return {
    exclusions: excluded.digest,
    weigh(row, isTied) {
      const mayTie = row.linkable && row.samples > 1 && excluded.covers(row.type, row.value) === undefined;
      const weight = mayTie ? tieWeight(row.type, row.samples, Math.max(of, row.samples)) : 0;
      const isStrong = weight >= (isTied ? STRONG_STILL : STRONG);
      const isWeak = weight >= WEAK && row.samples <= MAX_WEAK;
      return { ...row, weight, strength: isStrong ? "strong" : isWeak ? "weak" : "none" };
    },
  };
}

export interface TieRow {
  readonly id: string;
  readonly type: IndicatorType;
  readonly value: string;
  readonly samples: number;
  readonly linkable: boolean;
  /** The cluster that it binds; null for what binds nothing yet. */
  readonly cluster: number | null;
}

/** Indicators with the clusters that they bind. */
export async function tieRows(db: Database, ids: readonly string[]): Promise<TieRow[]> {
  const rows = await ask<TieRow>(
    db,
    sql`select i.id::text, i.type, i.value, i.samples, i.linkable, p.cluster
      from assay.indicators i
      left join assay.cluster_ties t on t.indicator = i.id
      left join assay.cluster_parts p on p.part = t.part
      where i.id = any(${uuids(ids)})`,
  );
  return rows.map((row) => ({ ...row, value: decodeText(row.value) }));
}

export interface Hold {
  readonly indicator: string;
  readonly sample: string;
}

/** Who holds these; each pair once. */
export async function holdersOf(db: Database, ids: readonly string[]): Promise<Hold[]> {
  if (ids.length === 0) return [];
  return ask(
    db,
    sql`select distinct indicator::text, encode(sample, 'hex') as sample from assay.holdings
      where indicator = any(${uuids(ids)})`,
  );
}

/** Any number that no other program locks by: "ties" in ASCII. */
const LOCK = 0x74696573;

/**
 * One transaction at a time changes clusters; the others wait for its end. What takes this lock must lock no rows of
 * samples or indicators afterwards but those that it has already: others may hold them and wait here.
 */
export async function lockClusters(db: Database): Promise<void> {
  await db.execute(sql`select pg_advisory_xact_lock(${LOCK})`);
}
