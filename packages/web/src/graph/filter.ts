/** Which part of the board is drawn: kinds, and the time in which samples were first seen. */
import { type Board, edgeKey, type GraphEdge, type GraphNode, type Kind, neighbours } from "./board.ts";

export interface Filter {
  /** Kinds that are not drawn. */
  readonly hidden: ReadonlySet<Kind>;
  /** Milliseconds since 1970, both included; undefined: no bound. */
  readonly since: number | undefined;
  readonly until: number | undefined;
}

export const NO_FILTER: Filter = { hidden: new Set(), since: undefined, until: undefined };

export interface Drawn {
  readonly nodes: ReadonlyMap<string, GraphNode>;
  readonly edges: ReadonlyMap<string, GraphEdge>;
}

/** Ties of a hidden node that are joined directly: the strongest. All pairs of a hub would be thousands. */
const MAX_JOINED = 12;

/** Seeds stay, whatever their kind. Where samples are hidden, what they shared is joined directly. */
export function drawn(board: Board, filter: Filter): Drawn {
  const inTime = samplesInTime(board, filter);
  const byKind = (node: GraphNode) => board.seeds.has(node.key) || !filter.hidden.has(node.kind);
  const nodes = new Map<string, GraphNode>();
  for (const node of board.nodes.values())
    if (node.kind !== "group" && byKind(node) && isInTime(board, node, inTime, filter))
      nodes.set(node.key, node);
  for (const node of board.nodes.values())
    if (node.kind === "group" && byKind(node) && (node.of === undefined || nodes.has(node.of)))
      nodes.set(node.key, node);
  const edges = new Map<string, GraphEdge>();
  for (const [key, edge] of board.edges) if (nodes.has(edge.from) && nodes.has(edge.to)) edges.set(key, edge);
  if (filter.hidden.has("sample")) joinOverSamples(board, nodes, inTime, edges);
  return { nodes, edges };
}

/** Undefined when there is no bound: all are. */
function samplesInTime(board: Board, { since, until }: Filter): ReadonlySet<string> | undefined {
  if (since === undefined && until === undefined) return undefined;
  const found = new Set<string>();
  for (const { key, kind, firstSeen } of board.nodes.values()) {
    if (kind !== "sample") continue;
    const at = firstSeen === undefined ? Number.NaN : Date.parse(firstSeen);
    if (Number.isNaN(at) || (at >= (since ?? at) && at <= (until ?? at))) found.add(key);
  }
  return found;
}

/** What is no sample is there when a sample around it is; without one, when its own time says so, or nothing does. */
function isInTime(
  board: Board,
  node: GraphNode,
  inTime: ReadonlySet<string> | undefined,
  filter: Filter,
): boolean {
  if (inTime === undefined) return true;
  if (node.kind === "sample") return inTime.has(node.key);
  const around = (neighbours(board).get(node.key) ?? []).filter(
    ({ other }) => board.nodes.get(other)?.kind === "sample",
  );
  return around.length === 0 ? overlaps(node, filter) : around.some(({ other }) => inTime.has(other));
}

function overlaps({ firstSeen, lastSeen }: GraphNode, { since, until }: Filter): boolean {
  const [first, last] = [Date.parse(firstSeen ?? ""), Date.parse(lastSeen ?? "")];
  return !(first > (until ?? first) || last < (since ?? last));
}

function joinOverSamples(
  board: Board,
  nodes: ReadonlyMap<string, GraphNode>,
  inTime: ReadonlySet<string> | undefined,
  edges: Map<string, GraphEdge>,
): void {
  const joined = new Map<string, GraphEdge & { count: number }>();
  for (const [key, around] of neighbours(board)) {
    if (board.nodes.get(key)?.kind !== "sample" || nodes.has(key)) continue;
    if (inTime !== undefined && !inTime.has(key)) continue;
    const ends = around
      .filter(({ other }) => nodes.has(other))
      .sort((a, b) => b.edge.weight - a.edge.weight)
      .slice(0, MAX_JOINED);
    for (const [i, x] of ends.entries())
      for (const y of ends.slice(i + 1)) {
        const [from, to] = x.other < y.other ? [x.other, y.other] : [y.other, x.other];
        const weight = Math.min(x.edge.weight, y.edge.weight);
        const edge = { from, to, kind: "shares" as const, weight, count: 1 };
        const before = joined.get(edgeKey(edge));
        if (before === undefined) joined.set(edgeKey(edge), edge);
        else before.count++;
      }
  }
  for (const [key, edge] of joined) edges.set(key, edge);
}

export interface TimeSpan {
  readonly first: number;
  readonly last: number;
}

/** From the first to the last sample, undefined when they are all of one moment. */
export function timeSpan(board: Board): TimeSpan | undefined {
  const times = sampleTimes(board);
  const [first, last] = [times[0], times.at(-1)];
  return first === undefined || last === undefined || first === last ? undefined : { first, last };
}

/** When the samples were first seen, ascending; where none is drawn, the clusters. */
export function sampleTimes(board: Board): number[] {
  const of = (isWanted: (kind: Kind) => boolean) =>
    [...board.nodes.values()]
      .filter(({ kind }) => isWanted(kind))
      .map(({ firstSeen }) => Date.parse(firstSeen ?? ""))
      .filter((at) => !Number.isNaN(at))
      .sort((a, b) => a - b);
  const samples = of((kind) => kind === "sample");
  return samples.length > 0 ? samples : of((kind) => kind === "cluster" || kind === "community");
}

/** How many of the times fall into each of `bins` equal parts of the span. */
export function histogram(times: readonly number[], { first, last }: TimeSpan, bins: number): number[] {
  const counts = new Array<number>(bins).fill(0);
  for (const at of times) {
    const bin = Math.min(bins - 1, Math.floor(((at - first) / (last - first)) * bins));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}
