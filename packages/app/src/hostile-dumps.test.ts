/** Dumps made against us, through the real pool with its cap: an outcome with its reason, in time, the batch unharmed. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  allCarriers,
  type DumpRegion,
  mapPe,
  processOf,
  writeCapeDump,
  writeElfCore,
  writeMinidump,
} from "@assay/carriers/index";
import { concatBytes, latin1Bytes } from "@assay/core/bytes/index";
import { families } from "@assay/core/families/index";
import type { Sample } from "@assay/core/model/index";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { triage } from "./batch/triage.ts";

const WORKER = fileURLToPath(new URL("../bin/worker.cjs", import.meta.url));
const MIB = 1024 * 1024;
const PAGE = 0x1000;
const TIMEOUT_MS = 60_000;
const program = allCarriers().find(({ name }) => name === "lumma-l3-two.exe")?.bytes ?? new Uint8Array(0);
const C2 = ["https://alpha-one.top/auyw", "https://bravo.xyz/tekq"];

/** What would mean that the process was lost, or that it found a defect of ours. */
const FATAL = new Set(["timeout", "crashed", "memory", "internal-error"]);

const honest = (): DumpRegion[] => processOf(program, { base: 0x2340000n, headers: "wiped" });

/** A copy with `value` written over `width` bytes at `offset`. */
function patched(file: Uint8Array, offset: number, value: bigint, width: 4 | 8): Uint8Array {
  const copy = file.slice();
  const view = new DataView(copy.buffer);
  if (width === 8) view.setBigUint64(offset, value, true);
  else view.setUint32(offset, Number(value), true);
  return copy;
}

/** Offset in a minidump of a stream of this type. */
function streamAt(file: Uint8Array, type: number): number {
  const view = new DataView(file.buffer, file.byteOffset);
  const [count, directory] = [view.getUint32(8, true), view.getUint32(12, true)];
  for (let i = 0; i < count; i++)
    if (view.getUint32(directory + 12 * i, true) === type)
      return view.getUint32(directory + 12 * i + 8, true);
  throw new Error(`no stream ${type}`);
}

const minidump = writeMinidump(honest(), { pid: 4711 });
const list = streamAt(minidump, 9);

function tiny(count: number): DumpRegion[] {
  return Array.from({ length: count }, (_, i) => ({
    address: 0x10000n + BigInt(i) * 0x100n,
    bytes: latin1Bytes(`https://t.me/a${i % 10}\0`),
  }));
}

/** A header in every page that claims all that follows. */
function headersEverywhere(pages: number): Uint8Array {
  const bytes = new Uint8Array(pages * PAGE);
  const head = mapPe(program).subarray(0, PAGE).slice();
  const view = new DataView(head.buffer);
  view.setUint32(view.getUint32(0x3c, true) + 80, pages * PAGE, true);
  for (let page = 0; page < pages; page++) {
    bytes.set(head, page * PAGE);
    new DataView(bytes.buffer).setUint32(page * PAGE + PAGE - 4, page, true);
  }
  return bytes;
}

function repeated(text: Uint8Array, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let at = 0; at + text.length <= size; at += text.length) bytes.set(text, at);
  return bytes;
}

function claimsTerabyte(): Uint8Array {
  const file = writeMinidump([{ address: 0x10000n, bytes: new Uint8Array(0x3000).fill(7) }]);
  return patched(file, streamAt(file, 9) + 24, 1n << 40n, 8);
}

/** Every family's anchors, again and again. */
function anchorsEverywhere(): Uint8Array {
  const anchors = families.flatMap(({ traces }) => traces?.anchors ?? []);
  const parts = anchors.flatMap((anchor) => [anchor, Uint8Array.of(0)]);
  return repeated(concatBytes(...parts), 16 * MIB);
}

const heap = (bytes: Uint8Array): Uint8Array => writeMinidump([{ address: 0x100000n, bytes }]);

