/**
 * `npm run fuzz [-- CASES [SEED]]`: every layer and the archive reader under seeded corruption of what they read.
 * A case is one corrupted input through all layers; one in ten goes to the archive reader instead. Prints throws, hangs
 * (cases over two seconds), the slowest case of each reader and how memory went, and fails on any throw or hang.
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { gunzipSync } from "node:zlib";
import { openContainer } from "../packages/app/src/containers/open.ts";
import { demoBatch } from "../packages/carriers/src/demo.ts";
import { dotnetLoader } from "../packages/carriers/src/dotnet-loader.ts";
import {
  wrapBatPs1GzipAes,
  wrapJs,
  wrapLnk,
  wrapPs1Gzip,
  wrapRtf,
  wrapVbs,
} from "../packages/carriers/src/script-wrap.ts";
import { packUpx } from "../packages/carriers/src/upx-pack.ts";
import { withOverlay, withResources } from "../packages/carriers/src/wrap.ts";
import { View } from "../packages/core/src/bytes/index.ts";
import { classify, openImage } from "../packages/core/src/formats/index.ts";
import { Budget, DEFAULT_LIMITS } from "../packages/core/src/layers/budget.ts";
import { containerKind } from "../packages/core/src/layers/container-kind.ts";
import { layers } from "../packages/core/src/layers/index.ts";
import { Ledger } from "../packages/core/src/model/index.ts";

const CASES = Number(process.argv[2] ?? 50_000);
const SEED = Number(process.argv[3] ?? 20240117);
const CONTAINER_EVERY = 10;
const PATIENCE_MS = 2000;
/** Bytes that one case may unpack: enough to matter, little enough for many cases. */
const UNPACKED = 64 * 1024 * 1024;

interface Subject {
  readonly name: string;
  readonly bytes: Uint8Array;
}

function subjects(): Subject[] {
  const [payload] = demoBatch().map((carrier) => carrier.bytes);
  if (payload === undefined) throw new Error("no carrier");
  const wrapped: readonly (readonly [string, Uint8Array])[] = [
    ["overlay.exe", withOverlay(payload, payload)],
    ["resource.exe", withResources(payload)],
    ...(["nrv2b", "nrv2d", "nrv2e", "lzma"] as const).map(
      (method) => [`${method}.exe`, packUpx(payload, { method })] as const,
    ),
    ...(["raw resource", "gzip resource", "AES-CBC, key and IV in .cctor", "costura"] as const).map(
      (way) => [`${way}.exe`, dotnetLoader(way, payload)] as const,
    ),
    ["a.ps1", wrapPs1Gzip(payload)],
    ["a.bat", wrapBatPs1GzipAes(payload)],
    ["a.vbs", wrapVbs(payload)],
    ["a.js", wrapJs(payload)],
    ["a.lnk", wrapLnk("-enc AAAA", payload)],
    ["a.rtf", wrapRtf(payload)],
  ];
  return wrapped.map(([name, bytes]) => ({ name, bytes }));
}

function archives(): Subject[] {
  const folder = fileURLToPath(new URL("../packages/app/src/containers/fixtures/", import.meta.url));
  return readdirSync(folder)
    .filter((name) => !name.endsWith(".sh") && !name.startsWith("bomb"))
    .map((name) => {
      const bytes = readFileSync(folder + name);
      const image = /\.(img|vhd|iso)\.gz$/.test(name);
      return { name, bytes: new Uint8Array(image ? gunzipSync(bytes) : bytes) };
    });
}

/** xorshift32: the same cases for the same seed. */
let state = SEED | 1;
function random(below: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % below;
}

function corrupted(bytes: Uint8Array): Uint8Array {
  const out = Uint8Array.from(bytes);
  const size = out.length;
  for (let i = random(8); i >= 0; i--)
    out[random(random(3) === 0 ? Math.min(size, 0x400) : size)] = random(256);
  if (random(8) === 0) out.fill(random(256), random(size), random(size));
  return random(6) === 0 ? out.subarray(0, random(size)) : out;
}

const slowest = new Map<string, { ms: number; name: string }>();
let [throws, hangs] = [0, 0];

function note(what: string, ms: number, name: string): void {
  const known = slowest.get(what);
  if (known === undefined || ms > known.ms) slowest.set(what, { ms, name });
  if (ms > PATIENCE_MS) {
    hangs++;
    console.error(`SLOW ${what} ${name}: ${ms.toFixed(0)} ms`);
  }
}

function throughLayers(name: string, bytes: Uint8Array): void {
  const ledger = new Ledger(bytes);
  const image = openImage(ledger.sample);
  const format = image.pe === undefined ? classify(ledger.sample) : image.format;
  const budget = new Budget({ ...DEFAULT_LIMITS, bytes: UNPACKED });
  for (const layer of layers) {
    const started = performance.now();
    layer.peel({ image, format, name, ledger, budget });
    note(layer.id, performance.now() - started, name);
  }
}

async function throughReader(name: string, bytes: Uint8Array): Promise<void> {
  const started = performance.now();
  const view = new View(bytes);
  const format = containerKind(view, classify(view)) ?? "data";
  await openContainer({
    bytes,
    format,
    name,
    passwords: ["infected"],
    limits: { bytes: UNPACKED, members: 100 },
  });
  note("archive reader", performance.now() - started, name);
}

/** The heap once all garbage is collected, and resident memory, in MB. */
function held(): string {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  const { heapUsed, rss } = process.memoryUsage();
  return `${(heapUsed / 2 ** 20).toFixed(0)}/${(rss / 2 ** 20).toFixed(0)}`;
}

const programs = subjects();
const packed = archives();
const memory: string[] = [];
for (let i = 0; i < CASES; i++) {
  const pool = i % CONTAINER_EVERY === 0 ? packed : programs;
  const subject = pool[random(pool.length)];
  if (subject === undefined) continue;
  const bytes = corrupted(subject.bytes);
  try {
    if (pool === packed) await throughReader(subject.name, bytes);
    else throughLayers(subject.name, bytes);
  } catch (error) {
    throws++;
    console.error(
      `THROW ${subject.name}, case ${i}, seed ${SEED}: ${error instanceof Error ? error.stack : error}`,
    );
  }
  if (i % Math.max(1, Math.floor(CASES / 5)) === 0) memory.push(held());
}
for (const [what, { ms, name }] of slowest)
  console.error(`${what.padEnd(20)} slowest ${ms.toFixed(0).padStart(5)} ms (${name})`);
console.error(`heap/resident from start to end: ${[...memory, held()].join(", ")} MB`);
console.error(`${CASES} cases, seed ${SEED}: ${throws} threw, ${hangs} took over ${PATIENCE_MS} ms`);
if (throws + hangs > 0) process.exitCode = 1;
