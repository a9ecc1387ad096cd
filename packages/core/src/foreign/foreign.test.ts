import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8Bytes } from "../bytes/index.ts";
import { findForm } from "../export/registry.ts";
import {
  finding,
  HOSTILE,
  hash,
  hostileReport,
  ordinaryReport,
  reportOf,
  sample,
} from "../export/testing.ts";
import type { Config, Report } from "../model/index.ts";
import { addressesOf, momentOf } from "./claim.ts";
import { FOREIGN_FORMS, type ForeignForm } from "./forms.ts";
import { type Foreign, readForeign } from "./read.ts";

function read(text: string, form?: ForeignForm): Foreign {
  const result = readForeign(utf8Bytes(text), form);
  if (!result.ok) throw new Error(result.error);
  return result.value;
}
const json = (value: unknown, form?: ForeignForm) => read(JSON.stringify(value), form);
const body = (id: string, report: Report) => findForm(id)?.convert(report, {}).body ?? "";
const values = (foreign: Foreign, n = 0) =>
  (foreign.claims[n]?.indicators ?? []).map(({ type, value, usage }) => `${usage} ${type} ${value}`);
const why = (foreign: Foreign) => foreign.leftOut.map((one) => `${one.what}: ${one.why}`);

describe("what assay itself exported", () => {
  it("comes back from MACO as the same configs of the same files", () => {
    const report = ordinaryReport();
    const back = read(body("maco", report));
    expect(back.form).toBe("maco");
    const sent = report.samples.flatMap(({ findings }) => findings);
    expect(back.claims.map(({ config }) => config)).toEqual(sent.map(({ config }) => config));
    expect(back.claims.map(({ subjects }) => subjects)).toEqual([[hash(1)], [hash(2)], [hash(31)]]);
    const [first] = report.samples;
    expect(values(back)).toEqual(
      first?.indicators.map(({ type, value, usage }) => `${usage} ${type} ${value}`),
    );
    expect(back.leftOut).toEqual([]);
  });

  it("comes back from MISP, MWDB and CAPE with its configs, families, files and C2s", () => {
    const report = ordinaryReport();
    const [config] = report.samples.flatMap(({ findings }) => findings.map((one) => one.config));
    for (const [id, kept] of [
      ["misp", config],
      ["mwdb", undefined],
      ["cape", undefined],
    ] as const) {
      const back = read(body(id, report));
      expect(back.form).toBe(id);
      const claim = back.claims.find(({ subjects }) => subjects.length === 1 && subjects[0] === hash(1));
      if (kept !== undefined) expect(claim?.config).toEqual(kept);
      const all = claim?.indicators.map(({ value }) => value);
      for (const value of [
        "77.105.132.70:4782",
        "77.105.132.70",
        "c2.bad-example.ru",
        "Global\\QSR_MUTEX_77",
      ])
        expect(all, id).toContain(value);
    }
  });

  it("comes back from CSV with types, usages, families and the apostrophes off", () => {
    const odd = finding({
      family: "win.some",
      mutex: ["=cmd|' /C calc'!A0"],
      tcp: [{ server_ip: "1.2.3.4", server_port: 5, usage: "c2" }],
    });
    const back = read(body("csv", reportOf([sample(1, [odd])])));
    expect(back.form).toBe("csv");
    expect(back.claims).toHaveLength(1);
    expect(back.claims[0]?.subjects).toEqual([hash(1)]);
    expect(back.claims[0]?.family).toBe("win.some");
    expect(values(back).sort()).toEqual([
      "c2 ipv4 1.2.3.4",
      "c2 socket 1.2.3.4:5",
      "other mutex =cmd|' /C calc'!A0",
    ]);
  });

  it("comes back whatever the strings of the sample are", () => {
    for (const text of HOSTILE) {
      const report = hostileReport(text);
      const [sent] = report.samples.flatMap(({ findings }) => findings.map((one) => one.config as Config));
      const back = read(body("maco", report));
      expect(back.claims[0]?.config).toEqual(sent);
      for (const id of ["misp", "mwdb", "cape", "csv"]) expect(read(body(id, report)).form, id).toBe(id);
    }
  });
});

