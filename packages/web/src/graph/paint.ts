/** Colours and sizes of what is drawn, of the theme that is on. */
import { token } from "../shell/theme.ts";
import type { GraphEdge, GraphNode } from "./board.ts";
import type { Grouping } from "./groups.ts";

/** Groups that have a colour of their own; the rest shares the last. */
export const GROUP_COLOURS = 9;

export interface Palette {
  readonly groups: readonly string[];
  readonly none: string;
  readonly text: string;
  readonly dim: string;
  readonly ground: string;
  readonly panel: string;
  readonly line: string;
  readonly accent: string;
  /** Ties from weight 0 to 1. */
  readonly ties: readonly string[];
  readonly faded: string;
}

const TIE_STEPS = 6;

export function palette(): Palette {
  const [ground, line, text, dim] = [token("--ground"), token("--line"), token("--text"), token("--dim")];
  return {
    groups: Array.from({ length: GROUP_COLOURS }, (_, i) => token(`--cat-${i + 1}`)),
    none: token("--cat-10"),
    ...{ text, dim, ground, line },
    panel: token("--panel"),
    accent: token("--accent"),
    ties: Array.from({ length: TIE_STEPS }, (_, i) => mix(line, dim, 0.35 + (0.65 * i) / (TIE_STEPS - 1))),
    faded: mix(ground, line, 0.8),
  };
}

export function groupIndex(grouping: Grouping, key: string): number | undefined {
  const name = grouping.of.get(key);
  const at = name === undefined ? -1 : grouping.names.indexOf(name);
  return at >= 0 && at < GROUP_COLOURS ? at : undefined;
}

export function tieColour({ ties }: Palette, { weight }: GraphEdge): string {
  return ties[Math.round(Math.min(1, Math.max(0, weight)) * (TIE_STEPS - 1))] ?? "";
}

/** Rarer is thicker. */
export function tieSize({ weight }: GraphEdge): number {
  return 0.6 + 3 * weight ** 2;
}

const SIZES: Readonly<Record<GraphNode["kind"], number>> = {
  sample: 7.5,
  config: 5,
  indicator: 5.5,
  certificate: 6,
  campaign: 5.5,
  family: 8,
  cluster: 9,
  community: 10,
  group: 6,
};

export function sizeOf({ kind, samples }: GraphNode, degree: number): number {
  const many = kind === "sample" ? 0 : Math.log2(1 + Math.max(degree, samples ?? 0));
  return SIZES[kind] + Math.min(9, 1.2 * many);
}

/** Of two colours in `#rrggbb`. */
export function mix(a: string, b: string, share: number): string {
  const [from, to] = [channels(a), channels(b)];
  return `#${from
    .map((value, i) =>
      Math.round(value + ((to[i] ?? value) - value) * share)
        .toString(16)
        .padStart(2, "0"),
    )
    .join("")}`;
}

function channels(colour: string): number[] {
  const hex = /^#([0-9a-f]{6})$/i.exec(colour)?.[1] ?? "808080";
  return [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
}
