/**
 * What a sample costs from upload to stored result: processor time by part, room in the database and in the blobs.
 * `npx tsx bench/serve.ts [SAMPLES] [JOBS]`, after `npm run build`; Linux, PostgreSQL from the test's server.
 *
 * Samples are the demo's ten carriers with some random bytes behind each, so that each is another file. Processor time
 * counts, not the clock: it holds on a machine that does other things as well.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { startServing } from "../packages/app/src/api/testing/serving.ts";
import { startServer } from "../packages/app/src/store/testing/server.ts";
import { demoBatch } from "../packages/carriers/src/index.ts";

const SAMPLES = Number(process.argv[2] ?? 300);
const JOBS = Number(process.argv[3] ?? 2);
/** Files of one upload, and uploads at once. */
const FILES = 10;
const CLIENTS = 2;
/** sysconf(_SC_CLK_TCK) of Linux. */
const TICKS = 100;

const server = await startServer();
if (server === undefined) throw new Error("no PostgreSQL for this machine");
const folder = mkdtempSync(join(tmpdir(), "assay-bench-serve-"));
const database = await server.database();
const { child, url } = await startServing(folder, { jobs: JOBS, database });
try {
  const carriers = demoBatch();
  // The first samples compile what the others use.
  await finished(url, [
    await upload(
      url,
      carriers.map(({ bytes }) => bytes),
    ),
  ]);
  const before = { cpu: cpu(), room: await room() };
  const started = performance.now();
  const batches: string[] = [];
  let left = SAMPLES;
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      while (left > 0) {
        const n = Math.min(FILES, left);
        left -= n;
        const files = Array.from({ length: n }, (_, i) =>
          Buffer.concat([carriers[i % carriers.length]?.bytes ?? Buffer.alloc(0), randomBytes(16)]),
        );
        batches.push(await upload(url, files));
      }
    }),
  );
  const uploaded = performance.now();
  await finished(url, batches);
  const ended = performance.now();
  const after = { cpu: cpu(), room: await room() };
  const each = (a: number, b: number) => ((b - a) / SAMPLES) * 1000;
  const show = (what: string, value: number, unit: string) =>
    console.log(`${what.padEnd(44)} ${value.toFixed(1)} ${unit}`);
  show("samples", SAMPLES, "");
  show(
    "bytes of a sample, mean",
    carriers.reduce((sum, { bytes }) => sum + bytes.length, 0) / carriers.length,
    "",
  );
  show("accepted", SAMPLES / ((uploaded - started) / 1000), "a second, by the clock, while analyses run");
  show("stored results", SAMPLES / ((ended - started) / 1000), "a second, by the clock");
  show("processor: server and worker", each(before.cpu.main, after.cpu.main), "ms a sample");
  show("processor: analysis", each(before.cpu.analysis, after.cpu.analysis), "ms a sample");
  show("processor: PostgreSQL", each(before.cpu.database, after.cpu.database), "ms a sample");
  show("room: blobs", (after.room.blobs - before.room.blobs) / SAMPLES, "bytes a sample");
  show(
    "room: database, indexes included",
    (after.room.database - before.room.database) / SAMPLES,
    "bytes a sample",
  );
} finally {
  child.kill("SIGTERM");
  await new Promise((resolve) => child.once("exit", resolve));
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function upload(url: string, files: readonly Uint8Array[]): Promise<string> {
  const form = new FormData();
  for (const [i, bytes] of files.entries())
    form.append("file", new Blob([new Uint8Array(bytes)]), `sample${i}`);
  const answer = await fetch(`${url}/api/v1/samples`, { method: "POST", body: form });
  if (answer.status !== 202) throw new Error(await answer.text());
  return ((await answer.json()) as { batch: string }).batch;
}

async function finished(url: string, batches: readonly string[]): Promise<void> {
  for (const batch of batches)
    for (;;) {
      const answer = await fetch(`${url}/api/v1/batches/${batch}?limit=1`);
      if (((await answer.json()) as { ended: boolean }).ended) break;
      await sleep(100);
    }
}

/** Seconds of processor time so far: of the server itself, of its analysis processes, of PostgreSQL's. */
function cpu(): { readonly main: number; readonly analysis: number; readonly database: number } {
  const all = readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? [stat(Number(name))].flat() : []));
  const below = (pid: number): number[] =>
    all.filter(({ parent }) => parent === pid).flatMap((one) => [one.pid, ...below(one.pid)]);
  const own = (pids: readonly number[]) =>
    all.filter(({ pid }) => pids.includes(pid)).reduce((sum, { seconds }) => sum + seconds, 0);
  /** Of children that have ended. */
  const gone = (of: number) => all.find(({ pid }) => pid === of)?.gone ?? 0;
  const postmaster = all.find(
    ({ pid, name, parent }) => name === "postgres" && parent === process.pid && pid > 0,
  );
  return {
    main: own([child.pid ?? 0]),
    analysis: own(below(child.pid ?? 0)) + gone(child.pid ?? 0),
    database:
      postmaster === undefined ? 0 : own([postmaster.pid, ...below(postmaster.pid)]) + gone(postmaster.pid),
  };
}

/** proc(5): fields 4 and 14 to 17, counted behind the name in brackets. */
function stat(pid: number) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const time = (n: number) => (Number(fields[n]) + Number(fields[n + 1])) / TICKS;
    const name = text.slice(text.indexOf("(") + 1, text.lastIndexOf(")"));
    return [{ pid, name, parent: Number(fields[1]), seconds: time(11), gone: time(13) }];
  } catch (error) {
    // It has ended meanwhile.
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return [];
  }
}

async function room(): Promise<{ readonly database: number; readonly blobs: number }> {
  const client = new pg.Client({ connectionString: database });
  await client.connect();
  const { rows } = await client.query<{ database: string; blobs: string }>(
    "select pg_database_size(current_database()) as database",
  );
  await client.end();
  const files = readdirSync(join(folder, "blobs"), { recursive: true, withFileTypes: true });
  const blobs = files
    .filter((file) => file.isFile())
    .reduce((sum, file) => sum + readFileSync(join(file.parentPath, file.name)).length, 0);
  return { database: Number(rows[0]?.database ?? 0), blobs };
}
