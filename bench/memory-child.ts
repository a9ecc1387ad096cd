/**
 * One analysis of a memory image in a process of its own, for bench/memory.ts: `total FILE [raw]` as the command does
 * it, `passes FILE [raw]` pass by pass. Prints one line of JSON.
 */
import { closeSync, openSync } from "node:fs";
import { createAnalyser, createPorts, kit } from "../packages/app/src/analyser.ts";
import { FileSource } from "../packages/app/src/batch/memory-file.ts";
import { dataRuns } from "../packages/core/src/bytes/index.ts";
import type { Family } from "../packages/core/src/families/family.ts";
import { findImages } from "../packages/core/src/formats/index.ts";
import { MemorySpace, openMemory } from "../packages/core/src/formats/memory/index.ts";
import { Ledger, type Sample } from "../packages/core/src/model/index.ts";
import { analyseMemory } from "../packages/core/src/triage/memory/analyse-memory.ts";
import { tracesOf } from "../packages/core/src/triage/memory/traces.ts";
import { overlapOf, planWindows, WINDOW } from "../packages/core/src/triage/memory/windows.ts";

const [mode, path = "", form] = process.argv.slice(2);
const memory = form === "raw" ? ({ kind: "raw" } as const) : {};

interface Cost {
  /** User and system time of this process, milliseconds. */
  readonly cpu: number;
  readonly wall: number;
}

function clock(): () => Cost {
  const cpu = process.cpuUsage();
  const started = performance.now();
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    return { cpu: (user + system) / 1000, wall: performance.now() - started };
  };
}

function shown(sample: Sample): object {
  const found = sample.findings.map(({ family, layout, c2 }) => `${family} ${layout} ${c2.length} C2`);
  return { outcome: sample.outcome, found, identified: sample.families.length, reasons: sample.reasons };
}

async function total(): Promise<object> {
  const analyser = await createAnalyser({ memory });
  const stop = clock();
  const sample = await analyser.analyseFile(Buffer.from(path), "dump");
  return { ...stop(), ...shown(sample), rss: process.resourceUsage().maxRSS / 1024 };
}

async function passes(): Promise<object> {
  const ports = await createPorts();
  const fd = openSync(path, "r");
  const source = new FileSource(fd);
  const costs: Record<string, Cost> = {};
  const pass = (name: string, run: () => void): void => {
    const stop = clock();
    run();
    costs[name] = stop();
  };
  pass("plain read", () => {
    for (let at = 0; at < source.size; at += 4 * 1024 * 1024) source.read(at, 4 * 1024 * 1024);
  });
  pass("SHA-256", () => void source.sha256());
  const image = openMemory(source, memory);
  if (!image.ok) throw new Error(image.error.code);
  const space = new MemorySpace(image.value);
  const buffer = new Uint8Array(WINDOW + overlapOf(kit.families));
  const ledger = new Ledger(buffer);
  const windows = planWindows(space, overlapOf(kit.families));
  const each = (use: (length: number) => void): void => {
    for (const { address, size } of windows) use(space.fill(address, buffer.subarray(0, size)).length);
  };
  pass("windows", () => each(() => undefined));
  const own = (name: string, use: (length: number) => void): void => {
    pass(name, () => each(use));
    const [all, empty] = [costs[name] as Cost, costs.windows as Cost];
    costs[name] = { cpu: all.cpu - empty.cpu, wall: all.wall - empty.wall };
  };
  let data = 0;
  own("zero skip", (length) => {
    for (const [start, end] of dataRuns(buffer, 0, length)) data += end - start;
  });
  own("PE finding", (length) => void findImages(ledger.sample.clip(0, length)));
  own("rules", (length) => void ports.rules.scan(buffer.subarray(0, length)));
  own("anchors and traces", (length) => {
    tracesOf(kit.families, ledger.sample.clip(0, length), undefined, false, ledger);
  });

  // The extractors as the analysis itself asks them: how long each has taken in all.
  const spent: Record<string, number> = {};
  const timed = <T>(name: string, run: () => T): T => {
    const started = performance.now();
    const value = run();
    spent[name] = (spent[name] ?? 0) + performance.now() - started;
    return value;
  };
  const families = kit.families.map(
    (family): Family => ({ ...family, extract: (input) => timed(family.id, () => family.extract(input)) }),
  );
  const rules = { scan: (bytes: Uint8Array) => timed("rules", () => ports.rules.scan(bytes)) };
  const stop = clock();
  await analyseMemory(
    image.value,
    { sha256: "", size: source.size, names: [] },
    { ...kit, families },
    { ...ports, rules },
  );
  const analysis = stop();
  closeSync(fd);
  return { data, costs, analysis, spent };
}

console.log(JSON.stringify(mode === "total" ? await total() : await passes()));