describe("forms of others", () => {
  it("CAPE: families under their names, C2s as URLs or as they were before, the file's hash, detections left out", () => {
    const back = json({
      info: { id: 7, started: "2024-03-02 10:11:12" },
      target: { category: "file", file: { sha256: hash(9), name: "x.exe" } },
      detections: [{ family: "Emotet" }],
      CAPE: {
        configs: [
          {
            Lumma: {
              CNCs: ["https://evil-one.shop/api", "evil-two.shop"],
              botnet: "abc--x",
              cryptokey: "00",
            },
          },
          {
            Quasar: { C2: ["1.2.3.4:4782", "5.6.7.8:80;9.9.9.9:81"], Mutex: "QSR_1", _note: 1 },
            _associated_config_hashes: [{ sha256: hash(8) }],
          },
        ],
      },
    });
    expect(back.form).toBe("cape");
    expect(back.claims.map(({ family, subjects, at }) => [family, subjects, at])).toEqual([
      ["Lumma", [hash(9)], "2024-03-02T10:11:12.000Z"],
      ["Quasar", [hash(8)], "2024-03-02T10:11:12.000Z"],
    ]);
    expect(values(back)).toEqual([
      "c2 url https://evil-one.shop/api",
      "c2 domain evil-one.shop",
      "c2 domain evil-two.shop",
      "other campaign_id abc--x",
    ]);
    expect(values(back, 1)).toEqual(
      expect.arrayContaining(["c2 socket 5.6.7.8:80", "c2 ipv4 9.9.9.9", "other mutex QSR_1"]),
    );
    expect(why(back)).toEqual(["Emotet: a detection without a config"]);
  });

  it("CAPE: reports of old, with one object of families", () => {
    const back = json({ CAPE: { configs: { Formbook: { C2: "www.evil-one.com/abcd/" } } }, target: {} });
    expect(back.claims).toMatchObject([{ family: "Formbook", subjects: [] }]);
  });

  it("Triage: configs, droppers and credentials; what the network saw is no config", () => {
    const back = json({
      version: "0.3.0",
      sample: {
        id: "240101-x",
        sha256: hash(5),
        completed: "2024-01-02T03:04:05Z",
        iocs: { domains: ["windowsupdate.com"] },
      },
      analysis: { score: 10, family: ["redline"] },
      targets: [],
      extracted: [
        {
          tasks: ["behavioral1"],
          config: {
            family: "redline",
            botnet: "@cloudy",
            c2: ["185.1.2.3:28105"],
            attr: { auth_value: "ab" },
          },
        },
        { dropper: { language: "ps1", urls: [{ type: "exe.dropper", url: "http://evil-drop.com/a.exe" }] } },
        {
          credentials: {
            protocol: "smtp",
            host: "mail.evil-one.com",
            port: 587,
            username: "a@b.c",
            password: "pw",
          },
        },
      ],
    });
    expect(back.form).toBe("triage");
    expect(values(back)).toEqual(
      ["other campaign_id @cloudy", "c2 socket 185.1.2.3:28105", "c2 ipv4 185.1.2.3"].sort(
        (a, b) => values(back).indexOf(a) - values(back).indexOf(b),
      ),
    );
    expect(values(back, 1)).toContain("download url http://evil-drop.com/a.exe");
    expect(values(back, 2)).toEqual(
      expect.arrayContaining(["upload socket mail.evil-one.com:587", "other password pw"]),
    );
    expect(back.claims.every(({ subjects }) => subjects[0] === hash(5))).toBe(true);
    expect(why(back)).toEqual(["windowsupdate.com: seen on the network in the sandbox, not in a config"]);
  });

  it("MWDB: single configs, lists, parents that are files, blobs within", () => {
    const entry = {
      type: "static_config",
      id: "x",
      family: "remcos",
      config_type: "static",
      upload_time: "2023-05-06T07:08:09.123456+00:00",
      parents: [
        { type: "file", id: hash(3) },
        { type: "static_config", id: hash(4) },
      ],
      cfg: {
        type: "remcos",
        c2: [{ host: "evil-one.ddns.net", port: 2404 }],
        mutex: "Rmc-1",
        text: { "in-blob": { content: "note", blob_name: "n" } },
      },
    };
    for (const form of [entry, [entry], { configs: [entry] }]) {
      const back = json(form);
      expect(back.form).toBe("mwdb");
      expect(back.claims).toMatchObject([
        { family: "remcos", subjects: [hash(3)], at: "2023-05-06T07:08:09.123Z" },
      ]);
      expect(values(back)).toEqual([
        "c2 socket evil-one.ddns.net:2404",
        "c2 domain evil-one.ddns.net",
        "other mutex Rmc-1",
      ]);
      expect(back.claims[0]?.config?.text).toBe("note");
    }
  });

  it("MISP: events of others, one or a search's, with attributes of their own", () => {
    const event = {
      Event: {
        uuid: "1",
        date: "2022-02-03",
        Tag: [{ name: 'misp-galaxy:malpedia="Agent Tesla"' }, { name: "tlp:green" }],
        Attribute: [
          { type: "domain|ip", value: "evil-one.com|6.7.8.9", comment: "C2 server" },
          { type: "mutex", value: "M-1" },
          { type: "comment", value: "hello" },
          { type: "url", value: "http://gone.evil-one.com/x", deleted: true },
        ],
        Object: [
          {
            name: "malware-config",
            uuid: "2",
            Attribute: [{ object_relation: "config", type: "text", value: '{"c2":"7.7.7.7:9"}' }],
          },
          {
            name: "malware-config",
            uuid: "3",
            Attribute: [{ object_relation: "config", type: "text", value: "host = x" }],
          },
          {
            name: "file",
            uuid: "4",
            Attribute: [{ object_relation: "md5", type: "md5", value: "A".repeat(32) }],
          },
        ],
      },
    };
    for (const form of [event, [event], { response: [event] }]) {
      const back = json(form);
      expect(back.form).toBe("misp");
      expect(back.claims).toHaveLength(2);
      expect(back.claims[0]).toMatchObject({
        family: "Agent Tesla",
        at: "2022-02-03T00:00:00.000Z",
        subjects: ["a".repeat(32)],
      });
      expect(values(back)).toEqual(["c2 socket 7.7.7.7:9", "c2 ipv4 7.7.7.7"]);
      expect(values(back, 1)).toEqual(["c2 domain evil-one.com", "c2 ipv4 6.7.8.9", "other mutex M-1"]);
      expect(why(back).join()).toMatch(
        /host = x: a config that is no object.*hello: an attribute of type comment/,
      );
    }
  });

  it("MACO of other extractors: fields that we do not know stay in the config, odd entries cost only themselves", () => {
    const back = json({
      family: "x",
      dns: [{ hostname: "a.b" }],
      tcp: [{ server_ip: "8.7.6.5", server_port: 1, usage: "c2", extra: 1 }, "odd"],
      mutex: "not a list",
      http: [{ uri: "http://evil-one.com/a", usage: "c2" }],
    });
    expect(values(back)).toEqual([
      "c2 url http://evil-one.com/a",
      "c2 domain evil-one.com",
      "c2 socket 8.7.6.5:1",
      "c2 ipv4 8.7.6.5",
    ]);
    expect(back.claims[0]?.config?.dns).toEqual([{ hostname: "a.b" }]);
    expect(why(back).map((text) => text.split(":")[0])).toEqual(["mutex", "tcp"]);
  });

  it("CSV of feeds: names in comments, quotes with blanks, semicolons, no names at all", () => {
    const feodo =
      '# Feed\r\n# "first_seen_utc","dst_ip","dst_port","c2_status","malware"\r\n"2024-01-02 03:04:05", "1.2.3.4", "443","online","Dridex"\r\n';
    expect(read(feodo).claims).toMatchObject([{ family: "Dridex", at: "2024-01-02T00:00:00.000Z" }]);
    expect(values(read(feodo))).toEqual(["c2 socket 1.2.3.4:443", "c2 ipv4 1.2.3.4"]);
    const sheet =
      "Malware;IOC;Date\nRemcos;hxxp://evil-one[.]com/a;2023-01-01\nRemcos;nothing here;2023-01-01\n";
    expect(values(read(sheet))).toEqual(["c2 url http://evil-one.com/a", "c2 domain evil-one.com"]);
    expect(why(read(sheet))[0]).toMatch(/row 3 has no address/);
    const bare = `evil-one.com,${hash(1)}\nevil-two.com,${hash(2)}\n`;
    expect(read(bare).claims.map(({ subjects }) => subjects[0])).toEqual([hash(1), hash(2)]);
  });
});

