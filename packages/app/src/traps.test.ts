/** Bombs and traps: each ends inside its budget, says what was cut off, and leaves nothing behind. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { demoBatch } from "@assay/carriers/demo";
import {
  crowdedZip,
  manySections,
  nestedBomb,
  nestedInItself,
  resourceLoop,
  selfHeap,
  tar,
  variedBomb,
} from "@assay/carriers/traps/bombs";
import { gzipQuine, zipQuine } from "@assay/carriers/traps/quine";
import { stored, writeZip } from "@assay/carriers/traps/zip-writer";
import { DEFAULT_LIMITS } from "@assay/core/layers/budget";
import type { Report, Sample } from "@assay/core/model/index";
import { analyse } from "@assay/core/triage/analyse";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Analyser, createAnalyser, createPorts, kit } from "./analyser.ts";

let analyser: Analyser;
beforeAll(async () => {
  analyser = await createAnalyser();
});

const codes = (sample: Sample): string[] => sample.reasons.map((reason) => reason.code);
const fixture = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(fileURLToPath(new URL(`./containers/fixtures/${name}`, import.meta.url))));
const carrier = (): Uint8Array => demoBatch()[4]?.bytes ?? new Uint8Array();

/** A zip of stored members, under any names. */
const storedZip = (members: readonly (readonly [name: string, content: Uint8Array])[]): Uint8Array =>
  writeZip(members.map(([name, content]) => stored(name, content)));

/** A .NET program. */
const managed = (): Uint8Array =>
  demoBatch().find(({ name }) => name === "2024crypt.exe")?.bytes ?? new Uint8Array();

describe("archives", () => {
  it("nested deeper than is followed: the depth is said, not passed over", async () => {
    let nested: Uint8Array = new Uint8Array(gzipSync(carrier()));
    for (let i = 0; i < DEFAULT_LIMITS.depth + 2; i++) nested = storedZip([[`${i}.zip`, nested]]);
    const sample = await analyser.analyseBytes(nested, "deep.zip");
    expect(sample.findings).toEqual([]);
    expect(sample.outcome).toBe("failed");
    expect(sample.reasons.map((reason) => reason.text).join()).toContain("--max-depth");
  });

  it("as deep as is allowed: the config comes out", async () => {
    let nested = carrier();
    for (let i = 0; i < DEFAULT_LIMITS.depth; i++) nested = storedZip([[`${i}.bin`, nested]]);
    expect((await analyser.analyseBytes(nested, "deep.zip")).outcome).toBe("config");
  });

  it.each([
    ["a zip", "q.zip", zipQuine()],
    ["a gzip stream", "q.gz", gzipQuine()],
  ])("%s that holds itself is followed once, and that is said", async (_, name, bytes) => {
    const sample = await analyser.analyseBytes(bytes, name);
    expect(sample.findings).toEqual([]);
    expect(codes(sample)).toEqual(["holds-itself"]);
  });

  it("16 zips in each, five deep, 4 GiB at the bottom of each: 4.5 PB in 36 KB are not unpacked", async () => {
    const sample = await analyser.analyseBytes(nestedBomb(), "42.zip");
    expect(sample.outcome).toBe("failed");
    expect(sample.reasons.map((reason) => reason.text).join()).toMatch(/4293918720 bytes do not fit/);
    expect(codes(sample)).toContain("budget");
  });

  it("the same with no two zips alike: as many as are kept, and the rest is said", async () => {
    const limits = { ...DEFAULT_LIMITS, artifacts: 300 };
    const ports = await createPorts();
    const sample = await analyse(variedBomb(), ["varied.zip"], kit, ports, { limits });
    expect(sample.outcome).toBe("failed");
    expect(codes(sample)).toContain("budget");
  });

  it("2 GiB of zeros in 300 KB are not unpacked", async () => {
    const sample = await analyser.analyseBytes(fixture("bomb.7z"), "bomb.7z");
    expect(sample.outcome).toBe("failed");
    expect(codes(sample)).toContain("budget");
  });

  it("names that climb out of folders are names and nothing else", async () => {
    const before = readdirSync(".").length;
    const bytes = storedZip([
      ["../../../../tmp/assay-was-here.exe", carrier()],
      ["C:\\Windows\\evil.exe", new Uint8Array(4)],
      ["nul\0x", new Uint8Array(4)],
    ]);
    const sample = await analyser.analyseBytes(bytes, "slip.zip");
    expect(sample.outcome).toBe("config");
    expect(readdirSync(".").length).toBe(before);
    expect(readdirSync("/tmp")).not.toContain("assay-was-here.exe");
  });

  it("links in a tar lead nowhere, and nothing is written through them", async () => {
    const bytes = tar([
      { name: "passwd", link: "/etc/passwd", type: "2" },
      { name: "shadow", link: "/etc/passwd", type: "1" },
      { name: "out", link: "/tmp", type: "2" },
      { name: "out/assay-was-here", content: carrier() },
      { name: "/tmp/assay-was-here", content: new Uint8Array(4) },
      { name: "disk", type: "3" },
    ]);
    const sample = await analyser.analyseBytes(bytes, "links.tar");
    expect(sample.outcome).toBe("config");
    expect(JSON.stringify(sample)).not.toContain("root:");
    expect(codes(sample)).toContain("links-ignored");
    expect(readdirSync("/tmp")).not.toContain("assay-was-here");
  });

  it("100,000 entries: as many as are kept, and the rest is said", async () => {
    const sample = await analyser.analyseBytes(crowdedZip(100_000), "many.zip");
    expect(sample.outcome).toBe("failed");
    expect(codes(sample)).toContain("budget");
    expect(sample.reasons.map((reason) => reason.text).join()).toContain("first 2000 entries");
  }, 60_000);
});

