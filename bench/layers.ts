/**
 * `npm run bench:layers`: what layers and isolation cost. Triage of 200 carriers in containers as a whole process; what the
 * pool adds to a sample; the memory of an analysis process at rest. Nothing here is a test.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import sevenZip from "7z-wasm";
import { createAnalyser } from "../packages/app/src/analyser.ts";
import { Pool } from "../packages/app/src/pool/pool.ts";
import type { Carrier } from "../packages/carriers/src/carrier.ts";
import { demoBatch } from "../packages/carriers/src/demo.ts";
import { dotnetLoader } from "../packages/carriers/src/dotnet-loader.ts";
import { writeIso } from "../packages/carriers/src/iso-writer.ts";
import { quasarClient } from "../packages/carriers/src/quasar.ts";
import { wrapBatPs1GzipAes, wrapPs1Base64 } from "../packages/carriers/src/script-wrap.ts";
import { tar } from "../packages/carriers/src/traps/bombs.ts";
import { deflated, writeZip } from "../packages/carriers/src/traps/zip-writer.ts";
import { packUpx } from "../packages/carriers/src/upx-pack.ts";
import { withOverlay, withResources } from "../packages/carriers/src/wrap.ts";
import type { Report } from "../packages/core/src/model/index.ts";

const SAMPLES = 200;
const RUNS = 5;
const POOL_ROUNDS = 200;
const SIZE = 100 * 1024;
const bin = fileURLToPath(new URL("../packages/app/bin/assay.cjs", import.meta.url));
const worker = fileURLToPath(new URL("../packages/app/bin/worker.cjs", import.meta.url));
const hello = readFileSync(
  fileURLToPath(new URL("../packages/core/src/formats/pe/fixtures/hello32.exe", import.meta.url)),
);

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function row(name: string, ...cells: readonly string[]): void {
  console.error(name.padEnd(58) + cells.map((cell) => cell.padStart(14)).join(""));
}

async function pack(content: Uint8Array, archive: string, ...flags: string[]): Promise<Uint8Array> {
  const zip = await sevenZip({ print: () => undefined, printErr: () => undefined });
  zip.FS.writeFile("a.exe", content);
  zip.callMain(["a", "-bd", "-y", ...flags, archive, "a.exe"]);
  return zip.FS.readFile(archive);
}

type Wrap = (content: Uint8Array) => Uint8Array | Promise<Uint8Array>;

const WRAPS: readonly (readonly [ending: string, wrap: Wrap])[] = [
  ["zip", (content) => writeZip([deflated("a.exe", content)])],
  ["zip", (content) => pack(content, "a.zip", "-tzip", "-pinfected")],
  ["zip", (content) => pack(content, "a.zip", "-tzip", "-mem=AES256", "-pinfected")],
  ["7z", (content) => pack(content, "a.7z")],
  ["7z", (content) => pack(content, "a.7z", "-mhe=on", "-pinfected")],
  ["tgz", (content) => new Uint8Array(gzipSync(tar([{ name: "a.exe", content }])))],
  ["iso", (content) => writeIso([{ name: "A.EXE", content }])],
  ["wim", (content) => pack(content, "a.wim", "-twim")],
  ["exe", (content) => packUpx(content, { method: "nrv2e" })],
  ["exe", (content) => packUpx(content, { method: "lzma" })],
  ["exe", (content) => withOverlay(hello, content)],
  ["exe", (content) => withResources(new Uint8Array(gzipSync(content)))],
  ["exe", (content) => dotnetLoader("AES-CBC, key and IV in .cctor", content)],
  ["ps1", wrapPs1Base64],
  ["bat", (content) => wrapBatPs1GzipAes(content)],
];

/** A carrier whose bytes no other one has: another time stamp, and for Quasar another key, which costs a derivation. */
function variant({ bytes, family }: Carrier, turn: number): Uint8Array {
  if (family === "win.quasar_rat")
    return quasarClient({ layout: "1.4", hosts: `c2-${turn}.example:4782;`, encryptionKey: `key ${turn}` });
  const own = Uint8Array.from(bytes);
  const view = new DataView(own.buffer);
  view.setUint32(view.getUint32(0x3c, true) + 8, 0x6000_0000 + turn * 86_400, true);
  return own;
}

