/** The command as people and programs run it: a real process, real files. */
import { spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { demoBatch, processOf, writeMinidump } from "@assay/carriers/index";
import { type Report, ReportSchema } from "@assay/core/model/index";
import { Check, Errors } from "typebox/value";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const bin = fileURLToPath(new URL("../../bin/assay.cjs", import.meta.url));
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "assay-cli-"));
  mkdirSync(join(folder, "demo"));
  for (const carrier of demoBatch()) writeFileSync(join(folder, "demo", carrier.name), carrier.bytes);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function assay(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  return { status, stdout, stderr };
}

function reportOf(...args: string[]): { status: number | null; report: Report } {
  const { status, stdout, stderr } = assay("triage", "--json", ...args);
  expect(stderr).toBe("");
  return { status, report: JSON.parse(stdout) as Report };
}

describe("assay triage", () => {
  it("prints on stdout a report that its schema allows, and nothing else", () => {
    const { status, report } = reportOf(join(folder, "demo"));
    expect([...Errors(ReportSchema, report)]).toEqual([]);
    expect(Check(ReportSchema, report)).toBe(true);
    expect(report.samples.map((sample) => sample.outcome)).toEqual(Array(10).fill("config"));
    expect(status).toBe(0);
  });

  it("gives the same findings with one process and with several", () => {
    const strip = (report: Report): unknown => report.samples.map(({ elapsedMs, ...sample }) => sample);
    const one = reportOf("--jobs", "1", join(folder, "demo")).report;
    expect(strip(reportOf("--jobs", "3", join(folder, "demo")).report)).toEqual(strip(one));
  });

  it("shows defanged addresses in the table, never live ones", () => {
    const { stdout, status } = assay("triage", join(folder, "demo"));
    expect(status).toBe(0);
    expect(stdout).toContain("77.105.132[.]70");
    expect(stdout).not.toContain("77.105.132.70");
    expect(stdout).not.toMatch(/https?:\/\//);
  });

  it("embeds the bytes behind each value with --evidence", () => {
    const { report } = reportOf("--evidence", join(folder, "demo", "gbrem.exe"));
    const evidence = report.samples[0]?.findings[0]?.evidence.find((entry) => entry.pointer === "/c2/0");
    expect(Buffer.from(evidence?.bytes?.[0]?.bytes ?? "", "hex").toString()).toContain("77.105.132.70");
  });

  it("writes Markdown and HTML that hold no live address and load nothing", () => {
    const markdown = assay("triage", "--format", "md", join(folder, "demo")).stdout;
    expect(markdown).toContain("## Indicators to block");
    const html = assay("triage", "--format", "html", join(folder, "demo")).stdout;
    expect(html).toContain("default-src 'none'");
    expect(html).not.toMatch(/<(script|img|link|iframe|a)\b/);
    for (const text of [markdown, html]) expect(text).not.toContain("77.105.132.70");
  });

  it("takes the user's own rules, and names what is wrong with them", () => {
    const rules = join(folder, "mine.yar");
    writeFileSync(rules, 'rule mine { strings: $a = "MZ" condition: $a at 0 }');
    const { report } = reportOf("--rules", rules, join(folder, "demo", "gbrem.exe"));
    expect(report.samples[0]?.rules).toContain("mine");
    writeFileSync(rules, "rule broken { condition: nonsense }");
    const broken = assay("triage", "--rules", rules, join(folder, "demo"));
    expect(broken.status).toBe(2);
    expect(broken.stderr).toContain("nonsense");
  });
});

describe("bad input", () => {
  const bad = (): string => join(folder, "bad");
  const outcomes = (report: Report): Record<string, string> =>
    Object.fromEntries(
      report.samples.map((sample) => [
        sample.names[0]?.slice(bad().length + 1) ?? "",
        `${sample.outcome} ${sample.reasons[0]?.code ?? ""}`.trim(),
      ]),
    );

  beforeAll(() => {
    mkdirSync(join(bad(), "sub"), { recursive: true });
    const good = demoBatch()[0]?.bytes ?? new Uint8Array();
    writeFileSync(join(bad(), "empty"), "");
    writeFileSync(join(bad(), "text.txt"), "hello");
    writeFileSync(join(bad(), "cut.exe"), good.subarray(0, 0x180));
    writeFileSync(join(bad(), "good.exe"), good);
    writeFileSync(join(bad(), "again.exe"), good);
    writeFileSync(join(bad(), "a\u001b]0;owned\u0007\u001b[31m\nb.exe"), good.subarray(0, 700));
    symlinkSync("..", join(bad(), "sub", "loop"));
    symlinkSync("nowhere", join(bad(), "dangling"));
    spawnSync("mkfifo", [join(bad(), "pipe")]);
    writeFileSync(join(bad(), "huge"), "MZ");
    truncateSync(join(bad(), "huge"), 3 * 1024 ** 3);
  });

  it("gives each its outcome and reason, leaves the rest unharmed, and exits with 1", () => {
    const { status, report } = reportOf(bad());
    expect(status).toBe(1);
    expect(outcomes(report)).toMatchObject({
      empty: "unsupported empty",
      "text.txt": "unsupported not-a-pe",
      "cut.exe": "failed truncated",
      "again.exe": "config",
      "sub/loop": "failed directory-loop",
      dangling: "failed broken-link",
      pipe: "failed not-a-file",
      huge: "unsupported too-large",
    });
    const folded = report.samples.find((sample) => sample.outcome === "config");
    expect(folded?.names.map((name) => name.slice(bad().length + 1))).toEqual(["again.exe", "good.exe"]);
  }, 60_000);

  it("never lets a file name act on the terminal", () => {
    rmSync(join(bad(), "huge"), { force: true });
    const { stdout } = assay("triage", bad());
    expect(stdout).toContain("\\x1b]0;owned\\x07");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: their absence is the point
    expect(stdout).not.toMatch(/[\u001b\u0007]/);
    expect(stdout).toContain("\\x0ab.exe");
  });

  it("says what is not there", () => {
    const { status, report } = reportOf(join(folder, "no-such-file"));
    expect(status).toBe(1);
    expect(report.samples[0]?.reasons[0]?.text).toContain("no such file");
  });
});

describe("the other commands", () => {
  it("extract prints the findings of one file", () => {
    const { status, stdout } = assay("extract", join(folder, "demo", "gbquas.exe"));
    expect(status).toBe(0);
    expect(
      (JSON.parse(stdout) as { findings: { family: string }[] }).findings.map((finding) => finding.family),
    ).toEqual(["win.quasar_rat"]);
  });

  it("extract gives the same from a process of its own", () => {
    const path = join(folder, "demo", "gbrem.exe");
    expect(assay("extract", "--isolated", path).stdout).toBe(assay("extract", path).stdout);
  });

  it("inspect --extract writes the inner artifacts as CaRT, under names of our own", () => {
    const out = join(folder, "inner");
    const { status } = assay("inspect", join(folder, "demo", "gbrem.exe"), "--extract", out);
    expect(status).toBe(0);
    const files = readdirSync(out);
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) {
      expect(file).toMatch(/^\d+-[0-9a-f]{64}\.cart$/);
      expect(readFileSync(join(out, file)).subarray(0, 4).toString()).toBe("CART");
    }
    const raw = assay("inspect", join(folder, "demo", "gbrem.exe"), "--extract", out, "--raw");
    expect(raw.stderr).toContain("live malware");
  });

  it("inspect shows sections, rules and the artifact tree", () => {
    const { status, stdout } = assay("inspect", join(folder, "demo", "gbrem.exe"));
    expect(status).toBe(0);
    for (const word of ["sections", "SETTINGS", "rule", "artifacts", "rc4"]) expect(stdout).toContain(word);
  });

  it("inspect shows the regions of a dump, and what was found in them", () => {
    const carrier = readFileSync(join(folder, "demo", "gbrem.exe"));
    const path = join(folder, "gbrem.dmp");
    writeFileSync(path, writeMinidump(processOf(carrier, { base: 0x2340000n, headers: "wiped" })));
    const out = join(folder, "of-memory");
    const { status, stdout } = assay("inspect", path, "--extract", out);
    expect(status).toBe(0);
    for (const word of ["minidump", "0x2340000", "memory at", "rc4", "win.remcos"])
      expect(stdout).toContain(word);
    expect(readdirSync(out).length).toBeGreaterThan(1);
  });

  it("families lists all, and tells of one by any of its names", () => {
    expect(assay("families").stdout.trim().split("\n").length).toBe(5);
    for (const name of ["win.lumma", "lumma", "LummaC2"])
      expect(assay("families", name).stdout).toContain("Layouts");
    expect(assay("families", "nonesuch").status).toBe(2);
  });

  it("deaddrop decodes a saved profile page offline", () => {
    const page = join(folder, "profile.html");
    writeFileSync(page, '<html><span class="actual_persona_name">xlcdslw-ksfvzg.nzx</span></html>');
    const { status, stdout } = assay("deaddrop", page, "--family", "lumma");
    expect(status).toBe(0);
    expect(stdout.split("\n")[0]).toContain("marshal-zhukov[.]com");
  });

  it("wrong usage exits with 2", () => {
    for (const args of [
      ["nonsense"],
      ["triage"],
      ["triage", "--jobs", "x", "."],
      ["extract", "--format", "md", "x"],
    ]) {
      expect(assay(...args).status, args.join(" ")).toBe(2);
    }
    expect(assay("--help").status).toBe(0);
  });
});
