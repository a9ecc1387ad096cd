/** A config that lies across two windows or two adjoining regions is found, once; one config in many places folds. */

import { HeapWriter } from "@assay/carriers/heap-writer";
import { allCarriers, type DumpRegion, mapPe, writeMinidump } from "@assay/carriers/index";
import { remcosBlob } from "@assay/carriers/remcos";
import { rc4 } from "@assay/core/codecs/index";
import { openMemory } from "@assay/core/formats/memory/index";
import type { Sample } from "@assay/core/model/index";
import { analyse } from "@assay/core/triage/analyse";
import { analyseMemory } from "@assay/core/triage/memory/analyse-memory";
import { WINDOW } from "@assay/core/triage/memory/windows";
import { describe, expect, it } from "vitest";
import { createPorts, kit } from "./analyser.ts";

const ports = await createPorts();
const BASE = 0x10000000n;
const PAGE = 0x1000;
/** Bytes behind the window's edge, and of those before it that are not zero. */
const TAIL = 1024 * 1024;

async function search(regions: readonly DumpRegion[]): Promise<Sample> {
  const dump = writeMinidump(regions);
  const image = openMemory({
    size: dump.length,
    read: (offset, length) => dump.subarray(offset, offset + length),
  });
  if (!image.ok) throw new Error(image.error.code);
  return analyseMemory(image.value, { sha256: "", size: dump.length, names: ["dump"] }, kit, ports);
}

/** Headers gone, laid out as the loader does: nothing but the families' own search finds it. */
function headerless(file: Uint8Array, at: bigint): Uint8Array {
  const image = mapPe(file, at);
  return image.fill(0, 0, PAGE);
}

function heapOf(...blocks: readonly (string | Uint8Array)[]): Uint8Array {
  const heap = new HeapWriter({ pointerSize: 8 }).blocks(4);
  for (const block of blocks) {
    if (typeof block === "string") heap.cString(block);
    else heap.block(block);
  }
  return heap.blocks(4).bytes();
}

function remcosPlain(): Uint8Array {
  const blob = remcosBlob({ layout: "R3", c2s: [{ host: "first.example", port: 2404, tls: true }] });
  const start = 1 + (blob[0] as number);
  return rc4(blob.subarray(1, start), blob.subarray(start));
}

const VIDAR = [
  "MachineID: ",
  "Work Dir: In memory",
  "[Hardware]",
  "[Software]",
  "build_id",
  "file_data",
  "http://203.0.113.44:80",
  "https://steamcommunity.com/profiles/76561199000000001",
  "7f9a3c51e8b24d60a1c2d3e4f5061728",
  "13.2",
];

/** One of each family's raw forms, and the plain ones: bytes for an address, and where in them the config's middle is. */
const NAMES = [
  "lumma-l3-two.exe",
  "lumma-l2.exe",
  "lumma-l1-many.exe",
  "quasar-1.4.exe",
  "quasar-1.3.exe",
  "redline-arguments.exe",
  "redline-entrypoint.exe",
  "remcos-4.9.3.exe",
  "remcos-1.7.exe",
  "vidar-vf.exe",
  "vidar-ve.exe",
  "vidar-va.exe",
];
const IMAGES = allCarriers().filter(({ name }) => NAMES.includes(name));

/** Where the content is cut: at pages where it is an image, which no loader places elsewhere. */
const cutsOf = (length: number, grain: number): number[] =>
  [1 / 3, 1 / 2, 2 / 3].map((part) => Math.max(grain, Math.floor((length * part) / grain) * grain));

/** Memory in which the byte `cut` of the content is the first of a window. */
function acrossWindows(make: (at: bigint) => Uint8Array, cut: number): DumpRegion[] {
  const start = WINDOW - cut;
  const bytes = new Uint8Array(WINDOW + TAIL);
  // Something in front of it, so that its window does not begin with it.
  for (let at = WINDOW - TAIL; at < start; at += 8) bytes[at] = 1 + (at >> 12);
  bytes.set(make(BASE + BigInt(start)), start);
  return [{ address: BASE, bytes, protection: "rw-" }];
}

/** The same in two regions that touch. */
function acrossRegions(make: (at: bigint) => Uint8Array, cut: number): DumpRegion[] {
  const bytes = new Uint8Array(TAIL);
  const edge = TAIL / 2;
  bytes.set(make(BASE + BigInt(edge - cut)), edge - cut);
  return [
    { address: BASE, bytes: bytes.subarray(0, edge), protection: "rw-" },
    { address: BASE + BigInt(edge), bytes: bytes.subarray(edge), protection: "rwx" },
  ];
}

describe.each(IMAGES)("$name without headers", ({ bytes, name }) => {
  it("is found once across two windows and across two regions", async () => {
    const [fromFile] = (await analyse(bytes, [name], kit, ports)).findings;
    const make = (at: bigint): Uint8Array => headerless(bytes, at);
    for (const cut of cutsOf(make(BASE).length, PAGE))
      for (const place of [acrossWindows, acrossRegions]) {
        const { findings } = await search(place(make, cut));
        expect([place.name, cut, findings.map(({ c2 }) => c2)]).toEqual([place.name, cut, [fromFile?.c2]]);
        expect(findings[0]?.also).toBeUndefined();
      }
  });
});

describe.each([
  ["Remcos's block", heapOf(remcosPlain()), ["tcp://first.example:2404"]],
  ["Vidar's strings", heapOf(...VIDAR), ["http://203.0.113.44:80"]],
])("%s on the heap", (_, bytes, c2) => {
  it("are found once across two windows and across two regions", async () => {
    for (const cut of cutsOf(bytes.length, 16))
      for (const place of [acrossWindows, acrossRegions]) {
        const { findings } = await search(place(() => bytes, cut));
        expect([place.name, cut, findings.map((finding) => finding.c2)]).toEqual([place.name, cut, [c2]]);
        expect(findings[0]?.also).toBeUndefined();
      }
  });
});

describe("one config in many places", () => {
  it("is one finding with its other places", async () => {
    const heap = heapOf(...VIDAR);
    const regions = Array.from({ length: 5 }, (_, i) => ({
      address: BASE + BigInt(i) * 0x1000000n,
      bytes: heap,
    }));
    const { findings } = await search(regions);
    expect(findings).toHaveLength(1);
    expect(findings[0]?.also).toHaveLength(4);
    expect(new Set(findings[0]?.also?.map(({ offset }) => offset)).size).toBe(4);
  });
});
