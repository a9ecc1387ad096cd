/**
 * `tsx scripts/reliability.ts [CARRIERS]`: several workers, each on a host of its own, analyse carriers while they are
 * killed, the database is torn down once and one host is cut off. Says whether every sample ended analysed exactly once.
 * docs/reliability.md has the numbers of a run. Needs the bundle (npm run build).
 */
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { sql } from "drizzle-orm";
import { openQueue, type Submission } from "../packages/app/src/jobs/queue.ts";
import { type Corpus, openCorpus } from "../packages/app/src/store/corpus.ts";
import { blobs } from "../packages/app/src/store/schema.ts";
import { startServer, type TestServer } from "../packages/app/src/store/testing/server.ts";
import type { Carrier } from "../packages/carriers/src/carrier.ts";
import { numberedCarrier } from "../packages/carriers/src/many.ts";
import { type Account, accountFor } from "./reliability/account.ts";
import { type Host, makeHosts, NETWORK, SERVER_ADDRESS } from "./reliability/hosts.ts";
import { persist } from "./reliability/persist.ts";

export interface TrialOptions {
  readonly carriers: number;
  readonly hosts: number;
  /** A worker, picked at random, is killed with -9 each so many ms, and another started in its place. */
  readonly killEveryMs: number;
  /** No more than this. */
  readonly maxKills?: number;
  /** How long one host is cut off (ms), once a fifth is done; 0: never. */
  readonly cutMs: number;
  /** Tear the database down once two fifths are done. */
  readonly crash: boolean;
  /** Hosts in network namespaces; otherwise processes of this one, and a cut is a SIGSTOP. */
  readonly namespaces: boolean;
  readonly log?: (text: string) => void;
}

export interface Outcome extends Account {
  readonly seconds: number;
  readonly submitSeconds: number;
  readonly kills: number;
  readonly crashes: number;
  readonly cuts: number;
  /** Longest that a job was held by a worker that was not heard of (s); a heartbeat a little late is part of it. */
  readonly longestSilence: number;
  /** Workers that ended with status 0 on SIGTERM, of those that were asked to. */
  readonly gracefulEnds: string;
}

const CLI = fileURLToPath(new URL("../packages/app/bin/assay.cjs", import.meta.url));
const CHUNK = 500;
const POLL_MS = 250;
/** Random but the same each time. */
const SEED = 0x5eed;

/** Undefined when there is no PostgreSQL. */
export async function trial(options: TrialOptions): Promise<Outcome | undefined> {
  const log = options.log ?? (() => undefined);
  const root = mkdtempSync(join(tmpdir(), "assay-reliability-"));
  const hosts = makeHosts(options.hosts, options.namespaces);
  const server = await startServer(options.namespaces ? { listen: [SERVER_ADDRESS], allow: [NETWORK] } : {});
  try {
    return server === undefined ? undefined : await run(options, root, hosts, server, log);
  } finally {
    for (const host of hosts) host.remove();
    await server?.stop();
    rmSync(root, { recursive: true, force: true });
  }
}

