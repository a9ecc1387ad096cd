/** What every family owes the house, tried on every carrier of every layout. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { allCarriers, type Carrier, mapPe } from "@assay/carriers/index";
import { hex, latin1, type Span, utf8, utf16le, View } from "@assay/core/bytes/index";
import type { Extraction, Family } from "@assay/core/families/family";
import { families, familyRules } from "@assay/core/families/index";
import { openImage } from "@assay/core/formats/index";
import { type Evidence, type Finding, Ledger } from "@assay/core/model/index";
import type { Ports } from "@assay/core/triage/ports";
import { beforeAll, describe, expect, it } from "vitest";
import { createPorts } from "./analyser.ts";
import { createScanner } from "./rules/scanner.ts";

const carriers = allCarriers();

let ports: Ports;
beforeAll(async () => {
  ports = await createPorts();
});

interface Tried {
  readonly extraction: Extraction;
  readonly ledger: Ledger;
}

function attempt(
  family: Family,
  bytes: Uint8Array,
  hint?: { layout: "file" | "mapped" | "raw"; base?: number },
): Tried {
  const ledger = new Ledger(bytes);
  const image = openImage(ledger.sample, hint);
  const extraction = family.extract({ image, rules: [], matches: [], ledger, pbkdf2Sha1: ports.pbkdf2Sha1 });
  return { extraction, ledger };
}

function findingOf(tried: Tried): Finding {
  if (tried.extraction.status !== "config")
    throw new Error(`${tried.extraction.status}: ${tried.extraction.text}`);
  return tried.extraction.finding;
}

function valueAt(finding: Finding, pointer: string): unknown {
  return pointer
    .split("/")
    .slice(1)
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], finding);
}

/** Every text and number inside a value, as text. */
function leaves(value: unknown): string[] {
  if (typeof value === "object" && value !== null) return Object.values(value).flatMap(leaves);
  return [String(value)];
}

/**
 * Whether the bytes behind a value say what the value says. A value made of several pieces (host and port, a path of
 * folder and file) is told by one of them; operands of code and flags say nothing as text.
 */
function reads(evidence: Evidence, value: unknown, ledger: Ledger): boolean {
  const bytes = ledger.read(evidence.at as Span[]);
  if (bytes === undefined || value === undefined) return false;
  if (evidence.as === "bool" || evidence.as === "code" || bytes.length === 0) return true;
  const all = leaves(value).filter((leaf) => leaf !== "");
  const related = (text: string): boolean => all.some((leaf) => leaf.includes(text) || text.includes(leaf));
  if (evidence.as === "hex")
    return all.some(
      (leaf) => leaf.toLowerCase().includes(hex(bytes)) || hex(bytes).includes(leaf.toLowerCase()),
    );
  if (evidence.as === "int" || evidence.as === "asciiint") return all.some((leaf) => /\d/.test(leaf));
  return evidence.at.some((span) => {
    const part = ledger.read([span]) ?? new Uint8Array();
    const text =
      evidence.as === "utf16le" ? utf16le(part) : evidence.as === "utf8" ? (utf8(part) ?? "") : latin1(part);
    // A key that the config keeps as base64 is reported as hex; an IPv6 address gets its brackets in a URL.
    return (
      text !== "" &&
      (related(text) ||
        related(Buffer.from(text, "base64").toString("hex")) ||
        all.some((leaf) => leaf.replace(/[[\]]/g, "").includes(text)))
    );
  });
}

const named = (carrier: Carrier): string => `${carrier.family} ${carrier.layout}: ${carrier.name}`;
const familyOf = (carrier: Carrier): Family => {
  const family = families.find((candidate) => candidate.id === carrier.family);
  if (family === undefined) throw new Error(`no family ${carrier.family}`);
  return family;
};

