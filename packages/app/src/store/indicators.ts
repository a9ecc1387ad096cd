/** Indicators of the whole corpus, a page at a time. */
import { defangIndicator } from "@assay/core/indicators/defang";
import { IndicatorType } from "@assay/core/model/index";
import { and, asc, desc, eq, exists, gt, gte, inArray, like, lt, lte, or, sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import { indicatorKey } from "./keys.ts";
import { holdings, indicators } from "./schema.ts";

const TYPES: readonly IndicatorType[] = IndicatorType.anyOf.map((one) => one.const);

export interface IndicatorRow {
  readonly type: IndicatorType;
  readonly value: string;
  readonly defanged: string;
  readonly linkable: boolean;
  readonly samples: number;
  readonly firstSeen: string;
  readonly lastSeen: string;
}

export interface IndicatorFilter {
  readonly type?: IndicatorType;
  /** Exactly, or with `*` for any text. */
  readonly value?: string;
  readonly family?: string;
  readonly usage?: string;
  readonly linkable?: boolean;
  readonly minSamples?: number;
  /** ISO 8601: last seen at or after, first seen before. */
  readonly since?: string;
  readonly until?: string;
}

/** Where a page ends. */
export interface IndicatorEnd {
  readonly lastSeen: string;
  readonly id: string;
}

/** Seen last first. */
export async function listIndicators(
  db: Database,
  filter: IndicatorFilter,
  limit: number,
  after: IndicatorEnd | undefined,
): Promise<{ readonly rows: IndicatorRow[]; readonly end: IndicatorEnd | undefined }> {
  const { type, value, family, usage, linkable, since, until } = filter;
  const rows = await db
    .select({
      id: indicators.id,
      type: indicators.type,
      value: indicators.value,
      linkable: indicators.linkable,
      samples: indicators.samples,
      firstSeen: indicators.firstSeen,
      lastSeen: indicators.lastSeen,
    })
    .from(indicators)
    .where(
      and(
        gte(indicators.samples, filter.minSamples ?? 1),
        type === undefined ? undefined : eq(indicators.type, type),
        value === undefined ? undefined : valueIs(type, value),
        linkable === undefined ? undefined : eq(indicators.linkable, linkable),
        since === undefined ? undefined : gte(indicators.lastSeen, since),
        until === undefined ? undefined : lt(indicators.firstSeen, until),
        family === undefined && usage === undefined
          ? undefined
          : exists(
              db
                .select({ one: sql`1` })
                .from(holdings)
                .where(
                  and(
                    eq(holdings.indicator, indicators.id),
                    family === undefined ? undefined : eq(holdings.family, family),
                    usage === undefined ? undefined : eq(holdings.usage, usage),
                  ),
                ),
            ),
        after === undefined
          ? undefined
          : and(
              lte(indicators.lastSeen, after.lastSeen),
              or(lt(indicators.lastSeen, after.lastSeen), gt(indicators.id, after.id)),
            ),
      ),
    )
    .orderBy(desc(indicators.lastSeen), asc(indicators.id))
    .limit(limit);
  const last = rows.at(-1);
  return {
    rows: rows.map(({ id: _id, ...row }) => {
      const known = row.type as IndicatorType;
      return { ...row, type: known, defanged: defangIndicator(known, row.value) };
    }),
    end: last && { lastSeen: last.lastSeen, id: last.id },
  };
}

function valueIs(type: IndicatorType | undefined, value: string) {
  if (value.includes("*")) {
    const pattern = value.replace(/[\\%_]/g, (char) => `\\${char}`).replaceAll("*", "%");
    return like(indicators.value, sql.param(pattern, indicators.value));
  }
  // Keys follow from type and value: one look for each type instead of one at every row.
  const types = type === undefined ? TYPES : [type];
  return inArray(
    indicators.id,
    types.map((one) => indicatorKey(one, value)),
  );
}
