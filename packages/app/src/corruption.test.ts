/** Hostile input: seeded corruptions of carriers and of plain programs, through the whole of triage. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { allCarriers } from "@assay/carriers/index";
import { analyse } from "@assay/core/triage/analyse";
import type { Ports } from "@assay/core/triage/ports";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { createPorts, kit } from "./analyser.ts";

/** Families alone. */
const bare = { families: kit.families, layers: [] };

/** Together 20,000, by every family. */
const CARRIER_RUNS = 12_000;
const PLAIN_RUNS = 8_000;
/** Through every layer too, which costs ten times as much. */
const LAYER_RUNS = 1_000;
const SEED = 20240117;

let ports: Ports;
beforeAll(async () => {
  const own = await createPorts();
  const derived = new Map<string, Uint8Array>();
  ports = {
    ...own,
    // A derivation costs 20 ms, and nearly every corruption leaves password and salt as they were.
    pbkdf2Sha1: (password, salt, iterations, length) => {
      const key = [password, salt, iterations, length].join("|");
      const known = derived.get(key) ?? own.pbkdf2Sha1(password, salt, iterations, length);
      derived.set(key, known);
      return known;
    },
  };
});

interface Subject {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Single bytes, runs of one value, and a cut end: what damage and obfuscators do. */
function corrupted(subjects: readonly Subject[]): fc.Arbitrary<Subject> {
  return fc
    .record({
      subject: fc.constantFrom(...subjects),
      bytes: fc.array(fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), value: fc.nat(255) }), {
        maxLength: 12,
      }),
      header: fc.array(fc.record({ at: fc.nat(0x3ff), value: fc.constantFrom(0, 1, 0x7f, 0x80, 0xff) }), {
        maxLength: 6,
      }),
      run: fc.option(
        fc.record({
          at: fc.double({ min: 0, max: 1, noNaN: true }),
          length: fc.nat(512),
          value: fc.nat(255),
        }),
      ),
      keep: fc.oneof(
        { weight: 4, arbitrary: fc.constant(1) },
        { weight: 1, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) },
      ),
    })
    .map(({ subject, bytes, header, run, keep }) => {
      const size = subject.bytes.length;
      const out = Uint8Array.from(subject.bytes);
      for (const { at, value } of bytes) out[Math.floor(at * (size - 1))] = value;
      for (const { at, value } of header) if (at < size) out[at] = value;
      if (run !== null)
        out.fill(run.value, Math.floor(run.at * size), Math.floor(run.at * size) + run.length);
      return { name: subject.name, bytes: out.subarray(0, Math.ceil(size * keep)) };
    });
}

function plainPrograms(): Subject[] {
  const root = fileURLToPath(new URL("../../core/src/formats/", import.meta.url));
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => /\.(exe|dll)$/.test(entry.name))
    .map((entry) => ({
      name: entry.name,
      bytes: Uint8Array.from(readFileSync(`${entry.parentPath}/${entry.name}`)),
    }));
}

describe("corrupted input", () => {
  it("never throws on a carrier, and any config it still gives names the carried family", async () => {
    const carriers = allCarriers();
    const families_ = new Map(carriers.map((carrier) => [carrier.name, carrier.family]));
    const outcomes = new Set<string>();
    await fc.assert(
      fc.asyncProperty(corrupted(carriers), async ({ name, bytes }) => {
        const sample = await analyse(bytes, [name], bare, ports);
        outcomes.add(sample.outcome);
        for (const finding of sample.findings) expect(finding.family).toBe(families_.get(name));
      }),
      { seed: SEED, numRuns: CARRIER_RUNS },
    );
    // The corruptions reach both sides: some leave the config readable, some do not.
    expect(outcomes).toContain("config");
    expect(outcomes.size).toBeGreaterThan(1);
  }, 300_000);

  it("never throws on a plain program and never finds a config in one", async () => {
    const programs = plainPrograms();
    expect(programs.length).toBeGreaterThan(3);
    await fc.assert(
      fc.asyncProperty(corrupted(programs), async ({ name, bytes }) => {
        expect((await analyse(bytes, [name], bare, ports)).findings).toEqual([]);
      }),
      { seed: SEED, numRuns: PLAIN_RUNS },
    );
  }, 300_000);

  it("never throws in any layer either", async () => {
    await fc.assert(
      fc.asyncProperty(corrupted([...allCarriers(), ...plainPrograms()]), async ({ name, bytes }) => {
        expect((await analyse(bytes, [name], kit, ports)).sha256).toBeTypeOf("string");
      }),
      { seed: SEED, numRuns: LAYER_RUNS },
    );
  }, 300_000);
});
