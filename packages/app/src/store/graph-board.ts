/** The nodes and edges of one answer as they are gathered, within its limit. */
import { tieWeight } from "@assay/core/relations/weight";
import { sql } from "drizzle-orm";
import { countHub, type Hub, hubPage, newestOfEach, type Scope } from "./graph-hub.ts";
import {
  type Graph,
  type GraphEdge,
  type GraphNode,
  NODE_KINDS,
  type NodeKind,
  type TimeRange,
} from "./graph-model.ts";
import {
  clusterNode,
  clustersOfSamples,
  indicatorHub,
  indicatorNode,
  kindOf,
  type Seed,
  sampleKey,
  tiesOfCluster,
  weightOf,
} from "./graph-seeds.ts";
import { indicatorRows } from "./indicator-rows.ts";
import { indicatorKey } from "./keys.ts";
import { nearPairs } from "./near.ts";
import { ask, digests } from "./rows.ts";
import { describeSamples } from "./samples.ts";
import { decodeText } from "./text.ts";

export interface GraphOptions extends TimeRange {
  /** Steps from the seed, 1 to MAX_DEPTH. */
  readonly depth: number;
  /** What is drawn; without samples, what they share is joined directly. */
  readonly kinds?: readonly NodeKind[];
  /** Most nodes, groups not counted; at most MAX_NODES. */
  readonly limit: number;
}

export const MAX_DEPTH = 4;
export const MAX_NODES = 2000;
/** Samples that one hub brings in at a time. */
const PAGE = 50;
/** Neighbours of a sample that are weighed: one of a decoded list may hold thousands. */
const MAX_LINKS = 20_000;
/** Neighbours of a sample that are joined directly when samples are left out. */
const MAX_JOINED = 30;

/** Samples that share a config are counted so far. */
const MAX_SHARING = 10_000;

/** A neighbour that may be drawn. */
interface Candidate {
  readonly node: GraphNode;
  readonly hub: Hub | undefined;
  readonly edge: GraphEdge;
  /** Those first that others share, then by weight. */
  readonly rank: number;
  /** False for what leads nowhere: a default, a family, what nobody else has. */
  readonly leadsOn: boolean;
}

function edgeTo(hub: Hub, sample: string): GraphEdge {
  const kinds = { indicator: "holds", config: "has-config", family: "of-family", cluster: "member" } as const;
  return { from: sample, to: hub.key, kind: kinds[hub.kind], weight: hub.weight };
}

export class Board {
  readonly #scope: Scope;
  readonly #kinds: ReadonlySet<string>;
  readonly #limit: number;
  readonly #nodes = new Map<string, GraphNode>();
  readonly #edges = new Map<string, GraphEdge>();
  /** Nodes that count: samples that are not drawn and groups do not. */
  #drawn = 0;
  readonly #leftOut = new Set<string>();

  constructor(scope: Scope, { kinds, limit }: GraphOptions) {
    this.#scope = scope;
    this.#kinds = new Set(kinds ?? NODE_KINDS);
    this.#limit = Math.min(Math.max(1, limit), MAX_NODES);
  }

  begin(seeds: readonly Seed[]): void {
    for (const { node } of seeds) this.#admit(node);
  }

  #admit(node: GraphNode): boolean {
    if (this.#nodes.has(node.key)) return true;
    const counts = node.kind !== "group" && this.#kinds.has(node.kind);
    if (counts && this.#drawn >= this.#limit && node.depth > 0) return false;
    if (counts) this.#drawn++;
    this.#nodes.set(node.key, node);
    return true;
  }

  #join(edge: GraphEdge): void {
    const ends = `${edge.from}\n${edge.to}\n${edge.kind}`;
    const known = this.#edges.get(ends);
    // A C2 stays one, whatever else the sample uses it for.
    if (known === undefined || edge.why === "c2") this.#edges.set(ends, edge);
  }