describe("texts of people", () => {
  const article = `On 3 May the loader (update.zip, setup.exe, run.py) of version 1.2.3.4 was seen. See https://vendor.com/blog/post.
    It contacts hxxps://evil-one[.]com/gate.php, evil-two[.]co[.]uk:8443 and 45[.]67.89[.]10; also evil [dot] three (.) net,
    "hxxp[:]//evil-four[.]com/a(b)", bad[@]evil-five[.]org | 1.2.3[.]4:80 | readme[.]md | gbrem[.]exe |
    SHA256: ${hash(10)}
    [2a01:4f8::1[:]2] evil-six[.]com. (evil-seven[.]com) hxxp://5[.]6[.]7[.]8/x,hxxp://5[.]6[.]7[.]9/y`;

  it("are read for what was defanged; names of files, versions and references are left out", () => {
    const back = read(article);
    expect(back.form).toBe("text");
    const found = back.claims[0]?.indicators.map(({ value }) => value);
    for (const value of [
      "https://evil-one.com/gate.php",
      "evil-one.com",
      "evil-two.co.uk:8443",
      "45.67.89.10",
      "1.2.3.4:80",
      "evil-six.com",
      "evil-seven.com",
      "http://5.6.7.8/x",
      "http://5.6.7.9/y",
    ])
      expect(found).toContain(value);
    expect(found).toContain("evil.three.net");
    expect(found?.join(" ")).not.toMatch(/update\.zip|setup\.exe|run\.py|vendor|readme|gbrem/);
    expect(back.claims[0]?.subjects).toEqual([hash(10)]);
    expect(why(back).join("\n")).toMatch(/https:\/\/vendor\.com\/blog\/post.*not defanged/);
  });

  it("that are lists are taken as they are, but for names of files", () => {
    const back = read(
      "# C2s\nevil-one.com\n1.2.3.4:443\nhttp://evil-two.com/a\nscript.py\nnot-a-domain\npayload.zip\n",
    );
    expect(values(back)).toEqual([
      "other domain evil-one.com",
      "other socket 1.2.3.4:443",
      "other ipv4 1.2.3.4",
      "other url http://evil-two.com/a",
      "other domain evil-two.com",
    ]);
    expect(why(back)).toEqual([
      "script.py: reads as the name of a file",
      "payload.zip: reads as the name of a file",
    ]);
  });

  it("take time that grows with them, whatever they hold", () => {
    const steps = (text: string) => {
      const from = performance.now();
      read(text, "text");
      return performance.now() - from;
    };
    const pieces = [
      "[.]",
      "hxxp://",
      ".",
      "a.",
      "[",
      "(dot)",
      " [.] ",
      "[[[.]]]",
      "a[.]",
      "<",
      "h**p",
      "::",
      "@",
      ",",
      "x".repeat(50),
      "\t[",
      " (",
    ];
    // No clock decides: a quadratic scan of a megabyte would not end within the test's time.
    for (const piece of pieces)
      expect(steps(piece.repeat(Math.ceil(1_000_000 / piece.length)))).toBeGreaterThan(0);
  }, 60_000);
});

