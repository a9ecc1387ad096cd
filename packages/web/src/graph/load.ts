/** Asks the server for parts of the graph. How much of a hub is told is the server's choice: the rest is a group. */
import { fail, ok } from "@assay/core/bytes/result";
import { type Answer, get } from "../api-client.ts";
import type { ClusterPage, SamplePage } from "../api-types.ts";
import { add, addPage, type Board, EMPTY, type Graph, type GraphNode } from "./board.ts";

/** Nodes of one answer. */
const FIRST_NODES = 300;
const MORE_NODES = 120;
/** Clusters that the page begins with when nothing is asked for. */
const OVERVIEW_CLUSTERS = 12;
const OVERVIEW_NODES = 80;
const OVERVIEW_SAMPLES = 10;
const PAGE = 50;

export interface Around {
  readonly depth: number;
  readonly limit?: number;
}

async function around(seed: string, { depth, limit }: Around, signal?: AbortSignal): Promise<Answer<Graph>> {
  return get<Graph>("/api/v1/graph", { seed, depth, limit: limit ?? FIRST_NODES }, signal);
}

/** Around a value; of nothing the corpus knows, an empty board. */
export async function boardOf(seed: string, depth: number, signal: AbortSignal): Promise<Answer<Board>> {
  const answer = await around(seed, { depth }, signal);
  return answer.ok ? ok(add(EMPTY, answer.value)) : answer;
}

/** The largest clusters with what ties them; without clusters, the newest samples. */
export async function overview(signal: AbortSignal): Promise<Answer<Board>> {
  const page = await get<ClusterPage>("/api/v1/clusters", { limit: OVERVIEW_CLUSTERS }, signal);
  if (!page.ok) return page;
  let seeds = page.value.clusters.map(({ id }) => id);
  if (seeds.length === 0) {
    const samples = await get<SamplePage>("/api/v1/samples", { limit: OVERVIEW_SAMPLES }, signal);
    if (!samples.ok) return samples;
    seeds = samples.value.samples.map(({ sha256 }) => `sha256:${sha256}`);
  }
  const answers = await Promise.all(
    seeds.map((seed) => around(seed, { depth: 2, limit: OVERVIEW_NODES }, signal)),
  );
  let board = EMPTY;
  for (const answer of answers) {
    if (!answer.ok) return fail(answer.error);
    board = add(board, answer.value);
  }
  // Nothing was asked for: nothing is a seed.
  return ok({ ...board, seeds: new Set<string>() });
}

/** What else is around a node; of a group, the next page of its hub. */
export async function expanded(board: Board, node: GraphNode): Promise<Answer<Board>> {
  if (node.kind === "group" && node.of !== undefined) {
    const { of, cursor } = node;
    const answer = await get<Graph>("/api/v1/graph/expand", { node: of, cursor, limit: PAGE });
    return answer.ok ? ok(addPage(board, of, answer.value)) : answer;
  }
  const answer = await around(node.key, { depth: 1, limit: MORE_NODES });
  return answer.ok ? ok({ ...add(board, answer.value), seeds: board.seeds }) : answer;
}

/** Goes further around both ends, so that a path may be found that is not drawn yet. */
export async function reached(board: Board, ends: readonly string[], depth: number): Promise<Answer<Board>> {
  let all = board;
  for (const end of ends) {
    const answer = await around(end, { depth, limit: 1000 });
    if (!answer.ok) return answer;
    all = { ...add(all, answer.value), seeds: board.seeds };
  }
  return ok(all);
}
