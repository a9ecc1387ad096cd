/** Which nodes belong together, to colour and to place them: by cluster, family or kind. */
import { type Board, type GraphNode, neighbours } from "./board.ts";

export const COLOUR_BY = ["cluster", "family", "kind"] as const;
export type ColourBy = (typeof COLOUR_BY)[number];

/** A name for each node's group; nodes of no group are left out. Largest group first, then by name. */
export interface Grouping {
  readonly of: ReadonlyMap<string, string>;
  readonly names: readonly string[];
}

export function groupBy(board: Pick<Board, "nodes" | "edges">, wanted: ColourBy): Grouping {
  // Where clusters stand for their samples each would be of its own colour: what they are of says more.
  const isWhole = ![...board.nodes.values()].some(({ kind }) => kind === "sample");
  const by = isWhole && wanted === "cluster" ? "family" : wanted;
  const of = new Map<string, string>();
  for (const node of board.nodes.values()) {
    const name = own(board, node, by);
    if (name !== undefined) of.set(node.key, name);
  }
  if (by !== "kind") lend(board, of);
  const sizes = new Map<string, number>();
  for (const name of of.values()) sizes.set(name, (sizes.get(name) ?? 0) + 1);
  const names = [...sizes].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([name]) => name);
  return { of, names };
}

function own(
  board: Pick<Board, "nodes" | "edges">,
  { key, kind, label, families, community }: GraphNode,
  by: ColourBy,
) {
  if (by === "kind") return kind;
  if (by === "family") {
    if (kind === "family") return label;
    return kind === "sample" || kind === "cluster" || kind === "community"
      ? families?.[0]?.family
      : undefined;
  }
  if (kind === "cluster") return key;
  if (kind === "community") return community ?? key;
  if (kind !== "sample") return undefined;
  const member = (neighbours(board).get(key) ?? []).find(({ edge }) => edge.kind === "member");
  return member?.other;
}

/** What hangs on samples of one group alone is of that group. */
function lend(board: Pick<Board, "nodes" | "edges">, of: Map<string, string>): void {
  const lent: [string, string][] = [];
  for (const node of board.nodes.values()) {
    if (of.has(node.key) || node.kind === "family") continue;
    const hub = node.kind === "group" ? node.of : undefined;
    const around = new Set(
      (neighbours(board).get(node.key) ?? []).flatMap(({ other }) => of.get(other) ?? []),
    );
    const [only] = around;
    if (only !== undefined && around.size === 1) lent.push([node.key, only]);
    else if (hub !== undefined && of.has(hub)) lent.push([node.key, of.get(hub) as string]);
  }
  for (const [key, name] of lent) of.set(key, name);
}