describe("hostile input", () => {
  it("of any bytes and any JSON ends in claims or an error", () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.json().map(utf8Bytes)), (bytes) => {
        const result = readForeign(bytes);
        expect(result.ok || result.error.length > 0).toBe(true);
      }),
      { seed: 3, numRuns: 500 },
    );
  });

  it("in the shape of each form, with values of any type, never throws", () => {
    const names = [
      "family",
      "cfg",
      "CAPE",
      "configs",
      "Event",
      "Object",
      "Attribute",
      "value",
      "type",
      "name",
      "extracted",
      "config",
      "sample",
      "analysis",
      "targets",
      "tcp",
      "http",
      "other",
      "assay",
      "host",
      "port",
      "c2",
      "__proto__",
      "constructor",
      "response",
      "Tag",
      "parents",
      "id",
      "sha256",
    ];
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: "small" },
        fc.constantFrom<unknown>(
          null,
          1,
          -1,
          "x",
          "",
          "1.2.3.4:5",
          "win.x",
          true,
          "malware-config",
          "file",
          "text",
        ),
        fc.array(tie("tree"), { maxLength: 4 }),
        fc.dictionary(fc.constantFrom(...names), tie("tree"), { maxKeys: 6 }),
      ),
    }));
    fc.assert(
      fc.property(tree, fc.constantFrom(undefined, ...FOREIGN_FORMS), (value, form) => {
        const result = readForeign(utf8Bytes(JSON.stringify(value)), form);
        expect(result.ok || result.error.length > 0).toBe(true);
      }),
      { seed: 5, numRuns: 2000 },
    );
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it("does not reach prototypes", () => {
    const text =
      '[{"family":"x","mutex":["m"],"__proto__":{"polluted":1},"other":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}}]';
    const back = read(text);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(JSON.stringify(back.claims[0]?.config)).toContain("polluted");
    expect(Object.getPrototypeOf(back.claims[0]?.config)).toBe(Object.prototype);
  });

  it("is refused when it is too deep, no text, or somebody's JSON", () => {
    const error = (text: string, form?: ForeignForm) => {
      const result = readForeign(utf8Bytes(text), form);
      return result.ok ? "" : result.error;
    };
    expect(error("[".repeat(100_000) + "]".repeat(100_000))).toMatch(/nested/);
    expect(error("MZ\0\0")).toMatch(/no text/);
    expect(error('{"hello":"1.2.3.4"}')).toMatch(/no form/);
    expect(error("plain", "maco")).toMatch(/no JSON/);
    expect(error("{}", "misp")).toMatch(/no MISP/);
  });

  it("has dates that are dates", () => {
    expect(momentOf("2024-02-29")).toBe("2024-02-29T00:00:00.000Z");
    expect(momentOf("2024-02-29 10:00:00 UTC")).toBe("2024-02-29T10:00:00.000Z");
    expect(momentOf("2024-02-29T10:00:00.123456+0200")).toBe("2024-02-29T08:00:00.123Z");
    expect(momentOf("1700000000")).toBe("2023-11-14T22:13:20.000Z");
    for (const wrong of [
      "2023-02-29",
      "yesterday",
      "0001-01-01",
      "99999-01-01",
      "2024-13-01",
      {},
      null,
      Number.NaN,
      1e300,
    ])
      expect(momentOf(wrong), String(wrong)).toBeUndefined();
  });

  it("has addresses that are some", () => {
    expect(addressesOf("tcp://1.2.3.4:80").map(({ type }) => type)).toEqual(["socket", "ipv4"]);
    expect(addressesOf("https://evil-one.com")).toEqual([{ type: "domain", value: "evil-one.com" }]);
    for (const none of ["localhost", "abc", "", "x".repeat(10_000), "http://", "a b.c"])
      expect(addressesOf(none)).toEqual([]);
  });
});