async function run(
  options: TrialOptions,
  root: string,
  hosts: readonly Host[],
  server: TestServer,
  log: (text: string) => void,
): Promise<Outcome> {
  const url = await server.database();
  const corpus = await openCorpus({ folder: root, server: url });
  const queue = await openQueue(corpus);
  const expected = new Map<string, Carrier>();
  const started = performance.now();
  const batch = await submitAll(corpus, queue, options.carriers, expected);
  const submitSeconds = (performance.now() - started) / 1000;
  log(`${expected.size} carriers stored and submitted in ${submitSeconds.toFixed(1)} s`);

  const seen = options.namespaces ? url.replace("127.0.0.1", SERVER_ADDRESS) : url;
  const environment = { ...process.env, DATABASE_URL: seen, ASSAY_CORPUS: root, TMPDIR: root };
  const command = [process.execPath, CLI, "worker", "--jobs", "1"];
  const start = (host: Host) => host.start(command, environment);
  for (const host of hosts) start(host);
  const work = performance.now();
  const random = randomFrom(SEED);
  const disturbed = { kills: 0, crashes: 0, cuts: 0 };
  let spared: Host | undefined;
  let cut: Promise<void> | undefined;
  let ended = false;
  let longestSilence = 0;
  const killing = (async () => {
    while (!ended && disturbed.kills < (options.maxKills ?? Number.POSITIVE_INFINITY)) {
      await sleep(options.killEveryMs);
      const targets = hosts.filter((host) => host !== spared);
      const host = targets[Math.floor(random() * targets.length)];
      if (ended || host === undefined) continue;
      await host.kill();
      disturbed.kills++;
      start(host);
    }
  })();
  for (let told = 0; !ended; ) {
    await sleep(POLL_MS);
    const status = await persist(() => queue.status(batch, { limit: 1 }));
    if (status === undefined) throw new Error("the batch is gone");
    longestSilence = Math.max(longestSilence, await persist(() => silence(corpus)));
    const { done, failed, dead } = status.byState;
    const share = (done + failed + dead) / options.carriers;
    if (Math.floor(share * 10) > told) {
      told = Math.floor(share * 10);
      log(
        `${done} done, ${failed} failed, ${dead} dead; ${disturbed.kills} kills; ${seconds(work).toFixed(0)} s`,
      );
    }
    if (options.cutMs > 0 && cut === undefined && share >= 0.2) {
      const [host] = hosts as readonly [Host];
      spared = host;
      disturbed.cuts++;
      log(`a host is cut off for ${options.cutMs / 1000} s`);
      cut = host.cutOff(options.cutMs).then(() => {
        spared = undefined;
        log("it is back");
      });
    }
    if (options.crash && disturbed.crashes === 0 && share >= 0.4) {
      disturbed.crashes++;
      log("the database is killed and started again");
      await server.crash();
    }
    ended = status.ended && (cut === undefined || spared === undefined);
  }
  const total = seconds(work);
  await killing;
  await cut;
  for (const host of hosts) await host.settle();
  const ends = await Promise.all(hosts.map((host) => host.end()));
  const account = await accountFor(corpus, batch, expected);
  await queue.close();
  await corpus.close();
  const left = readdirSync(root).filter((name) => name.startsWith("assay-worker-")).length;
  log(`${left} folders of killed workers are left for the next to sweep`);
  return {
    ...account,
    ...disturbed,
    seconds: total,
    submitSeconds,
    longestSilence: Number(longestSilence.toFixed(1)),
    gracefulEnds: `${ends.filter((status) => status === 0).length} of ${ends.length}`,
  };
}

async function submitAll(
  corpus: Corpus,
  queue: Awaited<ReturnType<typeof openQueue>>,
  count: number,
  expected: Map<string, Carrier>,
): Promise<string> {
  const id = crypto.randomUUID();
  for (let at = 0; at < count; at += CHUNK) {
    const submissions: Submission[] = [];
    for (let i = at; i < Math.min(at + CHUNK, count); i++) {
      const carrier = numberedCarrier(i);
      const { bytes, name } = carrier;
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      expected.set(sha256, carrier);
      await corpus.blobs?.put(sha256, bytes);
      await corpus.db
        .insert(blobs)
        .values({ sha256, size: bytes.length, storedAt: new Date().toISOString() })
        .onConflictDoNothing();
      submissions.push({ sha256, name, size: bytes.length, priority: "feed" });
    }
    await queue.submit({ id, submissions });
  }
  return id;
}

/** Seconds since the least lively worker that has a job was heard of. */
async function silence({ db }: Corpus): Promise<number> {
  const { rows } = (await db.execute(
    sql`select coalesce(extract(epoch from max(now() - heartbeat_on)), 0)::float8 as s
        from assay_jobs.job where name = 'analyse' and state = 'active'`,
  )) as unknown as { rows: { s: number }[] };
  return rows[0]?.s ?? 0;
}

function seconds(since: number): number {
  return (performance.now() - since) / 1000;
}

/** Mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const carriers = Number(process.argv[2] ?? 5000);
  console.error(`${availableParallelism()} cores, Node ${process.version}`);
  const outcome = await trial({
    ...{ carriers, hosts: 12, killEveryMs: 1000, cutMs: 30_000, crash: true },
    namespaces: !process.argv.includes("--processes"),
    log: (text) => console.error(text),
  });
  if (outcome === undefined) throw new Error("there is no PostgreSQL for this machine");
  console.log(JSON.stringify(outcome, null, 2));
  if (outcome.wrong.length > 0) process.exitCode = 1;
}