async function writeBatch(folder: string): Promise<void> {
  mkdirSync(folder);
  const carriers = demoBatch();
  for (let i = 0; i < SAMPLES; i++) {
    const [ending, wrap] = WRAPS[i % WRAPS.length] ?? ["", (content: Uint8Array) => content];
    const carrier = carriers[(i * 7) % carriers.length];
    if (carrier === undefined) continue;
    writeFileSync(join(folder, `${i}.${ending}`), await wrap(variant(carrier, i)));
  }
}

function wholeBatch(folder: string): void {
  const times: number[] = [];
  let found = 0;
  for (let i = 0; i < RUNS; i++) {
    const started = performance.now();
    const run = spawnSync(process.execPath, [bin, "triage", folder, "--json"], {
      encoding: "utf8",
      maxBuffer: 1 << 28,
    });
    times.push(performance.now() - started);
    found = (JSON.parse(run.stdout) as Report).samples.filter((sample) => sample.findings.length > 0).length;
  }
  const ms = median(times);
  const timed = spawnSync(
    "/usr/bin/time",
    ["-f", "%U %S", process.execPath, bin, "triage", folder, "--json"],
    {
      stdio: ["ignore", "ignore", "pipe"],
      encoding: "utf8",
    },
  );
  const [user, system] = timed.error ? [] : (timed.stderr.trim().split("\n").at(-1) ?? "").split(" ");
  // What a busy machine does not stretch: processor time of all processes.
  const cpu = user === undefined ? "no time(1)" : `${(Number(user) + Number(system)).toFixed(1)} s CPU`;
  row(
    `triage, ${SAMPLES} carriers in containers, whole process`,
    `${ms.toFixed(0)} ms`,
    `${(SAMPLES / (ms / 1e3)).toFixed(0)} /s`,
    `${found} configs`,
    cpu,
  );
}

/** Resident memory of this process's children, in MB; empty where there is no /proc. */
function children(): number[] {
  const read = (path: string): string => {
    try {
      return readFileSync(path, "latin1");
    } catch {
      return "";
    }
  };
  return read(`/proc/self/task/${process.pid}/children`)
    .split(" ")
    .filter(Boolean)
    .map((pid) => Number(/^VmRSS:\s*(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / 1024);
}

const rest = (): string => {
  const sizes = children();
  return sizes.length === 0 ? "no /proc" : `${Math.max(...sizes).toFixed(0)} MB`;
};

/** The same file through a warm pool and in this process, turn and turn about: what the pool adds. */
async function overhead(folder: string, batch: string): Promise<void> {
  const path = join(folder, "sample.exe");
  const bytes = new Uint8Array(SIZE);
  for (let i = 0, state = 1; i < SIZE; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  bytes.set(hello);
  writeFileSync(path, bytes);
  const buffer = Buffer.from(path);
  const analyser = await createAnalyser();
  const pool = new Pool({ size: 1, timeoutMs: 60_000, readable: [folder], analysis: {}, worker });
  try {
    const through: number[] = [];
    const within: number[] = [];
    for (let i = 0; i < POOL_ROUNDS; i++) {
      let started = performance.now();
      await pool.run(buffer, path);
      through.push(performance.now() - started);
      if (i === 0) row("an analysis process after its first sample", rest());
      started = performance.now();
      await analyser.analyseFile(buffer, path);
      within.push(performance.now() - started);
    }
    const [pooled, own] = [median(through.slice(POOL_ROUNDS / 2)), median(within.slice(POOL_ROUNDS / 2))];
    row(
      "a warm sample of 100 KB: pool, in process, the pool's own",
      `${pooled.toFixed(2)} ms`,
      `${own.toFixed(2)} ms`,
      `${(pooled - own).toFixed(2)} ms`,
    );
    row(`an analysis process at rest after ${POOL_ROUNDS} samples`, rest());
    const jobs = Array.from({ length: SAMPLES }, (_, i) => {
      const [ending] = WRAPS[i % WRAPS.length] ?? [""];
      const name = join(batch, `${i}.${ending}`);
      return pool.run(Buffer.from(name), name);
    });
    await Promise.all(jobs);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    row(`an analysis process at rest after ${SAMPLES} containers`, rest());
  } finally {
    pool.close();
  }
}

const folder = mkdtempSync(join(tmpdir(), "assay-bench-"));
try {
  const batch = join(folder, "batch");
  await writeBatch(batch);
  const load = (): string =>
    loadavg()
      .map((one) => one.toFixed(1))
      .join(" ");
  row(`${availableParallelism()} cores, load average before`, load());
  wholeBatch(batch);
  await overhead(folder, batch);
  row("load average after", load());
} finally {
  rmSync(folder, { recursive: true, force: true });
}
