/**
 * Pivots in a corpus of 50,000 findings, skewed as real ones are: a few hosts that thousands of samples share, and many
 * that one has. `npm run bench:corpus [-- SAMPLES]`; with DATABASE_URL on that server (which should be an empty one).
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseQuery } from "@assay/core/search/query";
import { openCorpus } from "../packages/app/src/store/corpus.ts";
import { pivot } from "../packages/app/src/store/pivot.ts";
import { putBatch } from "../packages/app/src/store/put.ts";
import { search } from "../packages/app/src/store/search.ts";
import { refreshStatistics } from "../packages/app/src/store/statistics.ts";
import { made } from "../packages/app/src/store/testing/samples.ts";

const SAMPLES = Number(process.argv[2] ?? 50_000);
const BATCH = 500;
const ROUNDS = 60;
const LIMITS = { limit: 50, next: 50 };

let state = 29;
/** The same numbers each time. */
function random(): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
}
/** 0 to n - 1, the low ones often: each power of ten is chosen as often as the next. */
const skewed = (n: number) => Math.floor(n ** random()) - 1;

const folder = mkdtempSync(join(tmpdir(), "assay-bench-corpus-"));
const server = process.env.DATABASE_URL;
const corpus = await openCorpus(server === undefined ? { folder } : { folder, server });
try {
  const at = "2026-01-01T00:00:00.000Z";
  const run = { startedAt: at, engine: "bench", families: [] };
  let started = performance.now();
  for (let from = 0; from < SAMPLES; from += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, SAMPLES - from) }, (_, i) =>
      made(`sample-${from + i}`, {
        family: `win.family${skewed(20)}`,
        c2: [`h${skewed(SAMPLES)}.bench.example`, `h${skewed(SAMPLES)}.bench.example`],
        mutex: [`mutex-${skewed(SAMPLES)}`],
      }),
    );
    await putBatch(
      corpus.db,
      run,
      batch.map((sample) => ({ sample, firstAt: at, lastAt: at })),
    );
  }
  await refreshStatistics(corpus.db);
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `${SAMPLES} findings stored in ${seconds.toFixed(1)} s, ${Math.round(SAMPLES / seconds)} a second`,
  );

  const timed = async (what: string, ask: (round: number) => Promise<unknown>) => {
    await ask(0);
    const times: number[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      started = performance.now();
      await ask(round);
      times.push(performance.now() - started);
    }
    times.sort((a, b) => a - b);
    const quantile = (q: number) => (times[Math.floor(q * (times.length - 1))] as number).toFixed(1);
    console.log(`${what}: median ${quantile(0.5)} ms, p95 ${quantile(0.95)} ms, most ${quantile(1)} ms`);
  };
  const hub = await pivot(corpus.db, "h0.bench.example", LIMITS);
  await timed(`pivot on a host of ${hub.total} samples`, () => pivot(corpus.db, "h0.bench.example", LIMITS));
  await timed("pivot on hosts as they come", () =>
    pivot(corpus.db, `h${skewed(SAMPLES)}.bench.example`, LIMITS),
  );
  await timed("pivot on what is not there", (i) => pivot(corpus.db, `none${i}.example`, LIMITS));
  const query = parseQuery("family:family7 c2:h1.bench.example since:2024");
  if (!query.ok) throw new Error(query.error.text);
  await timed("search by family, C2 and date", () => search(corpus.db, query.value, 50));
  await timed("store one more sample", (i) =>
    putBatch(corpus.db, run, [
      {
        sample: made(`more-${i}`, { c2: ["h0.bench.example", `more${i}.example`] }),
        firstAt: at,
        lastAt: at,
      },
    ]),
  );
} finally {
  await corpus.close();
  rmSync(folder, { recursive: true, force: true });
}
