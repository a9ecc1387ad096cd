/**
 * Exports of a hundred thousand samples, made as they are asked for, so that what is measured is the export's own memory:
 * `npm run bench:export [-- SAMPLES [FORM…]]`. Each form in a process of its own; its text is thrown away.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findForm } from "@assay/core/export/registry";
import { buildSync } from "esbuild";
import { keepHeapLean } from "../packages/app/src/exchange/lean-heap.ts";
import { made } from "../packages/app/src/store/testing/samples.ts";

const FORMS = [
  "stix",
  "misp",
  "csv",
  "edl-ip",
  "edl-domain",
  "edl-url",
  "hosts",
  "rpz",
  "suricata",
  "sigma",
  "maco",
];
const [count = "100000", ...wanted] = process.argv.slice(2);
const SAMPLES = Number(count);

if (process.env.ASSAY_BENCH_FORM === undefined) {
  console.log(`${SAMPLES} samples, two C2s and a mutex each, skewed as real ones are`);
  // As the command runs: bundled, without the loader of TypeScript in its memory.
  const folder = mkdtempSync(join(tmpdir(), "assay-bench-"));
  try {
    const outfile = join(folder, "bench.mjs");
    const entryPoints = [fileURLToPath(import.meta.url)];
    buildSync({ entryPoints, outfile, bundle: true, platform: "node", format: "esm", external: ["esbuild"] });
    // The bundle's one import that is no part of Node.
    symlinkSync(fileURLToPath(new URL("../node_modules", import.meta.url)), join(folder, "node_modules"));
    for (const form of wanted.length > 0 ? wanted : FORMS)
      spawnSync(process.execPath, [outfile, count], {
        stdio: "inherit",
        env: { ...process.env, ASSAY_BENCH_FORM: form },
      });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
} else measure(process.env.ASSAY_BENCH_FORM);

/** The same samples each time; the low numbers often: each power of ten is chosen as often as the next. */
function* samples() {
  let state = 29;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const skewed = (n: number) => Math.floor(n ** random()) - 1;
  for (let i = 0; i < SAMPLES; i++) {
    const n = skewed(SAMPLES);
    yield made(`sample-${i}`, {
      family: `win.family${skewed(20)}`,
      c2: [
        `h${skewed(SAMPLES)}.bench-example.com:443`,
        `${60 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}.9:4782`,
      ],
      mutex: [`mutex-${skewed(SAMPLES)}`],
    });
  }
}

function measure(id: string): void {
  const open = findForm(id)?.open;
  if (open === undefined) throw new Error(`${id} is no form that streams`);
  const head = {
    engine: { name: "assay" as const, version: "bench", families: [] },
    startedAt: "2026-06-01T00:00:00Z",
  };
  let peak = 0;
  let characters = 0;
  let objects = 0;
  const take = (chunks: Iterable<string>) => {
    for (const chunk of chunks) {
      characters += chunk.length;
      if (chunk.includes('"spec_version"')) objects++;
    }
  };
  const cpu = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  };
  const pass = (work: (sample: ReturnType<typeof made>) => void) => {
    let n = 0;
    for (const sample of samples()) {
      work(sample);
      if (++n % 1000 === 0) peak = Math.max(peak, process.memoryUsage().rss);
    }
  };
  // What making the samples costs is taken off.
  let from = cpu();
  pass(() => undefined);
  const making = cpu() - from;
  const idle = peak;
  // As the command does for so many.
  keepHeapLean();
  const conversion = open(head, { tlp: "amber" });
  const { learn, write } = conversion;
  from = cpu();
  if (learn !== undefined) pass(learn);
  take(conversion.begin({ relations: [], clusters: [] }));
  if (write !== undefined) pass((sample) => take(write(sample)));
  take(conversion.end());
  peak = Math.max(peak, process.resourceUsage().maxRSS * 1024);
  const passes = Number(learn !== undefined) + Number(write !== undefined);
  const seconds = cpu() - from - passes * making;
  const rate =
    objects === 0
      ? `${Math.round(SAMPLES / seconds)} samples/s`
      : `${objects} objects, ${Math.round(objects / seconds)}/s`;
  console.log(
    `${id.padEnd(10)} ${seconds.toFixed(1).padStart(6)} s of CPU  ${rate}  ${(characters / 1e6).toFixed(0)} MB out  RSS ${Math.round(peak / 1e6)} MB (${Math.round(idle / 1e6)} before)`,
  );
}
