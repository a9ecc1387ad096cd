/** Which families a file was taken for, whether or not it gave a config: what a family's yield is measured by. */
import type { Sample } from "@assay/core/model/index";
import { getTableColumns, sql } from "drizzle-orm";
import { primaryKey } from "drizzle-orm/pg-core";
import { digest, hostile } from "./columns.ts";
import type { Database } from "./database.ts";
import { digests, recordset } from "./rows.ts";
import { assay } from "./schema.ts";

export const identifications = assay.table(
  "identifications",
  { sample: digest("sample").notNull(), family: hostile("family").notNull() },
  (t) => [primaryKey({ columns: [t.sample, t.family] })],
);

type Identified = Pick<Sample, "families"> & { readonly sha256: string };

export function identificationsOf({ sha256, families }: Identified): (typeof identifications.$inferInsert)[] {
  return families.map((family) => ({ sample: sha256, family }));
}

/** What earlier results said and these, the newest, do not. */
export async function forgetIdentifications(db: Database, results: readonly Identified[]): Promise<void> {
  if (results.length === 0) return;
  const rows = results.flatMap(identificationsOf);
  await db.execute(
    sql`with r as materialized (select sample, family from ${recordset(Object.entries(getTableColumns(identifications)), rows)})
      delete from ${identifications} i where i.sample = any(${digests(results.map(({ sha256 }) => sha256))})
        and not exists (select from r where r.sample = i.sample and r.family = i.family)`,
  );
}