describe("every family", () => {
  it("has a rule that compiles, on both engines", async () => {
    for (const source of Object.values(familyRules)) {
      await createScanner([source], "wasm");
      await createScanner([source]);
    }
  });

  it.each(families.map((family) => [family.id, family] as const))(
    "%s: each layout is reached by a carrier",
    (id, family) => {
      const reached = new Set(
        carriers.filter((carrier) => carrier.family === id).map((carrier) => carrier.layout),
      );
      expect([...reached].sort()).toEqual(
        family.layouts
          .filter((layout) => !layout.inMemory)
          .map((layout) => layout.id)
          .sort(),
      );
    },
  );

  it.each(families.map((family) => [family.id, family] as const))(
    "%s: says nothing of the other families' carriers",
    (id, family) => {
      for (const carrier of carriers.filter((candidate) => candidate.family !== id)) {
        expect(attempt(family, carrier.bytes).extraction.status, named(carrier)).not.toBe("config");
      }
    },
  );

  it("says nothing of plain programs", () => {
    const fixtures = fileURLToPath(new URL("../../core/src/formats/", import.meta.url));
    const programs = readdirSync(fixtures, { recursive: true, withFileTypes: true }).filter((entry) =>
      /\.(exe|dll)$/.test(entry.name),
    );
    expect(programs.length).toBeGreaterThan(3);
    for (const program of programs) {
      const bytes = readFileSync(`${program.parentPath}/${program.name}`);
      for (const family of families)
        expect(attempt(family, bytes).extraction.status, program.name).toBe("not-found");
    }
  });
});

describe.each(carriers.map((carrier) => [named(carrier), carrier] as const))("%s", (_, carrier) => {
  it("is matched by its family's rule, if there is anything in it for a rule to see, and by no other family's", () => {
    const hits = new Set(ports.rules.scan(carrier.bytes).map((hit) => hit.family));
    expect([...hits]).toEqual(carrier.ruleless ? [] : [carrier.family]);
  });

  it("gives the config that was put in, without the rule's help", () => {
    const finding = findingOf(attempt(familyOf(carrier), carrier.bytes));
    expect(finding.layout).toBe(carrier.layout);
    expect(finding.c2).toEqual(carrier.expected.c2);
    expect(finding.confidence).toBe(carrier.expected.confidence);
    for (const [pointer, value] of Object.entries(carrier.expected.values ?? {})) {
      expect(valueAt(finding, pointer), pointer).toEqual(value);
    }
  });

  it("has evidence for every C2 and each piece reads as its value", () => {
    const tried = attempt(familyOf(carrier), carrier.bytes);
    const finding = findingOf(tried);
    for (const index of finding.c2.keys()) {
      expect(finding.evidence.map((evidence) => evidence.pointer)).toContain(`/c2/${index}`);
    }
    for (const evidence of finding.evidence) {
      expect(
        reads(evidence, valueAt(finding, evidence.pointer), tried.ledger),
        `${evidence.pointer} as ${evidence.as}`,
      ).toBe(true);
    }
  });

  it("gives the same from the mapped image", () => {
    const finding = findingOf(attempt(familyOf(carrier), mapPe(carrier.bytes), { layout: "mapped" }));
    expect(finding.c2).toEqual(carrier.expected.c2);
  });

  it("ends in an outcome for every prefix tried", () => {
    const family = familyOf(carrier);
    for (let i = 0; i < 24; i++) {
      const prefix = carrier.bytes.subarray(0, Math.floor((carrier.bytes.length * i) / 24));
      expect(["config", "not-found", "unknown-layout", "malformed"]).toContain(
        attempt(family, prefix).extraction.status,
      );
    }
  });
});

/** Kept honest: a View's own offsets are what spans speak of. */
describe("the contract's own eyes", () => {
  it("would see a value whose evidence points elsewhere", () => {
    const ledger = new Ledger(Uint8Array.from([0x61, 0x62, 0x63]));
    const wrong: Evidence = {
      pointer: "/c2/0",
      at: [new View(ledger.sample.bytes).span(0, 3)],
      as: "latin1",
      steps: [],
    };
    expect(reads(wrong, "tcp://evil.example:1", ledger)).toBe(false);
    expect(reads(wrong, "xabcx", ledger)).toBe(true);
  });
});
