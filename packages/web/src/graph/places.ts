/** Where nodes begin, before forces move them: the same graph begins the same way every time. */
import { neighbours } from "./board.ts";
import type { Drawn } from "./filter.ts";
import type { Place } from "./graphml.ts";
import type { Grouping } from "./groups.ts";

/** Angle between two neighbours of a sunflower. */
const GOLDEN = Math.PI * (3 - Math.sqrt(5));
const GROUP_SPACING = 90;
const NODE_SPACING = 9;
const NEAR = 12;

/** Places for the nodes that have none: beside a neighbour that has one, else in a disc of their group. */
export function placeNew(
  drawn: Drawn,
  grouping: Grouping,
  placed: ReadonlyMap<string, Place>,
): Map<string, Place> {
  const places = new Map<string, Place>();
  const around = neighbours(drawn);
  const centres = new Map(grouping.names.map((name, i) => [name, sunflower(i + 1, GROUP_SPACING)]));
  const inGroup = new Map<string, number>();
  for (const key of drawn.nodes.keys()) {
    if (placed.has(key)) continue;
    const beside = (around.get(key) ?? [])
      .map(({ other }) => placed.get(other))
      .find((at) => at !== undefined);
    if (beside !== undefined) {
      const turn = (hash(key) / 2 ** 32) * 2 * Math.PI;
      places.set(key, { x: beside.x + NEAR * Math.cos(turn), y: beside.y + NEAR * Math.sin(turn) });
      continue;
    }
    const group = grouping.of.get(key) ?? "";
    const centre = centres.get(group) ?? { x: 0, y: 0 };
    const n = inGroup.get(group) ?? 0;
    inGroup.set(group, n + 1);
    const at = sunflower(n, NODE_SPACING);
    places.set(key, { x: centre.x + at.x, y: centre.y + at.y });
  }
  return places;
}

function sunflower(n: number, spacing: number): Place {
  const r = spacing * Math.sqrt(n);
  return { x: r * Math.cos(n * GOLDEN), y: r * Math.sin(n * GOLDEN) };
}

/** FNV-1a, 32 bits. */
export function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}
