/** A query as SQL: every word of it a bound parameter. */
import type { Condition, Term, TextMatch } from "@assay/core/search/query";
import {
  and,
  type Column,
  count,
  desc,
  eq,
  exists,
  gt,
  gte,
  inArray,
  like,
  lt,
  lte,
  not,
  or,
  type SQL,
  sql,
} from "drizzle-orm";
import type { Database } from "./database.ts";
import { indicatorKey, valueKey } from "./keys.ts";
import { describeSamples, type SampleRow } from "./samples.ts";
import { configFields, findings, holdings, indicators, names, samples } from "./schema.ts";

export interface SearchResult {
  /** How many samples there are in all. */
  readonly total: number;
  /** The newest of them. */
  readonly samples: readonly SampleRow[];
}

/** Where a page ends: the next begins behind it. */
export interface SearchEnd {
  /** ISO 8601, UTC. */
  readonly lastSeen: string;
  readonly sha256: string;
}

export async function search(db: Database, terms: readonly Term[], limit: number): Promise<SearchResult> {
  const [row] = await db.select({ n: count() }).from(samples).where(termsSql(db, terms));
  return { total: row?.n ?? 0, samples: await searchPage(db, terms, limit, undefined) };
}

/** The newest samples, or those behind the end of another page. */
export async function searchPage(
  db: Database,
  terms: readonly Term[],
  limit: number,
  after: SearchEnd | undefined,
): Promise<SampleRow[]> {
  const behind =
    after === undefined
      ? undefined
      : and(
          lte(samples.lastSeen, after.lastSeen),
          or(lt(samples.lastSeen, after.lastSeen), gt(samples.sha256, after.sha256)),
        );
  const newest = await db
    .select({ sha256: samples.sha256 })
    .from(samples)
    .where(and(termsSql(db, terms), behind))
    .orderBy(desc(samples.lastSeen), samples.sha256)
    .limit(limit);
  return describeSamples(
    db,
    newest.map(({ sha256 }) => sha256),
    [],
  );
}

/** What `samples` rows must meet; undefined, all of them, for no terms. */
export function termsSql(db: Database, terms: readonly Term[]): SQL | undefined {
  return and(...terms.map((term) => termSql(db, term)));
}

function termSql(db: Database, { negated, anyOf }: Term): SQL {
  const any = or(...anyOf.map((condition) => conditionSql(db, condition))) ?? sql`false`;
  return negated ? not(any) : any;
}

function conditionSql(db: Database, condition: Condition): SQL {
  switch (condition.kind) {
    case "property":
      return propertySql(db, condition.property, condition.match);
    case "hash":
      return eq(samples[condition.hash.kind], condition.hash.value);
    case "indicator": {
      const ids = condition.keys.map(({ type, value }) => indicatorKey(type, value));
      return holding(db, inArray(holdings.indicator, ids), condition.c2);
    }
    case "indicator-like":
      return holding(
        db,
        and(inArray(indicators.type, [...condition.types]), matchSql(indicators.value, condition.match)),
        condition.c2,
      );
    case "range":
      return holding(
        db,
        and(gte(indicators.address, condition.first), lte(indicators.address, condition.last)),
        condition.c2,
      );
    case "config":
      return configSql(db, condition.name, condition.match);
    case "seen":
      return "since" in condition
        ? gte(samples.lastSeen, condition.since)
        : lt(samples.firstSeen, condition.before);
  }
}

function propertySql(
  db: Database,
  property: "family" | "version" | "layout" | "confidence" | "outcome" | "format" | "name",
  match: TextMatch,
): SQL {
  switch (property) {
    case "outcome":
    case "format":
      return matchSql(samples[property], match);
    case "name":
      return exists(
        db
          .select({ one: sql`1` })
          .from(names)
          .where(and(eq(names.sample, samples.sha256), matchSql(names.name, match))),
      );
    default:
      return exists(
        db
          .select({ one: sql`1` })
          .from(findings)
          .where(and(standing(), matchSql(findings[property], match))),
      );
  }
}

/** A finding of the result that stands for the sample. */
function standing(): SQL | undefined {
  return and(eq(findings.subject, samples.sha256), eq(findings.analysis, samples.analysis));
}

function holding(db: Database, which: SQL | undefined, c2: boolean): SQL {
  return inArray(
    samples.sha256,
    db
      .select({ sample: holdings.sample })
      .from(holdings)
      .innerJoin(indicators, eq(indicators.id, holdings.indicator))
      .where(and(which, c2 ? eq(holdings.usage, "c2") : undefined)),
  );
}

function configSql(db: Database, name: string | undefined, match: TextMatch): SQL {
  const value =
    match.is === "exactly" ? eq(configFields.key, valueKey(match.text)) : matchSql(configFields.value, match);
  return inArray(
    samples.sha256,
    db
      .select({ subject: findings.subject })
      .from(findings)
      .innerJoin(configFields, eq(configFields.config, findings.config))
      .where(
        and(
          eq(findings.analysis, samples.analysis),
          name === undefined ? undefined : eq(configFields.name, name),
          value,
        ),
      ),
  );
}

function matchSql(column: Column, match: TextMatch): SQL {
  if (match.is === "exactly") return eq(column, match.text);
  const pattern = match.parts.map((part) => part.replace(/[\\%_]/g, (char) => `\\${char}`)).join("%");
  return like(column, sql.param(pattern, column));
}