describe("programs", () => {
  it("65,535 sections, each with the same MiB behind it", async () => {
    const sample = await analyser.analyseBytes(manySections(), "sections.exe");
    expect(sample.findings).toEqual([]);
    expect(sample.reasons.map((reason) => reason.text).join()).toContain("longer than is read");
  });

  it("65,535 sections by the header's word, on a program with a config: it is found", async () => {
    const bytes = Uint8Array.from(carrier());
    const view = new DataView(bytes.buffer);
    view.setUint16(view.getUint32(0x3c, true) + 6, 0xffff, true);
    expect((await analyser.analyseBytes(bytes, "sections.exe")).outcome).toBe("config");
  });

  it("a resource directory that leads back to itself", async () => {
    expect((await analyser.analyseBytes(resourceLoop(), "loop.exe")).findings).toEqual([]);
  });

  it("a .NET heap that points at itself", async () => {
    const whole = await analyser.analyseBytes(selfHeap(managed()), "heap.exe");
    expect(whole.findings).toEqual([]);
    for (const stream of ["#~", "#Strings", "#US", "#GUID", "#Blob"]) {
      const sample = await analyser.analyseBytes(selfHeap(managed(), stream), "heap.exe");
      for (const finding of sample.findings) expect(finding.family, stream).toBe("win.redline_stealer");
    }
  });

  it("classes nested in themselves and in one another", async () => {
    expect((await analyser.analyseBytes(nestedInItself(), "nested.exe")).findings).toEqual([]);
  });

  it("text made to make pattern matching explode", async () => {
    for (const unit of ["a.", "((((", "`", "%a", "+'", "aA0=", "<a ", "=\r\n"]) {
      const bytes = new Uint8Array(Buffer.alloc(1_000_000, unit));
      for (const name of ["a.txt", "a.ps1", "a.js", "a.bat", "a.vbs", "a.hta", "a.eml"]) {
        expect((await analyser.analyseBytes(bytes, name)).findings).toEqual([]);
      }
    }
  }, 120_000);
});

describe("a batch of all of them among carriers", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "assay-traps-"));
    mkdirSync(join(folder, "batch"));
    mkdirSync(join(folder, "cwd"));
    const files: Readonly<Record<string, Uint8Array>> = {
      "q.zip": zipQuine(),
      "q.gz": gzipQuine(),
      "42.zip": nestedBomb(),
      "zeros.7z": fixture("bomb.7z"),
      "slip.zip": storedZip([["../../../../../../../../../tmp/assay-was-here.exe", Uint8Array.of(1, 2)]]),
      "links.tar": tar([
        { name: "out", link: folder, type: "2" },
        { name: "out/assay-was-here", content: Uint8Array.of(1) },
      ]),
      "many.zip": crowdedZip(100_000),
      "sections.exe": manySections(),
      "loop.exe": resourceLoop(),
      "heap.exe": selfHeap(managed()),
      "nested.exe": nestedInItself(),
      "dots.txt": new Uint8Array(Buffer.alloc(16_000_000, "a.")),
      "dots.ps1": new Uint8Array(Buffer.alloc(4_000_000, "a.")),
    };
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, "batch", name), bytes);
    for (const { name, bytes } of demoBatch()) writeFileSync(join(folder, "batch", `good-${name}`), bytes);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("under a memory cap and a deadline: each ends of itself, nothing is written, every carrier gives its config", () => {
    const before = readdirSync(folder, { recursive: true });
    const bin = fileURLToPath(new URL("../bin/assay.cjs", import.meta.url));
    const flags = ["--json", "--timeout", "60", "--memory", "1G"];
    const run = spawnSync(process.execPath, [bin, "triage", join(folder, "batch"), ...flags], {
      cwd: join(folder, "cwd"),
      encoding: "utf8",
      maxBuffer: 1 << 26,
    });
    const samples = (JSON.parse(run.stdout) as Report).samples;
    expect(samples.length).toBe(13 + demoBatch().length);
    for (const sample of samples) {
      const [name = ""] = sample.names;
      const ended = ["timeout", "crashed", "internal-error"].filter((code) => codes(sample).includes(code));
      expect(ended, `${name}: ${JSON.stringify(sample.reasons)}`).toEqual([]);
      if (name.includes("good-")) expect(sample.outcome, name).toBe("config");
      else expect(sample.findings, name).toEqual([]);
    }
    expect(readdirSync(folder, { recursive: true })).toEqual(before);
    expect(readdirSync("/tmp").filter((name) => name.startsWith("assay-was-here"))).toEqual([]);
  }, 120_000);
});
