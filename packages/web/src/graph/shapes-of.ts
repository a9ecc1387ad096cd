/** The shape of each kind of node: nobody must tell kinds by colour. */
import type { Kind } from "./board.ts";

/** In the order that the shader knows. */
export const SHAPES = ["disc", "square", "diamond", "triangle", "hexagon", "ring", "star", "plus"] as const;
export type Shape = (typeof SHAPES)[number];

export const SHAPE_OF: Readonly<Record<Kind, Shape>> = {
  sample: "disc",
  config: "square",
  indicator: "diamond",
  certificate: "hexagon",
  campaign: "triangle",
  family: "star",
  cluster: "ring",
  community: "ring",
  group: "plus",
};
