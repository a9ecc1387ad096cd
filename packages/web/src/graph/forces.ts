/** The matrices that ForceAtlas2 works on, and how it is set for graphs of any size. */
import type { ForceAtlas2Settings } from "graphology-layout-forceatlas2";

/** Numbers a node and an edge, as graphology-layout-forceatlas2 has them. */
export const PER_NODE = 10;
export const PER_EDGE = 3;
const [X, Y, MASS, CONVERGENCE, SIZE] = [0, 1, 6, 7, 8];

export interface Forces {
  readonly nodes: Float32Array;
  readonly edges: Float32Array;
}

export interface Body {
  readonly x: number;
  readonly y: number;
  readonly size: number;
}

export interface Pull {
  /** Positions in the list of bodies. */
  readonly from: number;
  readonly to: number;
  /** 0 to 1. */
  readonly weight: number;
}

/** A tie that says nothing still holds a little, else what hangs on it would drift into others' space. */
const LEAST_PULL = 0.08;

export function forces(bodies: readonly Body[], pulls: readonly Pull[]): Forces {
  const nodes = new Float32Array(bodies.length * PER_NODE);
  for (const [i, { x, y, size }] of bodies.entries()) {
    const at = i * PER_NODE;
    nodes[at + X] = x;
    nodes[at + Y] = y;
    nodes[at + MASS] = 1;
    nodes[at + CONVERGENCE] = 1;
    nodes[at + SIZE] = size;
  }
  const edges = new Float32Array(pulls.length * PER_EDGE);
  for (const [i, { from, to, weight }] of pulls.entries()) {
    const pull = Math.max(LEAST_PULL, weight);
    edges.set([from * PER_NODE, to * PER_NODE, pull], i * PER_EDGE);
    for (const end of [from, to]) {
      const mass = end * PER_NODE + MASS;
      nodes[mass] = (nodes[mass] ?? 0) + pull;
    }
  }
  return { nodes, edges };
}

/** x and y of each body, one after the other. */
export function placesOf(nodes: Float32Array): Float32Array {
  const places = new Float32Array((nodes.length / PER_NODE) * 2);
  for (let at = 0, out = 0; at < nodes.length; at += PER_NODE) {
    places[out++] = nodes[at + X] as number;
    places[out++] = nodes[at + Y] as number;
  }
  return places;
}

/** From so many nodes on, forces are approximated (Barnes and Hut): n log n instead of n². */
const MANY = 600;

export function settingsFor(order: number): Required<ForceAtlas2Settings> {
  return {
    linLogMode: false,
    outboundAttractionDistribution: false,
    adjustSizes: order <= MANY,
    edgeWeightInfluence: 1,
    scalingRatio: order <= MANY ? 14 : 6,
    strongGravityMode: false,
    gravity: order <= MANY ? 1.5 : 0.3,
    slowDown: 1 + Math.log(Math.max(order, 2)),
    barnesHutOptimize: order > MANY,
    barnesHutTheta: 0.7,
  };
}

/** Steps until the picture is worth looking at and rests. */
export function stepsFor(order: number): number {
  return order <= MANY ? 500 : order <= 3000 ? 250 : 150;
}
