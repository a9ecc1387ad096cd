/** Whether the clusters that are kept are those that all holdings together make. */
import { sql } from "drizzle-orm";
import { components, membersOf } from "./components.ts";
import type { Database } from "./database.ts";
import { ask } from "./rows.ts";
import { correlation } from "./schema.ts";
import { scales } from "./ties.ts";

/** Differences told. */
const MAX_TOLD = 100;

export interface Difference {
  /** A sample, or a cluster's id. */
  readonly of: string;
  readonly text: string;
}

/** Empty also when clusters were not worked out yet, or when some wait to be looked at. */
export async function compareClusters(db: Database): Promise<Difference[]> {
  const [state] = await db.select().from(correlation);
  const [waiting] = await ask<{ n: number }>(db, sql`select count(*)::integer as n from assay.suspects`);
  const weights = await scales(db);
  if (state?.built !== true || state.exclusions !== weights.exclusions || (waiting?.n ?? 0) > 0) return [];
  const all = await components(db, weights);
  const rows = await ask<{ sample: string; cluster: number; id: string; size: number }>(
    db,
    sql`select encode(m.sample, 'hex') as sample, p.cluster, c.id, c.samples as size from assay.cluster_samples m
      join assay.cluster_parts p on p.part = m.part join assay.clusters c on c.key = p.cluster where c.samples > 1`,
  );
  const kept = new Map(rows.map((row) => [row.sample, row]));
  const counts = new Map<number, number>();
  for (const { cluster } of rows) counts.set(cluster, (counts.get(cluster) ?? 0) + 1);
  const found: Difference[] = [];
  for (const group of membersOf(all)) {
    const first = kept.get(all.samples[group[0] as number] as string);
    for (const at of group) {
      const sample = all.samples[at] as string;
      const own = kept.get(sample);
      kept.delete(sample);
      if (own === undefined || first === undefined)
        found.push({ of: sample, text: "belongs to a cluster and is in none" });
      else if (own.cluster !== first.cluster)
        found.push({ of: sample, text: `is in ${own.id}, and belongs to ${first.id}` });
    }
    if (first !== undefined && counts.get(first.cluster) !== group.length)
      found.push({
        of: first.id,
        text: `has ${counts.get(first.cluster)} samples, and ${group.length} belong together`,
      });
    if (first !== undefined && first.size !== counts.get(first.cluster))
      found.push({ of: first.id, text: `counted ${first.size} samples, has ${counts.get(first.cluster)}` });
  }
  for (const { sample, id } of kept.values())
    found.push({ of: sample, text: `is in ${id}, and nothing ties it` });
  return found.slice(0, MAX_TOLD);
}
