/**
 * `npx tsx bench/memory-passes.ts FILE…`: what each pass over foreign memory costs, in MB/s of processor time: the finder
 * of images, the search for .NET modules that the families share, and each family's extractor on raw windows of 16 MiB.
 * The files are read as they are (libraries, dumps); what is said of them is printed, since there should be nothing.
 */
import { pbkdf2Sync } from "node:crypto";
import { readFileSync } from "node:fs";
import { useNativeSearch } from "../packages/core/src/bytes/index.ts";
import { families } from "../packages/core/src/families/index.ts";
import { openImage } from "../packages/core/src/formats/index.ts";
import { findImages } from "../packages/core/src/formats/pe/find-images.ts";
import { Ledger } from "../packages/core/src/model/index.ts";

const WINDOW = 1 << 24;
const ROUNDS = 5;
const BASE = 0x1000_0000;

// As the app has it.
useNativeSearch((bytes, needle, start) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(needle, start),
);

/** Milliseconds of processor time: other programs on the machine do not count. */
function cpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Adds what `work` takes to a pass. */
function timed<T>(sums: Map<string, number>, pass: string, work: () => T): T {
  const started = cpu();
  const result = work();
  sums.set(pass, (sums.get(pass) ?? 0) + cpu() - started);
  return result;
}

/** One native search for a byte, the yardstick of what the machine does at the moment. */
function search(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(0x0b); at >= 0; at = bytes.indexOf(0x0b, at + 1)) count++;
  return count;
}

function passes(window: Uint8Array, sums: Map<string, number>): string[] {
  const ledger = new Ledger(window);
  const image = openImage(ledger.sample, { layout: "raw", base: BASE });
  timed(sums, "(byte search)", () => search(window));
  timed(sums, "images", () => findImages(ledger.sample, { address: BASE }));
  timed(sums, ".net", () => image.modules);
  return families.flatMap((family) => {
    const extraction = timed(sums, family.id, () =>
      family.extract({
        image,
        rules: [],
        matches: [],
        ledger,
        pbkdf2Sha1: (password, salt, iterations, length) =>
          pbkdf2Sync(password, salt, iterations, length, "sha1"),
      }),
    );
    return extraction.status === "not-found" ? [] : [`${family.id}: ${extraction.status}`];
  });
}

for (const file of process.argv.slice(2)) {
  const bytes = new Uint8Array(readFileSync(file));
  const windows = Math.max(1, Math.floor(bytes.length / WINDOW));
  const best = new Map<string, number>();
  const said = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    const sums = new Map<string, number>();
    for (let i = 0; i < windows; i++)
      for (const line of passes(bytes.slice(i * WINDOW, (i + 1) * WINDOW), sums)) said.add(line);
    for (const [pass, ms] of sums) best.set(pass, Math.min(ms, best.get(pass) ?? Number.POSITIVE_INFINITY));
  }
  const megabytes = Math.min(bytes.length, windows * WINDOW) / 1e6;
  const speed = (ms: number): string => (megabytes / (ms / 1000)).toFixed(0);
  const total = [...best].reduce((sum, [pass, ms]) => sum + (pass.startsWith("(") ? 0 : ms), 0);
  console.log(`${file}: ${megabytes.toFixed(0)} MB in windows of 16 MiB`);
  for (const [pass, ms] of best) console.log(`  ${pass.padEnd(20)} ${speed(ms).padStart(6)} MB/s`);
  console.log(`  ${"all".padEnd(20)} ${speed(total).padStart(6)} MB/s`);
  for (const line of said) console.log(`  says ${line}`);
}
