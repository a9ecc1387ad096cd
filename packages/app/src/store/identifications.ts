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

/** Those of the newest results, instead of what earlier ones said. */
export async function putIdentifications(
  db: Database,
  results: readonly (Pick<Sample, "families"> & { readonly sha256: string })[],
): Promise<void> {
  if (results.length === 0) return;
  const hashes = results.map(({ sha256 }) => sha256);
  const rows = results.flatMap(({ sha256, families }) =>
    families.map((family) => ({ sample: sha256, family })),
  );
  await db.execute(
    sql`with r as materialized (select sample, family from ${recordset(Object.entries(getTableColumns(identifications)), rows)}),
      gone as (delete from ${identifications} i where i.sample = any(${digests(hashes)})
        and not exists (select from r where r.sample = i.sample and r.family = i.family))
      insert into ${identifications} (sample, family) select sample, family from r on conflict do nothing`,
  );
}