/** Each with what is expected: the config although the dump is odd, or merely an outcome that is not `config`. */
const CASES: Readonly<Record<string, { readonly bytes: () => Uint8Array; readonly holds: boolean }>> = {
  "overlapping.dmp": {
    bytes: () =>
      writeMinidump([
        ...honest(),
        ...honest().map((region) => ({ ...region, address: region.address + 0x800n })),
      ]),
    holds: true,
  },
  "unsorted.dmp": { bytes: () => writeMinidump([...honest()].reverse()), holds: true },
  "wrapping.dmp": {
    bytes: () =>
      writeMinidump([
        { address: 0xffff_ffff_ffff_f000n, bytes: new Uint8Array(0x3000).fill(7) },
        ...honest(),
      ]),
    holds: true,
  },
  "wrapping.core": {
    bytes: () =>
      writeElfCore([...honest(), { address: 0xffff_ffff_ffff_f000n, bytes: new Uint8Array(0x3000).fill(7) }]),
    holds: true,
  },
  "ranges-2-32.dmp": { bytes: () => patched(minidump, list, 0xffff_ffffn, 8), holds: true },
  "ranges-2-64.dmp": { bytes: () => patched(minidump, list, 0xffff_ffff_ffff_ffffn, 8), holds: true },
  "streams-2-32.dmp": { bytes: () => patched(minidump, 8, 0xffff_ffffn, 4), holds: true },
  "directory-outside.dmp": { bytes: () => patched(minidump, 12, 0xffff_fff0n, 4), holds: false },
  "memory-outside.dmp": { bytes: () => patched(minidump, list + 8, 0x7fff_ffff_ffff_0000n, 8), holds: false },
  "truncated.dmp": { bytes: () => minidump.subarray(0, minidump.length - 0x8000), holds: true },
  "truncated.cape": {
    bytes: () => {
      const file = writeCapeDump(honest());
      return file.subarray(0, file.length - 0x8000);
    },
    holds: true,
  },
  "claims-1-tb.dmp": { bytes: claimsTerabyte, holds: false },
  "tiny-regions.dmp": { bytes: () => writeMinidump(tiny(100_000), { memoryInfo: false }), holds: false },
  "headers.dmp": { bytes: () => heap(headersEverywhere(2048)), holds: false },
  "headers.core": {
    bytes: () => writeElfCore([{ address: 0x100000n, bytes: headersEverywhere(2048) }]),
    holds: false,
  },
  "anchors.dmp": { bytes: () => heap(anchorsEverywhere()), holds: false },
  "honest.dmp": { bytes: () => minidump, holds: true },
};

let folder = "";
const samples = new Map<string, Sample>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "assay-hostile-"));
  for (const [name, { bytes }] of Object.entries(CASES)) writeFileSync(join(folder, name), bytes());
  const report = await triage([folder], { jobs: 2, timeoutMs: TIMEOUT_MS, analysis: {}, worker: WORKER });
  for (const sample of report.samples) samples.set((sample.names[0] ?? "").split("/").at(-1) ?? "", sample);
}, 600_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a dump made against us", () => {
  it.each(Object.entries(CASES))("%s has an outcome, in time, and no false config", (name, { holds }) => {
    const sample = samples.get(name);
    expect(sample?.reasons.filter(({ code }) => FATAL.has(code))).toEqual([]);
    if (holds) expect(sample?.findings.map(({ c2 }) => c2)).toEqual([C2]);
    else expect(sample?.outcome).not.toBe("config");
  });

  it.each([
    ["overlapping.dmp", /lie over others/],
    ["wrapping.dmp", /beyond the last address/],
    ["wrapping.core", /beyond the last address/],
    ["ranges-2-32.dmp", /4294967295/],
    ["ranges-2-64.dmp", /counts 1844674407370955\d+ entries/],
    ["streams-2-32.dmp", /4294967295/],
    ["directory-outside.dmp", /cannot be read.*Directory/],
    ["memory-outside.dmp", /cut short|no memory/],
    ["truncated.dmp", /not wholly in the file|cut short/],
    ["truncated.cape", /not wholly in the file|cut short/],
    ["claims-1-tb.dmp", /cut short/],
    ["headers.dmp", /images/],
  ])("%s says what is odd", (name, words) => {
    expect(
      samples
        .get(name)
        ?.reasons.map(({ text }) => text)
        .join("; "),
    ).toMatch(words);
  });
});
