/** Every carrier through every form of memory image: the same config and C2 as from its file. */
import {
  allCarriers,
  type DumpRegion,
  mapPe,
  modulesOf,
  processOf,
  writeCapeDump,
  writeElfCore,
  writeLime,
  writeMinidump,
} from "@assay/carriers/index";
import { type MemoryHint, openMemory } from "@assay/core/formats/memory/index";
import type { Sample } from "@assay/core/model/index";
import { analyse } from "@assay/core/triage/analyse";
import { analyseMemory } from "@assay/core/triage/memory/analyse-memory";
import { describe, expect, it } from "vitest";
import { createPorts, kit } from "./analyser.ts";

const ports = await createPorts();
const carriers = allCarriers();
/** Where the program is put: not where it was linked to. */
const BASE = 0x2340000n;

function sourceOf(bytes: Uint8Array): { size: number; read(offset: number, length: number): Uint8Array } {
  return { size: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) };
}

async function inMemory(dump: Uint8Array, hint: MemoryHint = {}): Promise<Sample> {
  const source = sourceOf(dump);
  const image = openMemory(source, hint);
  if (!image.ok) throw new Error(`${image.error.code} ${image.error.field}`);
  return analyseMemory(
    image.value,
    { sha256: "00".repeat(32), size: dump.length, names: ["dump"] },
    kit,
    ports,
  );
}

const minidump = (regions: DumpRegion[]): Uint8Array =>
  writeMinidump(regions, { modules: modulesOf(regions), pid: 4711 });

const FORMS: readonly { name: string; make: (file: Uint8Array) => Uint8Array; hint?: MemoryHint }[] = [
  { name: "a minidump", make: (file) => minidump(processOf(file, { base: BASE, headers: "kept" })) },
  {
    name: "a minidump without headers",
    make: (file) => minidump(processOf(file, { base: BASE, headers: "wiped" })),
  },
  { name: "a CAPE dump", make: (file) => writeCapeDump(processOf(file, { base: BASE, headers: "wiped" })) },
  { name: "an ELF core", make: (file) => writeElfCore(processOf(file, { base: BASE, headers: "kept" })) },
  { name: "LiME", make: (file) => writeLime(processOf(file, { base: BASE, headers: "kept" })) },
  { name: "a region with its base", make: (file) => mapPe(file, BASE), hint: { base: BASE } },
  { name: "raw memory", make: (file) => mapPe(file), hint: { kind: "raw" } },
  {
    name: "a file on the heap",
    make: (file) => minidump([{ address: 0x5000000n, bytes: file, protection: "rw-", type: "private" }]),
  },
];

describe.each(carriers)("$family $layout $name", (carrier) => {
  it.each(FORMS)("in $name", async ({ make, hint }) => {
    const [fromFile] = (await analyse(carrier.bytes, [carrier.name], kit, ports)).findings;
    const sample = await inMemory(make(carrier.bytes), hint);
    const found = sample.findings.find((finding) => finding.family === carrier.family);
    expect(found?.c2).toEqual(fromFile?.c2);
    expect(found?.config).toEqual(fromFile?.config);
    expect(sample.findings.length).toBe(1);
    expect(sample.outcome).toBe("config");
  });
});
