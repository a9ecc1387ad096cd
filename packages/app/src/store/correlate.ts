/**
 * The step of correlation that follows storing: what a batch leaves behind is worked off, as far as the budget goes.
 * Ties that come are bound when they are stored; here are those that went, look-alikes, and communities.
 */

import { buildClusters } from "./cluster-build.ts";
import { followExclusions } from "./cluster-exclude.ts";
import { type Settled, settle } from "./cluster-settle.ts";
import { detectCommunities } from "./communities.ts";
import type { Database } from "./database.ts";
import { matchNear } from "./near.ts";
import { correlation } from "./schema.ts";

export interface CorrelateOptions {
  /** Samples visited for one cluster that lost ties. Default: BUDGET. */
  readonly budget?: number;
  /** Nothing is begun after so long; the next call goes on. Default: TIME_MS. */
  readonly timeMs?: number;
  /** Every cluster from the beginning; names stay. */
  readonly anew?: boolean;
}

export interface Correlated {
  /** All clusters were worked out anew. */
  readonly built: boolean;
  /** Samples whose lost ties were looked at; clusters that came off; samples left, for lack of time or budget. */
  readonly settled: number;
  readonly split: number;
  readonly left: number;
  /** Pairs of indicators flagged. */
  readonly nearDuplicates: number;
  /** Clusters that are in another community now. */
  readonly moved: number;
}

const BUDGET = 50_000;
/** Clusters of one region of communities. */
const REGION = 5000;
/** Milliseconds that one call takes, give or take its last step. */
const TIME_MS = 5000;

export async function correlate(db: Database, options: CorrelateOptions = {}): Promise<Correlated> {
  const deadline = performance.now() + (options.timeMs ?? TIME_MS);
  const { built, ...settled } = await bringUpToDate(db, { ...options, timeMs: options.timeMs ?? TIME_MS });
  return {
    built,
    ...settled,
    nearDuplicates: await matchNear(db, deadline),
    moved: await detectCommunities(db, REGION, deadline),
  };
}

/** Clusters as all that is stored and excluded says; whoever asks for them begins with this. */
export async function bringUpToDate(
  db: Database,
  { budget = BUDGET, timeMs = TIME_MS, anew = false }: CorrelateOptions = {},
): Promise<Settled & { readonly built: boolean }> {
  const deadline = performance.now() + timeMs;
  const [state] = await db.select({ built: correlation.built }).from(correlation);
  const built = anew || state?.built !== true;
  await followExclusions(db);
  if (built) await buildClusters(db);
  return { built, ...(await settle(db, budget, deadline)) };
}