  /** What ties a cluster, for as much of the room as its samples leave. */
  async ties(hub: Hub & { readonly kind: "cluster" }): Promise<void> {
    const rows = await tiesOfCluster(this.#scope.db, hub.parts, Math.ceil(this.#limit / 4));
    for (const row of rows) {
      const node = indicatorNode(this.#scope, row, 1);
      if (this.#kinds.has(node.kind) && this.#admit(node))
        this.#join({ from: hub.key, to: node.key, kind: "tied-by", weight: weightOf(this.#scope, row) });
    }
  }

  /** Samples around what else is in the frontier. */
  async aroundHubs(frontier: readonly Seed[], step: number): Promise<Seed[]> {
    const hubs = frontier.flatMap(({ node, hub }) => (hub === undefined ? [] : [{ node, hub }]));
    const found: Seed[] = [];
    const many = hubs.filter(({ hub }) => step > 1 && hub.kind === "indicator");
    for (const { node, hub } of hubs) {
      if (many.some((one) => one.hub === hub)) continue;
      found.push(...((await this.page(hub, node, PAGE, undefined, step)) ?? []));
    }
    return [...found, ...(await this.#pages(many, step))];
  }

  /** One page of a hub; undefined for a cursor that is not its own. */
  async page(
    hub: Hub,
    node: GraphNode,
    size: number,
    cursor: string | undefined,
    step: number,
  ): Promise<Seed[] | undefined> {
    const room = this.#kinds.has("sample") ? this.#limit - this.#drawn : MAX_NODES;
    const page = await hubPage(this.#scope, hub, Math.max(0, Math.min(size, room)), cursor);
    if (page === undefined) return undefined;
    const { weight } = hub;
    const { admitted } = this.#samples(hub, page.samples, step);
    if (page.cursor === undefined) return admitted;
    const count = await countHub(this.#scope, hub);
    // What was told by earlier pages stays in the group's number: the client knows what it has.
    this.#group(node, weight, step, {
      samples: cursor === undefined ? count.samples - admitted.length : count.samples,
      families: count.families,
      ...(count.atLeast ? { atLeast: true } : {}),
      cursor: page.cursor,
    });
    return admitted;
  }

  /** First pages of many indicators. */
  async #pages(
    hubs: readonly { readonly node: GraphNode; readonly hub: Hub }[],
    step: number,
  ): Promise<Seed[]> {
    const room = Math.max(0, this.#limit - this.#drawn);
    const size = Math.max(2, Math.min(PAGE, Math.ceil((2 * room) / Math.max(1, hubs.length))));
    const ids = hubs.flatMap(({ hub }) => (hub.kind === "indicator" ? [hub.id] : []));
    // One more than is told, to know whether there are more.
    const rows = await newestOfEach(this.#scope, ids, size + 1);
    const found: Seed[] = [];
    for (const { node, hub } of hubs) {
      if (hub.kind !== "indicator") continue;
      const all = [...new Set(rows.filter((row) => row.indicator === hub.id).map((row) => row.sample))];
      const { weight } = hub;
      const { admitted, left } = this.#samples(hub, all.slice(0, size), step);
      found.push(...admitted);
      const drawn = all.slice(0, size).length - left;
      if (left > 0 || all.length > size)
        this.#group(node, weight, step, { samples: Math.max(1, hub.samples - drawn) });
    }
    return found;
  }

  /** Draws samples of a hub; `left`: those that found no room. */
  #samples(hub: Hub, all: readonly string[], step: number) {
    const admitted: Seed[] = [];
    let left = 0;
    for (const sha256 of all) {
      const key = sampleKey(sha256);
      const isNew = !this.#nodes.has(key);
      if (!this.#admit({ key, kind: "sample", label: sha256, depth: step })) {
        left++;
        continue;
      }
      this.#join(edgeTo(hub, key));
      if (isNew) admitted.push({ node: this.#nodes.get(key) as GraphNode, hub: undefined });
    }
    return { admitted, left };
  }

  #group(
    of: GraphNode,
    weight: number,
    depth: number,
    what: Pick<GraphNode, "samples" | "families" | "atLeast" | "cursor">,
  ): void {
    const key = `group:${of.key}`;
    this.#nodes.set(key, { key, kind: "group", label: of.label, depth, of: of.key, ...what });
    this.#join({ from: of.key, to: key, kind: "more", weight });
  }

  /** What the samples of the frontier hold; returns what leads on from there. */
  async aroundSamples(frontier: readonly Seed[], step: number): Promise<Seed[]> {
    const hashes = frontier.flatMap(({ node }) => (node.kind === "sample" ? [node.label] : []));
    if (hashes.length === 0) return [];
    const candidates = [
      ...(await this.#held(hashes, step)),
      ...(await this.#found(hashes, step)),
      ...(await this.#belonging(hashes, step)),
    ].sort((a, b) => b.rank - a.rank || (a.node.key < b.node.key ? -1 : 1));
    const next = new Map<string, Seed>();
    for (const { node, hub, edge, leadsOn } of candidates) {
      const isNew = !this.#nodes.has(node.key);
      if (!this.#admit(node)) {
        this.#leftOut.add(node.key);
        continue;
      }
      this.#join(edge);
      if (isNew && leadsOn) next.set(node.key, { node, hub });
    }
    return [...next.values()];
  }

  async #held(hashes: readonly string[], step: number): Promise<Candidate[]> {
    const rows = await ask<{ sample: string; indicator: string; usage: string }>(
      this.#scope.db,
      sql`select encode(sample, 'hex') as sample, indicator::text, usage from assay.holdings
        where sample = any(${digests(hashes)}) limit ${MAX_LINKS}`,
    );
    const known = await indicatorRows(this.#scope.db, [...new Set(rows.map(({ indicator }) => indicator))]);
    const byId = new Map(known.map((row) => [row.id, row]));
    return rows.flatMap(({ sample, indicator, usage }) => {
      const row = byId.get(indicator);
      if (row === undefined || !this.#kinds.has(kindOf(row.type))) return [];
      const weight = weightOf(this.#scope, row);
      const node = indicatorNode(this.#scope, row, step);
      const from = sampleKey(sample);
      return [
        {
          node,
          hub: indicatorHub(this.#scope, row),
          edge: { from, to: node.key, kind: "holds" as const, weight, why: usage },
          rank: weight + Number(row.samples > 1) + Number(usage === "c2") / 2,
          leadsOn: weight > 0 && row.samples > 1,
        },
      ];
    });
  }

  /** Configs and families. */
  async #found(hashes: readonly string[], step: number): Promise<Candidate[]> {
    if (!this.#kinds.has("config") && !this.#kinds.has("family")) return [];
    const rows = await ask<{ sample: string; family: string; config: string; samples: number }>(
      this.#scope.db,
      sql`select encode(f.subject, 'hex') as sample, f.family, encode(f.config, 'hex') as config,
          (select count(*) from (select from assay.findings o where o.config = f.config limit ${MAX_SHARING}) o)::integer
            as samples
        from assay.findings f join assay.samples s on s.sha256 = f.subject and s.analysis = f.analysis
        where f.subject = any(${digests(hashes)}) limit ${MAX_LINKS}`,
    );
    return rows.flatMap(({ sample, family: encoded, config, samples }): Candidate[] => {
      const family = decodeText(encoded);
      const from = sampleKey(sample);
      const [ofConfig, ofFamily] = [`config:${config}`, `family:${family}`];
      const weight = tieWeight("certificate", samples, Math.max(1, this.#scope.of, samples));
      const both: Candidate[] = [
        {
          node: { key: ofConfig, kind: "config", label: config, depth: step },
          hub: { kind: "config", key: ofConfig, id: config, weight },
          edge: { from, to: ofConfig, kind: "has-config", weight },
          rank: weight + Number(samples > 1),
          leadsOn: samples > 1,
        },
        {
          node: { key: ofFamily, kind: "family", label: family, depth: step },
          hub: { kind: "family", key: ofFamily, id: family, weight: 0 },
          edge: { from, to: ofFamily, kind: "of-family", weight: 0 },
          // A handful, and each says much.
          rank: 3,
          leadsOn: false,
        },
      ];
      return both.filter(({ node }) => this.#kinds.has(node.kind));
    });
  }

  async #belonging(hashes: readonly string[], step: number): Promise<Candidate[]> {
    if (!this.#kinds.has("cluster")) return [];
    const rows = await clustersOfSamples(this.#scope.db, hashes);
    return rows.map(({ sample, ...row }) => ({
      node: clusterNode(row, step),
      hub: undefined,
      edge: { from: sampleKey(sample), to: row.id, kind: "member" as const, weight: 1 },
      rank: 3,
      leadsOn: false,
    }));
  }

  async end(seeds: readonly Seed[]): Promise<Graph> {
    await this.#flagNear();
    if (!this.#kinds.has("sample")) this.#contract(new Set(seeds.map(({ node }) => node.key)));
    await this.#describe();
    const drawn = new Set(this.#nodes.keys());
    return {
      seeds: seeds.map(({ node }) => node.key),
      nodes: [...this.#nodes.values()],
      edges: [...this.#edges.values()].filter(({ from, to }) => drawn.has(from) && drawn.has(to)),
      of: this.#scope.of,
      leftOut: this.#leftOut.size,
    };
  }

  /** Pairs that differ by a slip, and the other half of a pair when there is room. */
  async #flagNear(): Promise<void> {
    const { db } = this.#scope;
    const keys = [...this.#nodes.values()].flatMap(({ type, label }) =>
      type === "domain" || type === "ipv4" ? [indicatorKey(type, label)] : [],
    );
    if (!this.#kinds.has("indicator")) return;
    const pairs = await nearPairs(db, keys, MAX_NODES);
    const rows = await indicatorRows(db, [...new Set(pairs.flatMap(({ a, b }) => [a, b]))]);
    const byId = new Map(rows.map((row) => [row.id, row]));
    for (const { a, b, why } of pairs) {
      const ends = [a, b].flatMap((id) => byId.get(id) ?? []).filter(({ samples }) => samples > 0);
      const [x, y] = ends.map((row) => indicatorNode(this.#scope, row, MAX_DEPTH));
      if (x === undefined || y === undefined) continue;
      const depth = 1 + Math.min(...[x, y].map(({ key }) => this.#nodes.get(key)?.depth ?? MAX_DEPTH));
      if (this.#admit({ ...x, depth }) && this.#admit({ ...y, depth }))
        this.#join({ from: x.key, to: y.key, kind: "near-duplicate", weight: 0, why });
    }
  }

  /** Takes samples out and joins what they shared; a seed stays. */
  #contract(seeds: ReadonlySet<string>): void {
    const around = new Map<string, GraphEdge[]>();
    for (const [ends, edge] of this.#edges) {
      const sample = edge.from;
      if (this.#nodes.get(sample)?.kind !== "sample" || seeds.has(sample)) continue;
      this.#edges.delete(ends);
      around.set(sample, [...(around.get(sample) ?? []), edge]);
    }
    const counts = new Map<string, GraphEdge & { count: number }>();
    for (const [sample, edges] of around) {
      this.#nodes.delete(sample);
      const ends = [...edges].sort((a, b) => b.weight - a.weight).slice(0, MAX_JOINED);
      for (const [i, x] of ends.entries())
        for (const y of ends.slice(i + 1)) {
          const [from, to] = x.to < y.to ? [x.to, y.to] : [y.to, x.to];
          const weight = Math.min(x.weight, y.weight);
          const known = counts.get(`${from}\n${to}`);
          if (known === undefined)
            counts.set(`${from}\n${to}`, { from, to, kind: "shares", weight, count: 1 });
          else known.count++;
        }
    }
    for (const edge of counts.values()) this.#join(edge);
  }

  async #describe(): Promise<void> {
    const hashes = [...this.#nodes.values()].flatMap((node) => (node.kind === "sample" ? [node.label] : []));
    for (const row of await describeSamples(this.#scope.db, hashes, [])) {
      const node = this.#nodes.get(sampleKey(row.sha256));
      if (node === undefined) continue;
      const families = [...new Set(row.findings.map(({ family }) => family))];
      this.#nodes.set(node.key, {
        ...node,
        ...{ names: row.names, outcome: row.outcome, firstSeen: row.firstSeen, lastSeen: row.lastSeen },
        families: families.map((family) => ({ family, samples: 1 })),
      });
    }
  }
}
