/** The samples around a hub, some at a time: an indicator, config, family or cluster may have a hundred thousand. */
import type { IndicatorType } from "@assay/core/model/index";
import { tieWeight } from "@assay/core/relations/weight";
import { sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import type { Exclusions } from "./exclusions.ts";
import type { FamilyCount, TimeRange } from "./graph-model.ts";
import { keyOf } from "./keys.ts";
import { ask, digests, integers, uuids } from "./rows.ts";
import { decodeText, encodeText } from "./text.ts";

interface HubOf<K extends string> {
  readonly kind: K;
  /** Of its node. */
  readonly key: string;
  /** What sharing it says. */
  readonly weight: number;
}

export type Hub =
  | (HubOf<"indicator"> & { readonly id: string; readonly samples: number })
  | (HubOf<"config" | "family"> & { readonly id: string })
  | (HubOf<"cluster"> & { readonly parts: readonly number[]; readonly samples: number });

/** What every question of one graph needs. */
export interface Scope {
  readonly db: Database;
  /** Samples of the corpus that hold anything. */
  readonly of: number;
  readonly excluded: Exclusions;
  readonly range: TimeRange;
}

/** Samples that are put in order together, by what else they share; those of an indicator are its newest. */
const WINDOW = 600;
/** Samples of one hub that are counted; beyond, "at least". An indicator's are counted already. */
const MAX_COUNT = 100_000;

/** Where a page ends: the window begins after this sample, and so many of it were told. */
interface Place {
  readonly after?: { readonly order: string; readonly sample: string };
  readonly offset: number;
}

export interface HubPage {
  /** SHA-256; of each window, those first that share the rarest else. */
  readonly samples: readonly string[];
  /** Undefined at the end. */
  readonly cursor: string | undefined;
}

/** Undefined for a cursor that is none, or is another hub's. */
export async function hubPage(
  scope: Scope,
  hub: Hub,
  size: number,
  cursor: string | undefined,
): Promise<HubPage | undefined> {
  let place = cursor === undefined ? { offset: 0 } : readCursor(cursor, hub);
  if (place === undefined) return undefined;
  const samples: string[] = [];
  for (;;) {
    const window = await windowOf(scope, hub, place.after);
    const distinct = [...new Set(window.map(({ sample }) => sample))];
    const ranked = await byStrength(scope, distinct, hub.kind === "indicator" ? hub.id : undefined);
    const taken: string[] = ranked.slice(place.offset, place.offset + size - samples.length);
    samples.push(...taken);
    const offset = place.offset + taken.length;
    const last = window.at(-1);
    if (offset < ranked.length) return { samples, cursor: writeCursor(hub, { ...place, offset }) };
    if (last === undefined || window.length < WINDOW) return { samples, cursor: undefined };
    place = { after: last, offset: 0 };
    if (samples.length >= size) return { samples, cursor: writeCursor(hub, place) };
  }
}

/** First pages of many indicators by one question, the newest samples of each; fewer when there are fewer. */
export async function newestOfEach(
  { db, range }: Scope,
  ids: readonly string[],
  size: number,
): Promise<{ readonly indicator: string; readonly sample: string }[]> {
  if (ids.length === 0) return [];
  return ask(
    db,
    sql`select i.id::text as indicator, encode(h.sample, 'hex') as sample
      from unnest(${uuids(ids)}) as i (id)
      cross join lateral (
        select sample from assay.holdings
        where indicator = i.id ${between("seen", range)}
        order by seen desc, sample limit ${size}
      ) h`,
  );
}

type Row = { readonly order: string; readonly sample: string };

function windowOf(scope: Scope, hub: Hub, after: Place["after"]): Promise<Row[]> {
  const { db, range } = scope;
  switch (hub.kind) {
    case "indicator": {
      const from =
        after === undefined
          ? sql``
          : sql`and seen <= ${after.order}::timestamptz
              and (seen < ${after.order}::timestamptz or sample > decode(${after.sample}, 'hex'))`;
      return ask(
        db,
        sql`select ${iso("seen")} as order, encode(sample, 'hex') as sample from assay.holdings
          where indicator = ${hub.id} ${between("seen", range)} ${from}
          order by seen desc, assay.holdings.sample limit ${WINDOW}`,
      );
    }
    case "config":
    case "family": {
      const column = sql.raw(hub.kind);
      const id = hub.kind === "config" ? sql`decode(${hub.id}, 'hex')` : sql`${encodeText(hub.id)}`;
      const from = after === undefined ? sql`` : sql`and f.subject > decode(${after.sample}, 'hex')`;
      return ask(
        db,
        sql`select '' as order, encode(f.subject, 'hex') as sample from assay.findings f
          join assay.samples s on s.sha256 = f.subject and s.analysis = f.analysis
          where f.${column} = ${id} ${between("s.first_seen", range)} ${from}
          order by f.subject limit ${WINDOW}`,
      );
    }
    case "cluster": {
      const from =
        after === undefined
          ? sql``
          : sql`and (c.part, c.sample) > (${Number(after.order)}, decode(${after.sample}, 'hex'))`;
      const seen =
        range.since === undefined && range.until === undefined
          ? sql``
          : sql`join assay.samples s on s.sha256 = c.sample ${between("s.first_seen", range)}`;
      return ask(
        db,
        sql`select c.part::text as order, encode(c.sample, 'hex') as sample from assay.cluster_samples c ${seen}
          where c.part = any(${integers(hub.parts)}) ${from}
          order by c.part, c.sample limit ${WINDOW}`,
      );
    }
  }
}

/** Those first that share the most, by weight, with other samples of the corpus; else as they come. */
async function byStrength(
  { db, of, excluded }: Scope,
  samples: readonly string[],
  without: string | undefined,
): Promise<string[]> {
  if (samples.length < 2) return [...samples];
  const rows = await ask<{ sample: string; type: IndicatorType; value: string; samples: number }>(
    db,
    sql`select distinct encode(h.sample, 'hex') as sample, i.type, i.value, i.samples
      from assay.holdings h join assay.indicators i on i.id = h.indicator
      where h.sample = any(${digests(samples)}) and i.linkable and i.samples > 1
        ${without === undefined ? sql`` : sql`and i.id <> ${without}`}`,
  );
  const strength = new Map<string, number>();
  for (const { sample, type, value, samples: n } of rows)
    if (excluded.covers(type, decodeText(value)) === undefined)
      strength.set(sample, (strength.get(sample) ?? 0) + tieWeight(type, n, Math.max(of, n)));
  const place = new Map(samples.map((sample, i) => [sample, i]));
  return [...samples].sort(
    (a, b) =>
      (strength.get(b) ?? 0) - (strength.get(a) ?? 0) || (place.get(a) as number) - (place.get(b) as number),
  );
}

export interface HubCount {
  readonly samples: number;
  readonly atLeast: boolean;
  readonly families: readonly FamilyCount[];
}

/** How many samples a hub has within the time range, by family. */
export async function countHub(scope: Scope, hub: Hub): Promise<HubCount> {
  const { db, range } = scope;
  const isOpen = range.since === undefined && range.until === undefined;
  if (hub.kind === "cluster" && isOpen) {
    const families = await ask<{ family: string; samples: number }>(
      db,
      sql`select f.family, f.samples from assay.cluster_families f
        join assay.cluster_parts p on p.cluster = f.cluster
        where p.part = ${hub.parts[0] ?? 0} and f.samples > 0`,
    );
    return { samples: hub.samples, atLeast: false, families: inOrder(families) };
  }
  const rows = await ask<{ family: string; samples: number }>(
    db,
    sql`select family, count(distinct sample)::integer as samples from (${holders(hub, range)} limit ${MAX_COUNT}) h
      group by grouping sets ((family), ())`,
  );
  const all = rows.find(({ family }) => family === null)?.samples ?? 0;
  const families = inOrder(rows.filter(({ family }) => family !== null));
  if (hub.kind === "indicator" && isOpen) return { samples: hub.samples, atLeast: false, families };
  return { samples: all, atLeast: all >= MAX_COUNT, families };
}

function holders(hub: Hub, range: TimeRange) {
  switch (hub.kind) {
    case "indicator":
      return sql`select sample, family from assay.holdings where indicator = ${hub.id} ${between("seen", range)}`;
    case "cluster":
      return sql`select c.sample, h.family from assay.cluster_samples c
        join assay.holdings h on h.sample = c.sample
        where c.part = any(${integers(hub.parts)}) ${between("h.seen", range)}`;
    default: {
      const id = hub.kind === "config" ? sql`decode(${hub.id}, 'hex')` : sql`${encodeText(hub.id)}`;
      return sql`select f.subject as sample, f.family from assay.findings f
        join assay.samples s on s.sha256 = f.subject and s.analysis = f.analysis
        where f.${sql.raw(hub.kind)} = ${id} ${between("s.first_seen", range)}`;
    }
  }
}

function inOrder(rows: readonly { family: string; samples: number }[]): FamilyCount[] {
  return rows
    .map(({ family, samples }) => ({ family: decodeText(family), samples }))
    .sort((a, b) => b.samples - a.samples || (a.family < b.family ? -1 : 1));
}

/** `column` is ours, never a user's word. */
function between(column: string, { since, until }: TimeRange) {
  const name = sql.raw(column);
  return sql`${since === undefined ? sql`` : sql`and ${name} >= ${since}::timestamptz`}
    ${until === undefined ? sql`` : sql`and ${name} < ${until}::timestamptz`}`;
}

function iso(column: string) {
  return sql`to_char(${sql.raw(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}

/** A longer one is none. */
const MAX_CURSOR = 512;
/** What the windows of each kind of hub are in order by. */
const ORDER: Readonly<Record<Hub["kind"], RegExp>> = {
  indicator: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
  config: /^$/,
  family: /^$/,
  cluster: /^\d{1,9}$/,
};

function writeCursor(hub: Hub, { after, offset }: Place): string {
  const fields = [keyOf("hub", hub.key), after?.order ?? null, after?.sample ?? null, offset];
  return Buffer.from(JSON.stringify(fields)).toString("base64url");
}

function readCursor(text: string, hub: Hub): Place | undefined {
  if (text.length > MAX_CURSOR) return undefined;
  const fields = parsed(Buffer.from(text, "base64url").toString("utf8"));
  if (!Array.isArray(fields) || fields.length !== 4) return undefined;
  const [of, order, sample, offset] = fields as unknown[];
  if (of !== keyOf("hub", hub.key) || typeof offset !== "number") return undefined;
  if (!Number.isInteger(offset) || offset < 0 || offset > WINDOW) return undefined;
  if (order === null && sample === null) return { offset };
  if (typeof order !== "string" || typeof sample !== "string") return undefined;
  if (!ORDER[hub.kind].test(order) || !/^[0-9a-f]{64}$/.test(sample)) return undefined;
  if (order.includes("T") && Number.isNaN(Date.parse(order))) return undefined;
  return { after: { order, sample }, offset };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
