/** The command, and the demo batch in every form, read by the tools that the forms are for where they are installed. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { demoBatch } from "@assay/carriers/index";
import { forms } from "@assay/core/export/registry";
import { HOSTILE, hostileReport, ordinaryReport } from "@assay/core/export/testing";
import type { Config, Report } from "@assay/core/model/index";
import { configId } from "@assay/core/relations/index";
import { parse as parseCsv } from "csv-parse/sync";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createScanner } from "../rules/scanner.ts";

const bin = fileURLToPath(new URL("../../bin/assay.cjs", import.meta.url));
let folder = "";
let demo = "";

function assay(input: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [bin, ...args], { encoding: "utf8", input, maxBuffer: 1 << 28 });
}

function body(id: string, report: Report): string {
  return forms.find((form) => form.id === id)?.convert(report, {}).body ?? "";
}

/** The demo's report as it is on every machine and day. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "assay-export-"));
  mkdirSync(join(folder, "demo"));
  for (const carrier of demoBatch()) writeFileSync(join(folder, "demo", carrier.name), carrier.bytes);
  const report: Report = JSON.parse(assay("", "triage", "--json", join(folder, "demo")).stdout);
  report.startedAt = "2026-06-01T00:00:00.000Z";
  report.elapsedMs = 0;
  for (const sample of report.samples) {
    sample.elapsedMs = 0;
    sample.names = sample.names.map((name) => name.slice(folder.length + 1));
  }
  demo = join(folder, "demo.json");
  writeFileSync(demo, JSON.stringify(report));
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("assay export", () => {
  it("lists the forms when none is named", () => {
    const { stdout, status } = assay("", "export");
    expect(status).toBe(0);
    for (const form of forms) expect(stdout).toContain(form.id);
  });

  for (const form of forms) {
    it(`writes the demo as ${form.id} as it always did`, async () => {
      const { stdout, status } = assay("", "export", form.id, "--report", demo, "--tlp", "clear");
      expect(status).toBe(0);
      await expect(stdout).toMatchFileSnapshot(`./golden/demo-${form.id}.${form.extension}`);
    });
  }

  it("reads standard input, writes to a file, and lists what was left out", () => {
    const [out, side] = [join(folder, "out.txt"), join(folder, "side.csv")];
    const run = assay(readFileSync(demo, "utf8"), "export", "edl-ip", "--out", out, "--left-out", side);
    expect(run.stdout).toBe("");
    expect(run.stderr).toMatch(/2 left out or cut back \(see /);
    expect(run.stderr).toMatch(/look before you block: 177\.105\.132\.70 and 77\.105\.132\.70/);
    expect(readFileSync(out, "utf8").split("\n")).toContain("128.140.69.37");
    expect(readFileSync(side, "utf8")).toBe(
      "value,reason\r\n104.21.32.12,address of a CDN (Cloudflare)\r\n172.67.182.33,address of a CDN (Cloudflare)\r\n",
    );
  });

  it("lets a user's lists win, and refuses a list with a line that is none", () => {
    const [allow, deny] = [join(folder, "allow"), join(folder, "deny")];
    writeFileSync(allow, "77.105.0.0/16 # ours\n");
    writeFileSync(deny, "104.21.32[.]12\n");
    const { stdout } = assay("", "export", "edl-ip", "--report", demo, "--allow", allow, "--deny", deny);
    expect(stdout.split("\n")).toContain("104.21.32.12");
    expect(stdout.split("\n")).not.toContain("77.105.132.70");
    writeFileSync(deny, "fine.example\n\x1b[31mnot an entry\n");
    const bad = assay("", "export", "edl-ip", "--report", demo, "--deny", deny);
    expect(bad.status).toBe(2);
    expect(bad.stderr).toContain("line 2: \\x1b[31mnot an entry");
  });

  it("says what is wrong with a form, a file, a text or a report that is none", () => {
    const cases: readonly (readonly [string, readonly string[], RegExp])[] = [
      ["", ["nope"], /no form is called nope; there are maco, stix/],
      ["", ["stix", "--report", join(folder, "missing")], /missing/],
      ["{", ["stix"], /standard input is no JSON/],
      ['{"schema":"x"}', ["stix"], /standard input is no assay\.report\/1: /],
      ["{}", ["stix", "--tlp", "white"], /clear, green, amber/],
    ];
    for (const [input, args, message] of cases) {
      const { status, stdout, stderr } = assay(input, "export", ...args);
      expect(stderr).toMatch(message);
      expect([status, stdout]).toEqual([2, ""]);
    }
  });
});

describe("the demo's lists", () => {
  const lines = (id: string) => assay("", "export", id, "--report", demo).stdout.split("\n").slice(0, -1);

  it("are those of the campaign that it restages: duplicates folded, dead drop and CDN left out", () => {
    expect(lines("edl-ip").sort()).toEqual([
      "128.140.69.37",
      "142.132.232.235",
      "177.105.132.124",
      "177.105.132.70",
      "5.42.64.67",
      "77.105.132.70",
      "82.147.85.205",
    ]);
    expect(lines("edl-domain").sort()).toEqual([
      "assaultseekwoodywod.pw",
      "cakecoldsplurgrewe.pw",
      "chincenterblandwka.pw",
      "dayfarrichjwclik.fun",
      "diagramfiremonkeyowwa.fun",
      "neighborhoodfeelsa.fun",
      "opposesicknessopw.pw",
      "pinkipinevazzey.pw",
      "politefrightenpowoa.pw",
      "ratefacilityframw.fun",
      "reviveincapablewew.pw",
    ]);
    expect(lines("edl-url")).toEqual(["128.140.69.37:80/"]);
  });

  it("say why the rest of the publication's addresses is on none: a dead drop, two of a CDN", () => {
    const rows: Record<string, string>[] = parseCsv(assay("", "export", "csv", "--report", demo).stdout, {
      columns: true,
    });
    const network = rows.filter(({ type = "" }) => ["domain", "ipv4", "ipv6", "url"].includes(type));
    const spared = network.filter(({ block }) => block === "no");
    expect(spared.map(({ value, usage, why_not: why }) => [value, usage, why])).toEqual(
      expect.arrayContaining([
        ["104.21.32.12", "c2", "address of a CDN (Cloudflare)"],
        ["172.67.182.33", "c2", "address of a CDN (Cloudflare)"],
        ["steamcommunity.com", "dead_drop_resolver", "shared host (Steam profiles)"],
        [
          "https://steamcommunity.com/profiles/76561199588685141",
          "dead_drop_resolver",
          "page on a shared host (Steam profiles)",
        ],
      ]),
    );
    expect(spared).toHaveLength(4);
    // Each once, however many of the ten files hold it.
    expect(new Set(network.map(({ type, value }) => `${type} ${value}`)).size).toBe(network.length);
  });

  it("flag the address that one digit tells from another", () => {
    const { stderr } = assay("", "export", "edl-ip", "--report", demo);
    expect(stderr).toMatch(
      /look before you block: 177\.105\.132\.70 and 77\.105\.132\.70 are nearly the same/,
    );
  });
});

describe("what goes out", () => {
  it("comes in again as the same configs: report, MACO, import", () => {
    const [out, corpus] = [join(folder, "demo.maco.json"), join(folder, "corpus")];
    assay("", "export", "maco", "--report", demo, "--out", out);
    const { stdout, stderr } = assay("", "import", out, "--corpus", corpus, "--source", "partner", "--json");
    expect(stderr).toMatch(/MACO model: 10 claims .*\(10 new\), 10 configs/);
    const [{ claims, leftOut }] = JSON.parse(stdout) as [
      { claims: { subjects: string[]; config: Config }[]; leftOut: unknown[] },
    ];
    const report: Report = JSON.parse(readFileSync(demo, "utf8"));
    const sent = report.samples.map(
      ({ sha256, findings }) => [sha256, findings[0]?.version, findings[0]?.config] as const,
    );
    expect(claims).toHaveLength(10);
    expect(leftOut).toEqual([]);
    for (const [sha256, version, config] of sent) {
      const back = claims.find(({ subjects }) => subjects[0] === sha256)?.config as Config;
      // MACO's own place for the version is in the config.
      const whole = version === undefined ? config : { ...(config as Config), version };
      expect(back).toEqual(whole);
      expect(configId(back)).toBe(configId(whole as Config));
    }
    const again = assay("", "import", out, "--corpus", corpus, "--source", "partner");
    expect(again.stderr).toMatch(/\(0 new\)/);
    const found = assay("", "pivot", "77.105.132[.]70", "--corpus", corpus, "--no-color").stdout;
    expect(found).toMatch(/not in the corpus[\s\S]*Said by others, not proved here \(2\)[\s\S]*partner/);
  }, 240_000);

  it("has the same STIX ids over two runs, wherever the files lay and whenever", () => {
    const other = join(folder, "elsewhere", "deep");
    mkdirSync(other, { recursive: true });
    for (const carrier of demoBatch()) writeFileSync(join(other, carrier.name), carrier.bytes);
    const report = assay("", "triage", "--json", other).stdout;
    const ids = (text: string) => (JSON.parse(text).objects as { id: string }[]).map(({ id }) => id).sort();
    const golden = readFileSync(new URL("./golden/demo-stix.stix.json", import.meta.url), "utf8");
    const second = assay(report, "export", "stix", "--tlp", "clear").stdout;
    // The golden was written on another machine, another day.
    expect(ids(second)).toEqual(ids(golden));
    expect(JSON.parse(second).id).not.toBe(JSON.parse(golden).id);
  }, 240_000);
});

describe("a corpus", () => {
  it("goes out by query, is told apart from a report, and is pushed dry", () => {
    const corpus = join(folder, "corpus-out");
    assay("", "triage", join(folder, "demo"), "--corpus", corpus);
    const run = (...args: string[]) => assay("", ...args, "--corpus-dir", corpus);
    expect(run("export", "edl-domain", "--corpus", "family:lumma").stdout.split("\n")).toHaveLength(12);
    expect(run("export", "csv", "--corpus", "family:vidar", "--out", join(folder, "v.csv")).stdout).toBe("");
    expect(readFileSync(join(folder, "v.csv"), "utf8")).toContain("128.140.69.37");
    expect(run("export", "csv", "--corpus", "family:nobody").stderr).toMatch(/nothing in the corpus/);
    expect(run("export", "csv", "--corpus", 'family:"x').stderr).toMatch(/at character .*--corpus-dir/);
    expect(run("export", "csv", "--corpus", "*", "--report", demo).stderr).toMatch(/not both/);
    const dry = run(
      "push",
      "misp",
      "--corpus",
      "*",
      "--dry-run",
      "--url",
      "https://misp.invalid",
      "--token",
      "s3cr3t",
    );
    expect([dry.status, dry.stderr]).toEqual([
      0,
      expect.stringMatching(/would send \d+ MISP objects \(event [0-9a-f-]+, /),
    ]);
    expect(dry.stderr).not.toContain("s3cr3t");
    const none = run("push", "misp", "--corpus", "*", "--url", "https://misp.invalid");
    expect([none.status, none.stderr]).toEqual([2, expect.stringMatching(/wants a token/)]);
  }, 240_000);

  it("takes what others said, tells what it left out, and forgets a source", () => {
    const corpus = join(folder, "corpus");
    const article = join(folder, "article.txt");
    writeFileSync(
      article,
      "Seen: hxxps://evil-one[.]com/a, setup[.]exe and https://vendor.com/blog\n\x1b[31mred[.]com\n",
    );
    const read = assay("", "import", article, join(folder, "missing"), "--corpus", corpus);
    expect(read.status).toBe(1);
    expect(read.stderr).toMatch(/text with indicators: 1 claims \(1 new\), 0 configs/);
    expect(read.stderr).toMatch(/left out: https:\/\/vendor\.com\/blog: not defanged/);
    expect(read.stderr).not.toContain("\x1b");
    expect(read.stderr).toMatch(/missing: no such file/);
    expect(assay("", "import", "--sources", "--corpus", corpus).stdout).toMatch(/ 1 {2}article\.txt\n/);
    expect(assay("", "import", article, "--dry-run").stderr).toMatch(/nothing kept/);
    expect(assay("", "import", article, "--form", "misp", "--dry-run").stderr).toMatch(/no JSON/);
    expect(assay("", "import", "--forget", "article.txt", "--corpus", corpus).stderr).toMatch(/1 claims/);
    expect(assay("", "import", "--forget", "article.txt", "--corpus", corpus).status).toBe(2);
  }, 240_000);
});

describe("tools of the field", () => {
  it("YARA-X compiles the rules and finds what they name", async () => {
    const report = ordinaryReport();
    const scanner = await createScanner([body("yara", report)]);
    const hit = scanner.scan(Buffer.from("..77.105.132.70..Global\\QSR_MUTEX_77.."));
    expect(hit.map((one) => one.rule)).toEqual(["assay_cluster_1a2b"]);
    expect(scanner.scan(Buffer.from("77.105.132.71"))).toEqual([]);
    await createScanner(HOSTILE.map((text) => body("yara", hostileReport(text))));
  });

  const installed = (command: string, ...args: string[]) => spawnSync(command, args).error === undefined;

  it.skipIf(!installed("suricata", "-V"))("Suricata loads the rules", { timeout: 60_000 }, () => {
    const reports = [JSON.parse(readFileSync(demo, "utf8")), ordinaryReport(), ...HOSTILE.map(hostileReport)];
    const rules = reports.flatMap((report) => body("suricata", report).split("\n"));
    // The same rule in two reports has the same sid: Suricata wants it once.
    const bySid = new Map(rules.map((rule) => [/sid:\d+/.exec(rule)?.[0] ?? rule, rule]));
    const file = join(folder, "all.rules");
    writeFileSync(file, [...bySid.values()].join("\n"));
    const run = spawnSync("suricata", ["-T", "-S", file, "-l", folder], { encoding: "utf8" });
    expect(run.stderr).not.toMatch(/(?:^|\s)(?:E|W|Error|Warning):/m);
    expect(run.status).toBe(0);
  });

  it.skipIf(!installed("named-checkzone", "-v"))("BIND loads the zone", () => {
    const file = join(folder, "zone");
    for (const report of [
      ordinaryReport(),
      JSON.parse(readFileSync(demo, "utf8")),
      ...HOSTILE.map(hostileReport),
    ]) {
      writeFileSync(file, body("rpz", report));
      const run = spawnSync("named-checkzone", ["rpz.test", file], { encoding: "utf8" });
      expect(run.stdout).toMatch(/\nOK\n$/);
    }
  });
});

it("docs/export.md names every form", () => {
  const page = fileURLToPath(new URL("../../../../docs/export.md", import.meta.url));
  expect(existsSync(page)).toBe(true);
  const text = readFileSync(page, "utf8");
  for (const form of forms) expect(text).toContain(`| \`${form.id}\` |`);
});
