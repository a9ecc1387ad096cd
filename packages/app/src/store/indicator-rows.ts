/** What the corpus knows of indicators, by their keys. */
import type { IndicatorType } from "@assay/core/model/index";
import { inArray } from "drizzle-orm";
import type { Database } from "./database.ts";
import { indicators } from "./schema.ts";

/** Rows of one question. */
const ROWS = 5000;

export interface IndicatorRow {
  readonly id: string;
  readonly type: IndicatorType;
  readonly value: string;
  readonly samples: number;
  readonly linkable: boolean;
  readonly firstSeen: string;
  readonly lastSeen: string;
}

/** In the order of `ids`; those that are not there are left out. */
export async function indicatorRows(db: Database, ids: readonly string[]): Promise<IndicatorRow[]> {
  const byId = new Map<string, IndicatorRow>();
  for (let at = 0; at < ids.length; at += ROWS) {
    const rows = await db
      .select({
        id: indicators.id,
        type: indicators.type,
        value: indicators.value,
        samples: indicators.samples,
        linkable: indicators.linkable,
        firstSeen: indicators.firstSeen,
        lastSeen: indicators.lastSeen,
      })
      .from(indicators)
      .where(inArray(indicators.id, ids.slice(at, at + ROWS)));
    for (const row of rows) byId.set(row.id, { ...row, type: row.type as IndicatorType });
  }
  return ids.flatMap((id) => byId.get(id) ?? []);
}
