/** The connected components of the whole corpus over its strong ties, worked out in memory. */
import { sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import { ask, uuids } from "./rows.ts";
import { decodeText } from "./text.ts";
import type { Scales, TieRow } from "./ties.ts";

/** Indicators of one question. */
const PAGE = 5000;

export interface Components {
  /** SHA-256 of the samples that anything ties, in no order. */
  readonly samples: readonly string[];
  /** For each of them, the place of one that stands for its component. */
  readonly root: Int32Array;
  /** Indicators that tie, with the place of a sample that holds each. */
  readonly ties: ReadonlyMap<string, number>;
}

export async function components(db: Database, { weigh }: Scales): Promise<Components> {
  const samples: string[] = [];
  const placeOf = new Map<string, number>();
  let parent = new Int32Array(1024);
  const place = (sample: string): number => {
    const known = placeOf.get(sample);
    if (known !== undefined) return known;
    const at = samples.length;
    if (at === parent.length) {
      const larger = new Int32Array(2 * at);
      larger.set(parent);
      parent = larger;
    }
    parent[at] = at;
    samples.push(sample);
    placeOf.set(sample, at);
    return at;
  };
  const find = (item: number): number => {
    let at = item;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at] as number] as number;
      at = parent[at] as number;
    }
    return at;
  };
  const ties = new Map<string, number>();
  for await (const page of sharedIndicators(db)) {
    const strong = page
      .filter((row) => weigh(row, row.cluster !== null).strength === "strong")
      .map(({ id }) => id);
    const holds = await ask<{ indicator: string; samples: string[] }>(
      db,
      sql`select indicator::text, json_agg(encode(sample, 'hex')) as samples from assay.holdings
        where indicator = any(${uuids(strong)}) group by indicator`,
    );
    for (const { indicator, samples: holders } of holds)
      for (const sample of holders) {
        const at = place(sample);
        const first = ties.get(indicator);
        if (first === undefined) ties.set(indicator, at);
        else {
          const [a, b] = [find(first), find(at)];
          if (a !== b) parent[Math.max(a, b)] = Math.min(a, b);
        }
      }
  }
  const root = new Int32Array(samples.length);
  for (let at = 0; at < samples.length; at++) root[at] = find(at);
  return { samples, root, ties };
}

/** Every indicator that two samples or more hold and that may tie them, in pages, by key. */
export async function* sharedIndicators(db: Database): AsyncGenerator<TieRow[]> {
  for (let last = "00000000-0000-0000-0000-000000000000"; ; ) {
    const rows = await ask<TieRow>(
      db,
      sql`select i.id::text, i.type, i.value, i.samples, i.linkable, p.cluster
        from assay.indicators i
        left join assay.cluster_ties t on t.indicator = i.id
        left join assay.cluster_parts p on p.part = t.part
        where i.id > ${last} and i.samples > 1 and i.linkable order by i.id limit ${PAGE}`,
    );
    if (rows.length > 0) yield rows.map((row) => ({ ...row, value: decodeText(row.value) }));
    last = rows.at(-1)?.id ?? last;
    if (rows.length < PAGE) return;
  }
}

/** Places of the samples of each component of two or more. */
export function membersOf({ samples, root }: Components): number[][] {
  const byRoot = new Map<number, number[]>();
  for (let at = 0; at < samples.length; at++) {
    const group = byRoot.get(root[at] as number);
    if (group === undefined) byRoot.set(root[at] as number, [at]);
    else group.push(at);
  }
  return [...byRoot.values()].filter((group) => group.length > 1);
}
