/**
 * What is around a value, as a graph to draw: sample → config, indicator, family, cluster. A hub is told by a page of its
 * strongest samples and a group that stands for the others, so that no answer is larger than its limit.
 */

import type { Database } from "./database.ts";
import { Board, type GraphOptions, MAX_DEPTH, MAX_NODES } from "./graph-board.ts";
import type { Scope } from "./graph-hub.ts";
import type { Graph, TimeRange } from "./graph-model.ts";
import { communityGraph } from "./graph-overview.ts";
import { type Seed, seedsOf } from "./graph-seeds.ts";
import { stateOf } from "./ties.ts";

export { type GraphOptions, MAX_DEPTH, MAX_NODES } from "./graph-board.ts";
export * from "./graph-model.ts";
export { type OverviewOptions, overview } from "./graph-overview.ts";
export { type PathOptions, path } from "./graph-path.ts";

/** No seeds when the corpus knows nothing of `seed`. */
export async function neighbourhood(db: Database, seed: string, options: GraphOptions): Promise<Graph> {
  const community = /^community-[0-9a-f]{12}$/.test(seed.trim())
    ? await communityGraph(db, seed.trim(), Math.min(options.limit, MAX_NODES))
    : undefined;
  if (community !== undefined) return community;
  const scope = await scopeOf(db, options);
  const seeds = await seedsOf(scope, seed);
  const board = new Board(scope, options);
  board.begin(seeds);
  for (const { hub } of seeds) if (hub?.kind === "cluster") await board.ties(hub);
  let frontier: readonly Seed[] = seeds;
  const depth = Math.min(Math.max(1, options.depth), MAX_DEPTH);
  for (let step = 1; step <= depth && frontier.length > 0; step++) {
    const reached = await board.aroundHubs(frontier, step);
    frontier = [...reached, ...(await board.aroundSamples(frontier, step))];
  }
  return board.end(seeds);
}

/**
 * More of a hub's samples: those of its group. `hub` is the key of a node, `cursor` the one of its group. Undefined when
 * there is no such hub, or the cursor is not its own.
 */
export async function expandHub(
  db: Database,
  hub: string,
  cursor: string | undefined,
  options: TimeRange & { readonly limit: number },
): Promise<Graph | undefined> {
  const scope = await scopeOf(db, options);
  const found = (await seedsOf(scope, hub)).find(({ node }) => node.key === hub);
  if (found?.hub === undefined) return undefined;
  // The hub itself comes along.
  const board = new Board(scope, { ...options, limit: options.limit + 1, depth: 1 });
  board.begin([found]);
  if (!(await board.page(found.hub, found.node, options.limit, cursor, 1))) return undefined;
  return board.end([found]);
}

async function scopeOf(db: Database, { since, until }: TimeRange): Promise<Scope> {
  const { of, excluded } = await stateOf(db);
  return {
    ...{ db, of, excluded },
    range: { ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }) },
  };
}
