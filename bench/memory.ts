/**
 * `npm run bench -- memory [MIB…] [--raw MIB…]`: whole analyses of memory images on one core, and what each pass
 * costs. The images are made on disk, under $TMPDIR. Processor time beside wall time: on a busy machine only the
 * former says anything.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { allCarriers, mapPe, processOf } from "../packages/carriers/src/index.ts";
import { writeMinidumpTo, writeRawTo } from "./memory-image.ts";

const MIB = 1024 * 1024;
const MINIDUMPS = [512];
const RAWS = [64, 256, 1024, 4096];
const CARRIER = "lumma-l3-two.exe";

interface Cost {
  readonly cpu: number;
  readonly wall: number;
}

function row(...cells: readonly string[]): void {
  const [name = "", ...rest] = cells;
  console.error(name.padEnd(34) + rest.map((cell) => cell.padStart(14)).join(""));
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
const speed = (bytes: number, ms: number): string => `${(bytes / 1e3 / Math.max(ms, 0.01)).toFixed(0)} MB/s`;

/** The child as one file, since compiling it on the way would count as its time and memory. */
async function bundled(): Promise<string> {
  const folder = fileURLToPath(new URL("../node_modules/.cache/assay-bench/", import.meta.url));
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, "memory-child.mjs");
  await build({
    entryPoints: [fileURLToPath(new URL("memory-child.ts", import.meta.url))],
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20.19",
    outfile,
    logLevel: "warning",
    external: ["@litko/yara-x", "@virustotal/yara-x", "7z-wasm"],
    banner: {
      js: 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);',
    },
  });
  return outfile;
}

function onOneCore(child: string, ...args: readonly string[]): Record<string, never> {
  const pinned = process.platform === "linux" ? ["taskset", "-c", "0"] : [];
  const [command = "", ...rest] = [...pinned, process.execPath, child, ...args];
  const ran = spawnSync(command, rest, { encoding: "utf8", maxBuffer: 64 * MIB });
  if (ran.status !== 0) throw new Error(`${args.join(" ")}: ${ran.stderr}`);
  return JSON.parse(ran.stdout) as Record<string, never>;
}

function whole(child: string, path: string, label: string, form: string): void {
  const { size } = statSync(path);
  const result = onOneCore(child, "total", path, form) as unknown as Cost & {
    rss: number;
    outcome: string;
    found: string[];
  };
  row(
    label,
    seconds(result.cpu),
    seconds(result.wall),
    speed(size, result.cpu),
    `${result.rss.toFixed(0)} MB`,
    `  ${result.outcome} ${result.found.join(", ")}`,
  );
}

function passes(child: string, path: string, form: string): void {
  const { size } = statSync(path);
  const { costs, spent, analysis, data } = onOneCore(child, "passes", path, form) as unknown as {
    costs: Record<string, Cost>;
    spent: Record<string, number>;
    analysis: Cost;
    data: number;
  };
  row("pass, each alone over the file", "cpu", "wall", "of cpu");
  for (const [name, { cpu, wall }] of Object.entries(costs))
    row(`  ${name}`, seconds(cpu), seconds(wall), speed(size, cpu));
  row("within the analysis, wall time");
  for (const [name, ms] of Object.entries(spent)) row(`  ${name}`, "", seconds(ms), speed(size, ms));
  row("  all, without SHA-256", seconds(analysis.cpu), seconds(analysis.wall), speed(size, analysis.cpu));
  row("  data among it", `${((100 * data) / size).toFixed(0)} %`);
}

/** Sizes in MiB behind a flag, or where the flag is not given those of the house. */
function sizes(args: readonly string[], isRaw: boolean, usual: readonly number[]): readonly number[] {
  const at = args.indexOf("--raw");
  const own = (
    isRaw ? args.slice(at < 0 ? args.length : at + 1) : args.slice(0, at < 0 ? undefined : at)
  ).map(Number);
  return args.length === 0 ? usual : own;
}

/** Runs it all; `args` are sizes. */
export async function benchMemory(args: readonly string[]): Promise<void> {
  const child = await bundled();
  const folder = mkdtempSync(join(tmpdir(), "assay-bench-"));
  const path = join(folder, "dump");
  const program = allCarriers().find(({ name }) => name === CARRIER);
  if (program === undefined) throw new Error(`no carrier ${CARRIER}`);
  console.error(`load ${loadavg()[0]?.toFixed(1)}`);
  row("one core", "cpu", "wall", "of cpu", "peak RSS", "  outcome");
  try {
    for (const size of sizes(args, false, MINIDUMPS)) {
      const regions = processOf(program.bytes, { base: 0x2340000n, headers: "wiped" });
      writeMinidumpTo(path, size * MIB, regions);
      whole(child, path, `minidump, ${size} MiB`, "");
      passes(child, path, "");
    }
    for (const size of sizes(args, true, RAWS)) {
      writeRawTo(path, size * MIB, mapPe(program.bytes));
      whole(child, path, `raw memory, ${size} MiB`, "raw");
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
