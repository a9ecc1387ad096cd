/** What is known of the graph so far: answers of the server put together. Nothing here draws. */
import type { Graph, GraphEdge, GraphNode } from "../../../app/src/store/graph-model.ts";

export type { Graph, GraphEdge, GraphNode };
export type Kind = GraphNode["kind"];

/** Never changed: whatever adds to it makes a new one. */
export interface Board {
  readonly nodes: ReadonlyMap<string, GraphNode>;
  /** By `edgeKey`. */
  readonly edges: ReadonlyMap<string, GraphEdge>;
  readonly seeds: ReadonlySet<string>;
  /** Groups of which every sample is drawn: another answer may tell them again. */
  readonly exhausted: ReadonlySet<string>;
  /** Samples of the corpus that hold anything. */
  readonly of: number;
  /** Neighbours that the server had no room for. */
  readonly leftOut: number;
}

export const EMPTY: Board = {
  nodes: new Map(),
  edges: new Map(),
  seeds: new Set(),
  exhausted: new Set(),
  of: 0,
  leftOut: 0,
};

export function edgeKey({ from, to, kind }: GraphEdge): string {
  return `${from}\n${to}\n${kind}`;
}

function groupOf(node: string): string {
  return `group:${node}`;
}

/** Adds an answer. A group that is known keeps its place: it may have been opened further than the answer tells. */
export function add(board: Board, answer: Graph): Board {
  return merge(board, answer, board.exhausted);
}

/** Adds a further page of the hub's samples; its group is the answer's, or gone with the last page. */
export function addPage(board: Board, hub: string, answer: Graph): Board {
  const group = groupOf(hub);
  const nodes = new Map(board.nodes);
  nodes.delete(group);
  const edges = new Map([...board.edges].filter(([, edge]) => edge.to !== group));
  const hasMore = answer.nodes.some(({ key }) => key === group);
  const exhausted = hasMore ? board.exhausted : new Set([...board.exhausted, group]);
  const merged = { ...merge({ ...board, nodes, edges }, answer, exhausted), seeds: board.seeds };
  const left = merged.nodes.get(group);
  if (left?.samples === undefined) return merged;
  // Of a further page the group tells all samples of the hub, drawn or not.
  const drawn = (neighbours(merged).get(hub) ?? []).filter(
    ({ other }) => merged.nodes.get(other)?.kind === "sample",
  ).length;
  const rest = { ...left, samples: Math.max(1, left.samples - drawn) };
  return { ...merged, nodes: new Map([...merged.nodes, [group, rest]]) };
}

function merge(board: Board, answer: Graph, exhausted: ReadonlySet<string>): Board {
  const nodes = new Map(board.nodes);
  for (const node of answer.nodes) {
    if (exhausted.has(node.key)) continue;
    const known = nodes.get(node.key);
    if (known === undefined) nodes.set(node.key, node);
    else if (node.kind !== "group")
      nodes.set(node.key, { ...known, ...node, depth: Math.min(known.depth, node.depth) });
  }
  const edges = new Map(board.edges);
  for (const edge of answer.edges) {
    if (!nodes.has(edge.from) || !nodes.has(edge.to)) continue;
    const key = edgeKey(edge);
    // A C2 stays one, whatever else a sample uses it for.
    if (edges.get(key)?.why !== "c2") edges.set(key, edge);
  }
  return {
    ...{ nodes, edges, exhausted },
    seeds: new Set([...board.seeds, ...answer.seeds]),
    of: Math.max(board.of, answer.of),
    leftOut: board.leftOut + answer.leftOut,
  };
}

export interface Neighbour {
  readonly other: string;
  readonly edge: GraphEdge;
}

type Linked = Pick<Board, "edges">;
const known = new WeakMap<object, ReadonlyMap<string, readonly Neighbour[]>>();

/** The edges at each node, worked out once for each set of edges. */
export function neighbours({ edges }: Linked): ReadonlyMap<string, readonly Neighbour[]> {
  const before = known.get(edges);
  if (before !== undefined) return before;
  const all = new Map<string, Neighbour[]>();
  const put = (at: string, neighbour: Neighbour) => {
    const list = all.get(at);
    if (list === undefined) all.set(at, [neighbour]);
    else list.push(neighbour);
  };
  for (const edge of edges.values()) {
    put(edge.from, { other: edge.to, edge });
    put(edge.to, { other: edge.from, edge });
  }
  known.set(edges, all);
  return all;
}
