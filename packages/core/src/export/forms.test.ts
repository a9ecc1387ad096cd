/** What each form says of an ordinary report. Hostile ones: hostile.test.ts; the owners' schemas: published.test.ts. */
import { parse as parseCsv } from "csv-parse/sync";
import { describe, expect, it } from "vitest";
import { checkReport } from "../model/check-report.ts";
import { csvCell, fromCsvCell } from "./csv.ts";
import { EDL_CAPS } from "./edl.ts";
import type { ExportOptions } from "./form.ts";
import { findForm } from "./registry.ts";
import { literal } from "./sigma.ts";
import { scoId } from "./stix/ids.ts";
import { patternString } from "./stix/pattern.ts";
import { contentOf, SID_COUNT, SID_FIRST } from "./suricata.ts";
import { finding, hash, indicator, ordinaryReport, reportOf, sample } from "./testing.ts";
import { parseUserList } from "./user-list.ts";
import { uuid5 } from "./uuid.ts";
import { yaraString } from "./yara.ts";

function exported(id: string, report = ordinaryReport(), options: ExportOptions = {}) {
  const form = findForm(id);
  if (form === undefined) throw new Error(`no form ${id}`);
  return form.convert(report, options);
}

const lines = (id: string, options: ExportOptions = {}) =>
  exported(id, ordinaryReport(), options).body.split("\n").slice(0, -1);

type Stix = { type: string; id: string; [key: string]: unknown };
const bundle = (options: ExportOptions = {}): Stix[] =>
  JSON.parse(exported("stix", ordinaryReport(), options).body).objects;

