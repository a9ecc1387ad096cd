/** Which families a file was taken for, whether or not it gave a config: what a family's yield is measured by. */
import type { Sample } from "@assay/core/model/index";
import { inArray } from "drizzle-orm";
import { primaryKey } from "drizzle-orm/pg-core";
import { digest, hostile } from "./columns.ts";
import type { Database } from "./database.ts";
import { insertRows } from "./rows.ts";
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
  await db.delete(identifications).where(inArray(identifications.sample, hashes));
  await insertRows(
    db,
    identifications,
    results.flatMap(({ sha256, families }) => families.map((family) => ({ sample: sha256, family }))),
  );
}
