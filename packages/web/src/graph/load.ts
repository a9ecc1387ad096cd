/** Asks the server for parts of the graph. How much of a hub is told is the server's choice: the rest is a group. */
import { fail, ok } from "@assay/core/bytes/result";
import { type Answer, get } from "../api-client.ts";
import type { SamplePage } from "../api-types.ts";
import { add, addPage, type Board, EMPTY, type Graph, type GraphNode, type Kind } from "./board.ts";

/** Nodes of one answer. */
const FIRST_NODES = 300;
const MORE_NODES = 120;
/** Clusters that the page shows with what is in them when nothing is asked for; of more it shows how they hang together. */
const OPENED_CLUSTERS = 12;
const OPENED_NODES = 80;
const OVERVIEW_NODES = 1000;
const OVERVIEW_SAMPLES = 10;
/** Edges of the longest way. */
const MAX_STEPS = 12;
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

/**
 * The whole corpus: its communities and clusters with what leads between them, or, as long as they are few, what is in
 * them; without clusters, the newest samples.
 */
export async function overview(signal: AbortSignal): Promise<Answer<Board>> {
  const ask = (level: "clusters" | "communities", limit: number) =>
    get<Graph>("/api/v1/graph/overview", { level, limit }, signal);
  const clusters = await ask("clusters", OPENED_CLUSTERS + 1);
  if (!clusters.ok) return clusters;
  let seeds = clusters.value.nodes.filter(({ kind }) => kind !== "group").map(({ key }) => key);
  if (seeds.length > OPENED_CLUSTERS) {
    const whole = await ask("communities", OVERVIEW_NODES);
    return whole.ok ? ok(add(EMPTY, whole.value)) : whole;
  }
  if (seeds.length === 0) {
    const samples = await get<SamplePage>("/api/v1/samples", { limit: OVERVIEW_SAMPLES }, signal);
    if (!samples.ok) return samples;
    seeds = samples.value.samples.map(({ sha256 }) => `sha256:${sha256}`);
  }
  const answers = await Promise.all(
    seeds.map((seed) => around(seed, { depth: 2, limit: OPENED_NODES }, signal)),
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

/** Kinds whose samples are all ends of a way. */
const OF_SAMPLES: ReadonlySet<Kind> = new Set(["cluster", "community", "config", "family"]);

/** Adds the shortest way between two nodes, whatever of it is drawn, and how its ends hang on to it. */
export async function reached(board: Board, [from, to]: readonly [string, string]): Promise<Answer<Board>> {
  const way = await get<Graph>("/api/v1/graph/path", { from, to, steps: MAX_STEPS });
  // That one of them is no end of a way is no error: there is none.
  if (!way.ok) return way.error.status === 404 ? ok(board) : way;
  let all = add(board, way.value);
  if (way.value.nodes.length > 0)
    for (const end of [from, to]) {
      if (!OF_SAMPLES.has(board.nodes.get(end)?.kind ?? "sample")) continue;
      const answer = await around(end, { depth: 1 });
      if (!answer.ok) return answer;
      all = add(all, answer.value);
    }
  return ok({ ...all, seeds: board.seeds });
}
