/** The way between two nodes that says most: over few and rare ties. */
import { type Board, type GraphEdge, neighbours } from "./board.ts";

export interface PathStep {
  readonly node: string;
  /** The tie that leads here; undefined for the first. */
  readonly by: GraphEdge | undefined;
}

/** A tie of weight 0 (a family, a default) says next to nothing: rather ten strong ones than one such. */
const EMPTY_TIE = 20;
/** That two samples are of one cluster only repeats that something ties them: rather tell what. */
const MEMBER_TIE = 5;

function cost({ weight, kind }: GraphEdge): number {
  if (kind === "member") return MEMBER_TIE;
  return weight > 0 ? 1 + 2 * (1 - weight) : EMPTY_TIE;
}

/** Dijkstra. Undefined when there is no way over what is known. */
export function findPath(
  board: Pick<Board, "nodes" | "edges">,
  from: string,
  to: string,
): readonly PathStep[] | undefined {
  if (!board.nodes.has(from) || !board.nodes.has(to)) return undefined;
  const around = neighbours(board);
  const best = new Map<string, { readonly cost: number; readonly by: GraphEdge | undefined }>();
  best.set(from, { cost: 0, by: undefined });
  const heap = new Heap();
  heap.push({ node: from, cost: 0 });
  for (let next = heap.pop(); next !== undefined; next = heap.pop()) {
    if (next.node === to) return backFrom(best, to);
    if (next.cost > (best.get(next.node)?.cost ?? 0)) continue;
    for (const { other, edge } of around.get(next.node) ?? []) {
      if (edge.kind === "more" || !board.nodes.has(other)) continue;
      const there = next.cost + cost(edge);
      if (there >= (best.get(other)?.cost ?? Number.POSITIVE_INFINITY)) continue;
      best.set(other, { cost: there, by: edge });
      heap.push({ node: other, cost: there });
    }
  }
  return undefined;
}

function backFrom(best: ReadonlyMap<string, { readonly by: GraphEdge | undefined }>, to: string): PathStep[] {
  const steps: PathStep[] = [];
  for (let node = to; ; ) {
    const by = best.get(node)?.by;
    steps.push({ node, by });
    if (by === undefined) return steps.reverse();
    node = by.from === node ? by.to : by.from;
  }
}

interface Waiting {
  readonly node: string;
  readonly cost: number;
}

/** Cheapest first. */
class Heap {
  readonly #items: Waiting[] = [];

  push(item: Waiting): void {
    const items = this.#items;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = items[up] as Waiting;
      if (parent.cost <= item.cost) break;
      items[at] = parent;
      at = up;
    }
    items[at] = item;
  }

  pop(): Waiting | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (top === undefined || last === undefined || items.length === 0) return top;
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      if (down >= items.length) break;
      if (down + 1 < items.length && (items[down + 1] as Waiting).cost < (items[down] as Waiting).cost)
        down++;
      const child = items[down] as Waiting;
      if (child.cost >= last.cost) break;
      items[at] = child;
      at = down;
    }
    items[at] = last;
    return top;
  }
}