describe("ids", () => {
  it("are those of RFC 9562 and of the examples in STIX 2.1", () => {
    // RFC 9562, A.4: www.example.com in the namespace of DNS names.
    expect(uuid5("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "www.example.com")).toBe(
      "2ed6657d-e927-568b-95e1-2665a8aea6a2",
    );
    expect(scoId("ipv4-addr", { value: "198.51.100.3" })).toBe(
      "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4",
    );
    expect(scoId("domain-name", { value: "example.com" })).toBe(
      "domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7",
    );
    expect(scoId("ipv6-addr", { value: "2001:db8::1" })).toBe(
      "ipv6-addr--6469e3a9-b053-5e34-a025-9396ae051d26",
    );
  });

  it("of STIX objects stay when the same files are analysed another day", () => {
    const later = { ...ordinaryReport(), startedAt: "2027-01-01T00:00:00Z", elapsedMs: 99 };
    const again: Stix[] = JSON.parse(exported("stix", later).body).objects;
    expect(again.map((one) => one.id)).toEqual(bundle().map((one) => one.id));
    expect(again.map((one) => one.created)).toEqual(bundle().map((one) => one.created));
  });
});

describe("STIX", () => {
  it("names families, files, analyses and infrastructure, and ties them", () => {
    const count = (type: string) => bundle().filter((one) => one.type === type).length;
    expect(
      bundle()
        .filter((one) => one.is_family === true)
        .map((one) => one.name),
    ).toEqual(["Some Stealer", "Other Loader"]);
    expect(count("malware-analysis")).toBe(3);
    expect(count("grouping")).toBe(1);
    const infrastructure = bundle().filter((one) => one.type === "infrastructure");
    expect(infrastructure.map((one) => one.name)).toEqual([
      "77.105.132.70",
      "2a01:4f8::1",
      "c2.bad-example.ru",
      "128.140.69.37",
      "weak.bad-example.org",
    ]);
  });

  it("makes no indicator of a dead drop, a CDN, a private address or a decoy", () => {
    const patterns = bundle()
      .map((one) => one.pattern)
      .join("\n");
    for (const value of ["steamcommunity", "104.21.32.12", "192.168.1.7", "decoy"])
      expect(patterns).not.toContain(value);
    expect(patterns).toContain("[mutex:name = 'Global\\\\QSR_MUTEX_77']");
    expect(patterns).toContain(
      "[network-traffic:dst_ref.type = 'ipv6-addr' AND network-traffic:dst_ref.value = '2a01:4f8::1' AND network-traffic:dst_port = 8080]",
    );
    expect(patterns).toContain("[windows-registry-key:key = 'HKEY_LOCAL_MACHINE\\\\Software\\\\Rmc-5P0XQ1']");
  });

  it("maps confidence, and keeps the evidence in its extension", () => {
    const analyses = bundle().filter((one) => one.type === "malware-analysis");
    expect(analyses.map((one) => [one.confidence, one.result])).toEqual([
      [85, "malicious"],
      [95, "malicious"],
      [50, "suspicious"],
    ]);
    const [definition] = bundle().filter((one) => one.type === "extension-definition");
    const extensions = analyses[0]?.extensions as Record<string, { evidence: { pointer: string }[] }>;
    expect(extensions[definition?.id ?? ""]?.evidence[0]?.pointer).toBe("/c2/0");
  });

  it("marks every object with the TLP 2.0 definition that OASIS gave out", () => {
    const [marking, ...rest] = bundle({ tlp: "amber" });
    expect(marking?.id).toBe("marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421");
    for (const one of rest) expect(one.object_marking_refs).toEqual([marking?.id]);
    expect(bundle().some((one) => one.object_marking_refs !== undefined)).toBe(false);
  });

  it("gives no analyst's folder away", () => {
    for (const id of ["stix", "misp", "maco", "graphml", "cape", "mwdb"])
      expect(exported(id).body).not.toContain("somebody");
  });

  it("escapes what would end a pattern's string", () => {
    expect(patternString("a'] OR [b\\")).toBe("'a\\'] OR [b\\\\'");
  });
});

describe("MISP", () => {
  type Attribute = { type: string; value: string; to_ids: boolean };
  const attributes = (options: ExportOptions = {}): Attribute[] =>
    JSON.parse(exported("misp", ordinaryReport(), options).body).Event.Object.flatMap(
      (object: { Attribute: Attribute[] }) => object.Attribute,
    );

  it("sets to_ids for what may be blocked and for the files themselves, and for nothing else", () => {
    const flagged = attributes().filter((one) => one.to_ids);
    expect(flagged.map((one) => one.value)).not.toContain("104.21.32.12");
    expect(new Set(flagged.map((one) => one.type))).toEqual(
      new Set(["ip-dst", "domain", "url", "sha256", "sha1", "md5"]),
    );
    const weak = attributes().find((one) => one.value === hash(31));
    expect(weak?.to_ids).toBe(false);
    expect(attributes().some((one) => one.value === "steamcommunity.com" && !one.to_ids)).toBe(true);
    const deny = parseUserList("steamcommunity.com").list;
    expect(attributes({ deny }).some((one) => one.value === "steamcommunity.com" && one.to_ids)).toBe(true);
  });

  it("tags with Malpedia's galaxy and the TLP", () => {
    const tags = JSON.parse(exported("misp", ordinaryReport(), { tlp: "green" }).body).Event.Tag;
    expect(tags.map((tag: { name: string }) => tag.name)).toEqual([
      "tlp:green",
      'misp-galaxy:malpedia="Other Loader"',
      'misp-galaxy:malpedia="Some Stealer"',
    ]);
  });
});

describe("configs for other systems", () => {
  it("are MACO's with the file named in `other`", () => {
    const [model] = JSON.parse(exported("maco").body);
    expect(model.tcp).toHaveLength(3);
    expect(model.other.assay).toEqual({
      sha256: hash(1),
      names: ["sample-1.exe"],
      layout: "L1",
      confidence: "structural",
    });
  });

  it("have CAPE's keys", () => {
    const [first] = JSON.parse(exported("cape").body).CAPE.configs;
    expect(first["Some Stealer"]).toMatchObject({
      CNCs: ["tcp://77.105.132.70:4782", "tcp://c2.bad-example.ru:443", "tcp://192.168.1.7:80"],
      campaign: "spring",
      version: "1.2",
      mutex: "Global\\QSR_MUTEX_77",
      cryptokey: "00ff",
      cryptokey_type: "rc4",
    });
    expect(first._associated_config_hashes[0].sha256).toBe(hash(1));
  });

  it("are what MWDB takes, for the parent's hash", () => {
    const uploads = JSON.parse(exported("mwdb").body);
    expect(uploads.map((one: { parent: string }) => one.parent)).toEqual([hash(1), hash(2), hash(31)]);
    expect(uploads[0]).toMatchObject({
      family: "Some Stealer",
      config_type: "static",
      cfg: { type: "win.some" },
    });
  });
});

describe("CSV", () => {
  it("has a row for each indicator, with its reason when it is not to be blocked", () => {
    const rows: Record<string, string>[] = parseCsv(exported("csv").body, {
      columns: true,
      recordDelimiter: "\r\n",
    });
    expect(rows.find((row) => row.value === "77.105.132.70")).toMatchObject({
      families: "win.other win.some",
      confidence: "proved",
      block: "yes",
      samples: `${hash(1)} ${hash(2)}`,
    });
    expect(rows.find((row) => row.value === "104.21.32.12")).toMatchObject({
      block: "no",
      why_not: "address of a CDN (Cloudflare)",
    });
  });

  it("puts an apostrophe before a formula, which comes off again", () => {
    for (const text of ["=1", " =1", "+1", "-1", "@x", "\t=1", "'x", "|x", "%x", "\uff1d1", "plain", ""]) {
      const [[cell]] = parseCsv(`${csvCell(text)},x\r\n`) as [[string]];
      expect(fromCsvCell(cell)).toBe(text);
    }
    expect(csvCell("=1")).toBe("'=1");
    expect(csvCell('=a,"b"')).toBe('"\'=a,""b"""');
  });
});

describe("lists to block", () => {
  it("hold one entry a line, best confidence first", () => {
    expect(lines("edl-ip")).toEqual(["77.105.132.70", "2a01:4f8::1", "128.140.69.37"]);
    expect(lines("edl-domain")).toEqual(["c2.bad-example.ru", "weak.bad-example.org"]);
    expect(lines("edl-url")).toEqual(["128.140.69.37:80/gate.php?a=1"]);
    expect(lines("hosts", { tlp: "clear" })).toEqual([
      "# Names from malware configs, by assay",
      "# TLP:CLEAR",
      "0.0.0.0 c2.bad-example.ru",
      "0.0.0.0 weak.bad-example.org",
    ]);
    expect(lines("rpz").slice(-7)).toEqual([
      "32.70.132.105.77.rpz-ip CNAME .",
      "128.1.zz.4f8.2a01.rpz-ip CNAME .",
      "c2.bad-example.ru CNAME .",
      "*.c2.bad-example.ru CNAME .",
      "32.37.69.140.128.rpz-ip CNAME .",
      "weak.bad-example.org CNAME .",
      "*.weak.bad-example.org CNAME .",
    ]);
  });

  it("are cut at the cap of the smallest platform, the weakest first, and say so", () => {
    const empty = finding({ family: "win.some" }, { confidence: "heuristic" });
    const weak = Array.from({ length: EDL_CAPS.domain }, (_, n) =>
      indicator("domain", `h${n}.bad-example.ru`),
    );
    const report = reportOf([
      sample(1, [empty], { indicators: weak }),
      sample(2, [{ ...empty, confidence: "proved" }], {
        indicators: [indicator("domain", "zz.bad-example.ru")],
      }),
    ]);
    const out = exported("edl-domain", report);
    const entries = out.body.split("\n").slice(0, -1);
    expect(entries).toHaveLength(EDL_CAPS.domain);
    expect(entries[0]).toBe("zz.bad-example.ru");
    expect(out.notes).toEqual([`1 entries of least confidence cut off at the cap of ${EDL_CAPS.domain}`]);
    expect(out.leftOut).toHaveLength(1);
  });

  it("leave out what a URL list cannot say, and hosts files a name with an underscore", () => {
    const empty = finding({ family: "win.some" });
    const urls = [
      "ftp://a.bad-example.ru/x",
      "http://u:p@a.bad-example.ru/",
      "http://a.bad-example.ru/*x",
      "https://a.bad-example.ru:8443/",
    ];
    const report = reportOf([
      sample(1, [empty], {
        indicators: [...urls.map((url) => indicator("url", url)), indicator("domain", "_a.bad-example.ru")],
      }),
    ]);
    const out = exported("edl-url", report);
    expect(out.body).toBe("");
    expect(out.leftOut.map((one) => one.value).sort()).toEqual([...urls].sort());
    expect(exported("hosts", report).leftOut.map((one) => one.value)).toEqual(["_a.bad-example.ru"]);
  });
});

describe("rules", () => {
  it("for Suricata have sids of our range, each once, the same wherever the rule appears", () => {
    const sidsOf = (body: string) => [...body.matchAll(/sid:(\d+)/g)].map((match) => Number(match[1]));
    const all = sidsOf(exported("suricata").body);
    expect(new Set(all).size).toBe(all.length);
    for (const sid of all) expect(sid >= SID_FIRST && sid < SID_FIRST + SID_COUNT).toBe(true);
    const report = ordinaryReport();
    const alone = sidsOf(exported("suricata", { ...report, samples: report.samples.slice(2) }).body);
    expect(alone).toHaveLength(3);
    for (const sid of alone) expect(all).toContain(sid);
  });

  it("for Suricata write all but plain characters of a content as hex", () => {
    expect(contentOf('a";b|\\c:d')).toBe("a|22 3B|b|7C 5C|c|3A|d");
    expect(contentOf("\u00e9")).toBe("|C3 A9|");
  });

  it("for Sigma look for queries, addresses, files and registry values, and say that mutexes stand in no log", () => {
    const { body, leftOut } = exported("sigma");
    for (const category of ["dns_query", "network_connection", "file_event", "registry_event"])
      expect(body).toContain(category);
    expect(body).toContain("\\\\\\\\SubDir\\\\\\\\Cl'ient.exe");
    expect(leftOut).toContainEqual({
      value: "Global\\QSR_MUTEX_77",
      reason: "mutexes stand in no log source of Sigma",
    });
    expect(literal("a*b?c\\d")).toBe("a\\*b\\?c\\\\d");
  });

  it("of YARA hold what the cluster's files share", () => {
    const { body } = exported("yara");
    expect(body).toContain("rule assay_cluster_1a2b");
    expect(body).toContain('$s0 = "77.105.132.70" ascii wide');
    expect(body).toContain('$s1 = "Global\\\\QSR_MUTEX_77" ascii wide');
    expect(yaraString('a"\n\u00e9')).toBe('"a\\"\\x0a\\xc3\\xa9"');
  });
});

describe("a report from elsewhere", () => {
  it("is taken when it is one", () => {
    expect(checkReport(ordinaryReport())).toEqual({ ok: true, value: ordinaryReport() });
  });

  it("is refused with the place and the reason when it is not", () => {
    const error = (value: unknown) => {
      const checked = checkReport(value);
      return checked.ok ? "" : checked.error;
    };
    expect(error([])).toMatch(/object/);
    expect(error({ ...ordinaryReport(), schema: "other/1" })).toMatch(/^\/schema/);
    const [first, ...rest] = ordinaryReport().samples;
    expect(error({ ...ordinaryReport(), samples: [{ ...first, sha256: "x\ny" }, ...rest] })).toMatch(
      /^\/samples\/0\/sha256/,
    );
    let deep: unknown = {};
    for (let i = 0; i < 100_000; i++) deep = { deep };
    expect(error({ ...ordinaryReport(), deep })).toMatch(/nested/);
  });
});

describe("what a sandbox said", () => {
  const differences = [
    { in: "both", value: "tcp://203.0.113.7:4782", theirs: "/configs/0/values/0", ours: "/findings/0/c2/0" },
    { in: "assay", value: "Global\\one", ours: "/findings/0/config/mutex" },
  ] as const;
  const sandbox = {
    ...{ name: "cape", task: "12", artefacts: 3, families: ["Quasar"] },
    configs: [{ family: "Quasar", values: [{ name: "hosts", value: "203.0.113.7:4782" }] }],
    differences: [...differences],
  };
  const told = reportOf([sample(1, [], { names: ["in/run.exe"], sandbox })]);

  it("stands in the Markdown, under the names of both, defanged", () => {
    const { body } = exported("md", told);
    expect(body.slice(body.indexOf("## Said by"))).toBe(
      `## Said by the sandbox

### run.exe

cape task 12: Quasar; 3 files of the run analysed

| Said by | Field | Value |
| --- | --- | --- |
| both | hosts | tcp&#58;//203.0.113&#91;.&#93;7:4782 |
| assay only | mutex | Global&#92;one |

`,
    );
  });

  it("stands in the page", () => {
    const { body } = exported("html", told);
    expect(body).toContain("run.exe: cape task 12: Quasar; 3 files of the run analysed</summary>");
    expect(body).toContain(
      '<tr><td>assay only</td><td>mutex</td><td><span class="v">Global\\one</span></td></tr>',
    );
  });

  it("has no heading where no sample came out of one", () => {
    for (const form of ["md", "html"]) expect(exported(form).body).not.toContain("Said by the sandbox");
  });
});
