/**
 * Second-hand knowledge: what others say of samples and addresses, with who said it and when. It stands in tables of
 * its own, so that no count, tie, search or export of what assay proved can meet it; a pivot asks for it by name.
 */

import type { Claim } from "@assay/core/foreign/claim";
import { defangIndicator } from "@assay/core/indicators/defang";
import type { Targets } from "@assay/core/indicators/targets";
import type { Config } from "@assay/core/model/index";
import { configFields, configId } from "@assay/core/relations/index";
import { asc, count, desc, eq, gt, inArray, max, or, sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import { indicatorKey, keyOf, valueKey } from "./keys.ts";
import { insertRows } from "./rows.ts";
import { claimSubjects, claims, claimValues } from "./schema.ts";

export interface Statement {
  /** Who says it: a feed, a sandbox, a colleague. */
  readonly source: string;
  readonly form: string;
  /** Name of the file that it was read from, without its folder. */
  readonly file: string;
  /** ISO 8601, UTC: when it came in. */
  readonly addedAt: string;
  readonly claim: Claim;
}

/** Statements of one transaction. */
const BATCH = 500;

/** Returns how many were not there yet. The first of two equal ones stays, with its date. */
export async function putStatements(db: Database, all: readonly Statement[]): Promise<number> {
  let added = 0;
  for (let at = 0; at < all.length; at += BATCH) {
    const batch = all.slice(at, at + BATCH);
    added += await db.transaction((tx) => putBatch(tx, batch));
  }
  return added;
}

async function putBatch(db: Database, batch: readonly Statement[]): Promise<number> {
  const byId = new Map(batch.map((one) => [statementKey(one), one]));
  const known = await db
    .select({ id: claims.id })
    .from(claims)
    .where(inArray(claims.id, [...byId.keys()]));
  for (const { id } of known) byId.delete(id);
  const fresh = [...byId].sort(([a], [b]) => (a < b ? -1 : 1));
  await insertRows(
    db,
    claims,
    fresh.map(([id, { source, form, file, addedAt, claim }]) => ({
      ...{ id, source, form, file, addedAt, body: claim },
      family: claim.family ?? null,
      saidAt: claim.at ?? null,
      configId: claim.config === undefined ? null : configId(asConfig(claim.config)).slice("config:".length),
    })),
  );
  await insertRows(
    db,
    claimSubjects,
    fresh.flatMap(([id, { claim }]) => claim.subjects.map((hash) => ({ hash, claim: id }))),
  );
  await insertRows(
    db,
    claimValues,
    fresh.flatMap(([id, { claim }]) => valueRows(id, claim)),
  );
  return fresh.length;
}

/** Neither its file's name nor the day it came in makes a statement another one. */
function statementKey({ source, form, claim }: Statement): string {
  return keyOf("statement", source, form, JSON.stringify(claim));
}

/** Values with fewer characters are no ties: numbers, switches. */
const MIN_VALUE = 4;

function valueRows(claim: string, { indicators, config }: Claim): (typeof claimValues.$inferInsert)[] {
  const rows = new Map<string, typeof claimValues.$inferInsert>();
  for (const { type, value } of indicators) {
    const key = indicatorKey(type, value);
    rows.set(key, { key, claim, name: type });
  }
  for (const { name, value } of config === undefined ? [] : configFields(asConfig(config))) {
    const key = valueKey(value);
    if (value.length >= MIN_VALUE && !rows.has(key)) rows.set(key, { key, claim, name: `config.${name}` });
  }
  return [...rows.values()];
}

/** Hash and fields are made of any tree; only our own types want a family in it. */
function asConfig(config: NonNullable<Claim["config"]>): Config {
  return config as unknown as Config;
}

export interface Said {
  readonly source: string;
  readonly form: string;
  readonly file: string;
  /** As the source calls it. */
  readonly family: string | null;
  /** When the source says that it was so, and when it came in. */
  readonly saidAt: string | null;
  readonly addedAt: string;
  readonly subjects: readonly string[];
  /** What of it meets the question: `socket`, `config.other.key`, `file`, `config`. */
  readonly as: readonly string[];
  readonly indicators: readonly {
    readonly type: string;
    readonly value: string;
    readonly defanged: string;
    readonly usage: string;
  }[];
}

export interface SaidByOthers {
  readonly total: number;
  /** The newest. */
  readonly statements: readonly Said[];
}

/** Indicators told of one statement. */
const MAX_TOLD = 20;

/** What others said of a value: as an indicator, a hash of a file or of a config, or any value of a config. */
export async function saidOf(
  db: Database,
  value: string,
  targets: Targets,
  limit: number,
): Promise<SaidByOthers> {
  const keys = [
    ...targets.indicators.map((one) => indicatorKey(one.type, one.value)),
    ...(value.trim() === "" ? [] : [valueKey(value.trim())]),
  ];
  const hash = targets.hash?.value;
  const byValue = db
    .select({ claim: claimValues.claim })
    .from(claimValues)
    .where(inArray(claimValues.key, keys));
  const which = or(
    keys.length === 0 ? undefined : inArray(claims.id, byValue),
    hash === undefined
      ? undefined
      : inArray(
          claims.id,
          db.select({ claim: claimSubjects.claim }).from(claimSubjects).where(eq(claimSubjects.hash, hash)),
        ),
    hash?.length === 64 ? eq(claims.configId, hash) : undefined,
  );
  if (which === undefined) return { total: 0, statements: [] };
  const [all] = await db.select({ n: count() }).from(claims).where(which);
  if ((all?.n ?? 0) === 0) return { total: 0, statements: [] };
  const rows = await db
    .select()
    .from(claims)
    .where(which)
    .orderBy(desc(sql`coalesce(${claims.saidAt}, ${claims.addedAt})`), asc(claims.id))
    .limit(limit);
  const met = await db
    .select({ claim: claimValues.claim, name: claimValues.name })
    .from(claimValues)
    .where(
      sql`${inArray(
        claimValues.claim,
        rows.map(({ id }) => id),
      )} and ${inArray(claimValues.key, keys)}`,
    );
  return {
    total: all?.n ?? 0,
    statements: rows.map(({ id, body, configId: config, ...row }) => {
      const { subjects, indicators } = body as Claim;
      const as = met.filter(({ claim }) => claim === id).map(({ name }) => name);
      if (hash !== undefined && subjects.includes(hash)) as.push("file");
      if (hash !== undefined && config === hash) as.push("config");
      return {
        ...{ source: row.source, form: row.form, file: row.file, family: row.family },
        ...{ saidAt: row.saidAt, addedAt: row.addedAt, subjects, as: [...new Set(as)].sort() },
        indicators: indicators.slice(0, MAX_TOLD).map(({ type, value: one, usage }) => ({
          type,
          value: one,
          defanged: defangIndicator(type, one),
          usage,
        })),
      };
    }),
  };
}

export interface Source {
  readonly source: string;
  readonly statements: number;
  readonly lastAddedAt: string | null;
}

export async function listSources(db: Database): Promise<Source[]> {
  return db
    .select({ source: claims.source, statements: count(), lastAddedAt: max(claims.addedAt) })
    .from(claims)
    .groupBy(claims.source)
    .orderBy(asc(claims.source));
}

/** Everything that a source said is gone; how much that was. */
export async function forgetSource(db: Database, source: string): Promise<number> {
  const gone = await db.delete(claims).where(eq(claims.source, source)).returning({ id: claims.id });
  return gone.length;
}

/** Rows of one question. */
const PAGE = 200;

/** All of them, by key, without holding them all. */
export async function* allStatements(db: Database): AsyncGenerator<Statement> {
  for (let last = "00000000-0000-0000-0000-000000000000"; ; ) {
    const rows = await db
      .select()
      .from(claims)
      .where(gt(claims.id, last))
      .orderBy(asc(claims.id))
      .limit(PAGE);
    for (const { source, form, file, addedAt, body } of rows)
      yield { source, form, file, addedAt, claim: body as Claim };
    last = rows.at(-1)?.id ?? last;
    if (rows.length < PAGE) return;
  }
}
