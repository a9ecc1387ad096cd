/** The shortest way between two nodes of the corpus, over samples and what they share; searched from both ends. */
import { sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import { hubPage, type Scope } from "./graph-hub.ts";
import type { Graph, GraphEdge, GraphNode } from "./graph-model.ts";
import { indicatorNode, type Seed, sampleKey, seedsOf, weightOf } from "./graph-seeds.ts";
import { type IndicatorRow, indicatorRows } from "./indicator-rows.ts";
import { ask, digests, uuids } from "./rows.ts";
import { describeSamples } from "./samples.ts";
import { stateOf } from "./ties.ts";

export interface PathOptions {
  /** Edges of the longest way that is looked for. */
  readonly maxSteps?: number;
}

export const MAX_STEPS = 12;
/** Nodes that one side looks at in one step: beyond, those that fewer samples share come first. */
const MAX_FRONTIER = 5000;
/** Samples of one hub that are gone through to; from samples any hub is reached. */
const MAX_OPENED = 5000;
/** Samples that a config, family or cluster begins with. */
const MAX_MEMBERS = 200;

type Step = { readonly from: string; readonly why: string };

/** One side of the search. Nodes are `s<sha256>` and `i<indicator>`. */
class Side {
  /** How each node was reached; undefined for where it began. */
  readonly reached = new Map<string, Step | undefined>();
  frontier: string[] = [];
}

/** Undefined when one of the two is unknown; no nodes when no way was found within the bounds. */
export async function path(
  db: Database,
  from: string,
  to: string,
  { maxSteps = 8 }: PathOptions = {},
): Promise<Graph | undefined> {
  const { of, excluded } = await stateOf(db);
  const scope: Scope = { db, of, excluded, range: {} };
  const [starts, ends] = [await seedsOf(scope, from), await seedsOf(scope, to)];
  const [a, b] = [await sideOf(scope, starts), await sideOf(scope, ends)];
  if (a.frontier.length === 0 || b.frontier.length === 0) return undefined;
  const weights = new Map<string, IndicatorRow>();
  for (const { id } of [...starts, ...ends].flatMap(({ hub }) => (hub?.kind === "indicator" ? [hub] : [])))
    weights.set(id, (await indicatorRows(db, [id]))[0] as IndicatorRow);
  let meeting = [...a.reached.keys()].find((node) => b.reached.has(node));
  for (let step = 0; meeting === undefined && step < Math.min(maxSteps, MAX_STEPS); step++) {
    const side = b.frontier.length < a.frontier.length ? b : a;
    const other = side === a ? b : a;
    if (side.frontier.length === 0) break;
    meeting = await advance(scope, side, other, weights);
  }
  return drawn(scope, meeting === undefined ? [] : wayOver(meeting, a, b), weights);
}

/** A config, family or cluster is its strongest samples. */
async function sideOf(scope: Scope, seeds: readonly Seed[]): Promise<Side> {
  const side = new Side();
  for (const { node, hub } of seeds) {
    if (hub === undefined) side.reached.set(`s${node.label}`, undefined);
    else if (hub.kind === "indicator") side.reached.set(`i${hub.id}`, undefined);
    else
      for (const sample of (await hubPage(scope, hub, MAX_MEMBERS, undefined))?.samples ?? [])
        side.reached.set(`s${sample}`, undefined);
  }
  side.frontier = [...side.reached.keys()];
  return side;
}

/** One step of a side; the node in which it meets the other. */
async function advance(
  scope: Scope,
  side: Side,
  other: Side,
  known: Map<string, IndicatorRow>,
): Promise<string | undefined> {
  const [samples, hubs] = [namesOf(side.frontier, "s"), namesOf(side.frontier, "i")];
  const links = [...(await fromSamples(scope.db, samples)), ...(await fromHubs(scope.db, hubs))];
  await learn(
    scope.db,
    links.map(({ indicator }) => indicator),
    known,
  );
  const next: string[] = [];
  for (const { sample, indicator, why } of links) {
    const row = known.get(indicator);
    const [s, i] = [`s${sample}`, `i${indicator}`];
    const [here, there] = side.reached.has(s) && !side.reached.has(i) ? [s, i] : [i, s];
    if (side.reached.has(there) || !side.reached.has(here)) continue;
    // What may tie nothing leads nowhere, but may be where the way begins or ends.
    const isEnd = here === i || other.reached.has(there);
    if (row === undefined || (weightOf(scope, row) === 0 && !isEnd)) continue;
    side.reached.set(there, { from: here, why });
    if (other.reached.has(there)) return there;
    if (there === s || row.samples > 1) next.push(there);
  }
  const rarity = (node: string) => (node.startsWith("i") ? (known.get(node.slice(1))?.samples ?? 0) : 0);
  side.frontier = next.sort((x, y) => rarity(x) - rarity(y)).slice(0, MAX_FRONTIER);
  return undefined;
}

function namesOf(nodes: readonly string[], kind: "s" | "i"): string[] {
  return nodes.filter((node) => node.startsWith(kind)).map((node) => node.slice(1));
}

type Link = { readonly sample: string; readonly indicator: string; readonly why: string };

async function fromSamples(db: Database, samples: readonly string[]): Promise<Link[]> {
  if (samples.length === 0) return [];
  return ask(
    db,
    sql`select encode(sample, 'hex') as sample, indicator::text, usage as why from assay.holdings
      where sample = any(${digests(samples)}) order by indicator, sample limit ${20 * MAX_FRONTIER}`,
  );
}

async function fromHubs(db: Database, hubs: readonly string[]): Promise<Link[]> {
  if (hubs.length === 0) return [];
  return ask(
    db,
    sql`select encode(h.sample, 'hex') as sample, i.id::text as indicator, h.usage as why
      from unnest(${uuids(hubs)}) as i (id)
      cross join lateral (
        select sample, usage from assay.holdings where indicator = i.id order by seen desc, sample
        limit ${MAX_OPENED}
      ) h limit ${20 * MAX_FRONTIER}`,
  );
}

async function learn(db: Database, ids: readonly string[], known: Map<string, IndicatorRow>): Promise<void> {
  const fresh = [...new Set(ids)].filter((id) => !known.has(id));
  for (const row of await indicatorRows(db, fresh)) known.set(row.id, row);
}

interface Hop {
  readonly node: string;
  /** Of the edge to the next. */
  readonly why: string;
}

function wayOver(meeting: string, a: Side, b: Side): Hop[] {
  const before: Hop[] = [];
  for (let at = meeting; ; ) {
    const step = a.reached.get(at);
    if (step === undefined) break;
    before.unshift({ node: step.from, why: step.why });
    at = step.from;
  }
  const after: Hop[] = [];
  for (let at = meeting; ; ) {
    const step = b.reached.get(at);
    after.push({ node: at, why: step?.why ?? "" });
    if (step === undefined) break;
    at = step.from;
  }
  return [...before, ...after];
}

async function drawn(
  scope: Scope,
  way: readonly Hop[],
  known: ReadonlyMap<string, IndicatorRow>,
): Promise<Graph> {
  const hashes = namesOf(
    way.map(({ node }) => node),
    "s",
  );
  const described = new Map((await describeSamples(scope.db, hashes, [])).map((row) => [row.sha256, row]));
  const nodes = way.map(({ node }, depth): GraphNode => {
    const name = node.slice(1);
    if (node.startsWith("i")) return indicatorNode(scope, known.get(name) as IndicatorRow, depth);
    const row = described.get(name);
    const families = [...new Set(row?.findings.map(({ family }) => family))];
    return {
      ...{ key: sampleKey(name), kind: "sample", label: name, depth },
      ...(row === undefined ? {} : { names: row.names, outcome: row.outcome }),
      families: families.map((family) => ({ family, samples: 1 })),
    };
  });
  const edges = nodes.slice(1).map((node, i): GraphEdge => {
    const before = nodes[i] as GraphNode;
    const [sample, held] = before.kind === "sample" ? [before, node] : [node, before];
    const row = [...known.values()].find(({ type, value }) => `${type}:${value}` === held.key);
    const weight = row === undefined ? 0 : weightOf(scope, row);
    return { from: sample.key, to: held.key, kind: "holds", weight, why: way[i]?.why ?? "" };
  });
  const seeds = [nodes[0], nodes.at(-1)].flatMap((node) => (node === undefined ? [] : [node.key]));
  return { seeds: [...new Set(seeds)], nodes, edges, of: scope.of, leftOut: 0 };
}
