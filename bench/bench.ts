/**
 * `npm run bench [-- --samples DIR]` (`npm run bench -- memory` is bench/memory.ts): warm time and throughput per family in one process, whole-process times of the
 * command, and peak memory. Medians of many runs; nothing here is a test.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Bench } from "tinybench";
import { createAnalyser, createPorts } from "../packages/app/src/analyser.ts";
import { triage } from "../packages/app/src/batch/triage.ts";
import { allCarriers, demoBatch } from "../packages/carriers/src/index.ts";
import { families } from "../packages/core/src/families/index.ts";
import { openImage } from "../packages/core/src/formats/index.ts";
import { Ledger } from "../packages/core/src/model/index.ts";

const WHOLE_PROCESS_RUNS = 9;
const BATCH_ROUNDS = 12;
const bin = fileURLToPath(new URL("../packages/app/bin/assay.cjs", import.meta.url));
/** Of the bundle: run from its sources, the pool does not find it by itself. */
const worker = fileURLToPath(new URL("../packages/app/bin/worker.cjs", import.meta.url));
const samplesFlag = process.argv.indexOf("--samples");
const folder = samplesFlag < 0 ? undefined : process.argv[samplesFlag + 1];

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function row(...cells: readonly (string | number)[]): void {
  const [name = "", ...rest] = cells.map((cell) => (typeof cell === "number" ? cell.toFixed(2) : cell));
  console.error(name.padEnd(58) + rest.map((cell) => cell.padStart(12)).join(""));
}

interface Subject {
  readonly name: string;
  readonly bytes: Uint8Array;
}

if (process.argv[2] === "memory") {
  const { benchMemory } = await import("./memory.ts");
  await benchMemory(process.argv.slice(3));
  process.exit();
}

const ports = await createPorts();
const analyser = await createAnalyser();

/** The family's own extraction, from bytes to finding, as a Python parser's extract_config does it. */
async function extraction(subjects: readonly Subject[]): Promise<void> {
  row("warm, one process: bytes → config", "ms", "MB/s", "analyse ms");
  for (const { name, bytes } of subjects) {
    const found = (await analyser.analyseBytes(bytes, name)).findings[0];
    const family = families.find((candidate) => candidate.id === found?.family);
    if (found === undefined || family === undefined) continue;
    const bench = new Bench({ time: 400, warmupTime: 200 });
    bench.add("extract", () => {
      const ledger = new Ledger(bytes);
      family.extract({
        image: openImage(ledger.sample),
        rules: [],
        matches: [],
        ledger,
        pbkdf2Sha1: ports.pbkdf2Sha1,
      });
    });
    bench.add("analyse", async () => {
      await analyser.analyseBytes(bytes, name);
    });
    await bench.run();
    const [extract = 0, analyse = 0] = bench.tasks.map((task) =>
      "latency" in task.result ? task.result.latency.p50 : 0,
    );
    row(
      `${name} ${found.family} ${found.layout}`.slice(0, 57),
      extract,
      bytes.length / 1e3 / extract,
      analyse,
    );
  }
}

/** Every family over every file, hashing and rules included, without the process pool. */
async function inProcess(subjects: readonly Subject[]): Promise<void> {
  const megabytes = subjects.reduce((sum, { bytes }) => sum + bytes.length, 0) / 1e6;
  const rounds: number[] = [];
  for (let round = 0; round < BATCH_ROUNDS; round++) {
    const started = performance.now();
    for (const { name, bytes } of subjects) await analyser.analyseBytes(bytes, name);
    rounds.push(performance.now() - started);
  }
  const ms = median(rounds);
  row(
    `${subjects.length} files, ${megabytes.toFixed(1)} MB, one process, warm`,
    `${ms.toFixed(0)} ms`,
    `${(megabytes / (ms / 1e3)).toFixed(0)} MB/s`,
    `${(subjects.length / (ms / 1e3)).toFixed(0)} /s`,
  );
}

/** A pool kept over many rounds of the same folder: what a server or a long batch sees. */
async function warmPool(path: string, files: number): Promise<void> {
  const options = { timeoutMs: 60_000, analysis: {}, worker };
  for (const jobs of [1, availableParallelism()]) {
    const stamps: number[] = [];
    let seen = 0;
    await triage(copies(path, BATCH_ROUNDS), {
      ...options,
      jobs,
      onProgress: () => {
        seen++;
        if (seen % files === 0) stamps.push(performance.now());
      },
    });
    const gaps = stamps.slice(1).map((stamp, index) => stamp - (stamps[index] ?? stamp));
    row(
      `triage, pool of ${jobs}, warm`,
      `${median(gaps).toFixed(0)} ms`,
      "",
      `${(files / (median(gaps) / 1e3)).toFixed(0)} /s`,
    );
  }
}

/** The folder's files, many times over: as files, since a folder met twice counts as a loop. */
function copies(path: string, count: number): string[] {
  return Array.from({ length: count }, () => readdirSync(path).map((name) => join(path, name))).flat();
}

function wholeProcess(label: string, args: readonly string[]): void {
  const times: number[] = [];
  for (let i = 0; i < WHOLE_PROCESS_RUNS; i++) {
    const started = performance.now();
    spawnSync(process.execPath, [bin, ...args], { stdio: "ignore" });
    times.push(performance.now() - started);
  }
  const timed = spawnSync("/usr/bin/time", ["-f", "%M", process.execPath, bin, ...args], {
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
  });
  const rss =
    timed.error === undefined
      ? `${(Number(timed.stderr.trim().split("\n").at(-1)) / 1024).toFixed(0)} MB`
      : "no time(1)";
  row(label, `${median(times).toFixed(0)} ms`, "", rss);
}

const demoFolder = mkdtempSync(join(tmpdir(), "assay-bench-"));
try {
  for (const carrier of demoBatch()) writeFileSync(join(demoFolder, carrier.name), carrier.bytes);
  const carriers = allCarriers();
  await extraction(carriers);
  if (folder !== undefined) {
    const samples = readdirSync(folder).map(
      (name): Subject => ({ name: name.slice(0, 12), bytes: readFileSync(join(folder, name)) }),
    );
    console.error("");
    await extraction(samples);
    console.error("");
    await inProcess(samples);
    await warmPool(folder, samples.length);
  }
  console.error("");
  row("whole process", "median", "", "peak RSS");
  const first = join(demoFolder, demoBatch()[0]?.name ?? "");
  wholeProcess("assay extract, a carrier", ["extract", first]);
  wholeProcess("assay triage, the demo's ten", ["triage", demoFolder]);
  if (folder !== undefined) {
    wholeProcess("assay triage, all samples", ["triage", folder]);
    for (const name of readdirSync(folder)) {
      if ((await analyser.analyseBytes(readFileSync(join(folder, name)), name)).findings.length > 0)
        wholeProcess(`assay extract ${name.slice(0, 12)}`, ["extract", join(folder, name)]);
    }
  }
  row("this process", "", "", `${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB`);
} finally {
  rmSync(demoFolder, { recursive: true, force: true });
}
