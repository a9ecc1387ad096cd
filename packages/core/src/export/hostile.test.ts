/** Every string of a sample is an attack on whoever reads the export: each form against parsers that are not ours. */
import { parse as parseCsv } from "csv-parse/sync";
import zonefile from "dns-zonefile";
import fc from "fast-check";
import { SaxesParser } from "saxes";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import type { Report } from "../model/index.ts";
import { CSV_COLUMNS, fromCsvCell } from "./csv.ts";
import type { Exported } from "./form.ts";
import { findForm, forms } from "./registry.ts";
import { literal } from "./sigma.ts";
import {
  finding,
  HOSTILE,
  hash,
  hostileReport,
  indicator,
  ordinaryReport,
  reportOf,
  sample,
} from "./testing.ts";

const MEGABYTE = "A\"'\\\n=\u202e\0".repeat(128 * 1024);

function exported(id: string, report: Report): Exported {
  const form = findForm(id);
  if (form === undefined) throw new Error(`no form ${id}`);
  return form.convert(report, { tlp: "amber+strict" });
}

function configOf(report: Report): unknown {
  return report.samples[0]?.findings[0]?.config;
}

/** What `text` becomes when halves of surrogate pairs are replaced. */
function whole(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\ufffd");
}

/** Checks of one form's body; `text` is what stands in every field. */
const CHECKS: Readonly<Record<string, (out: Exported, report: Report, text: string) => void>> = {
  maco: ({ body }, report) => {
    const [model] = JSON.parse(body);
    delete model.other.assay;
    expect(model).toEqual(configOf(report));
  },
  mwdb: ({ body }, report, text) => {
    const [upload] = JSON.parse(body);
    const { type, c2, ...fields } = upload.cfg;
    expect({ family: type, ...fields }).toEqual(configOf(report));
    expect(c2).toEqual([text, `https://${text}`]);
  },
  cape: ({ body }, report, text) => {
    const [{ _associated_config_hashes, ...byName }] = JSON.parse(body).CAPE.configs;
    expect(Object.keys(byName)).toEqual([text]);
    expect(byName[text].raw).toEqual(configOf(report));
    expect(byName[text].CNCs).toEqual([text, `https://${text}`]);
  },
  stix: ({ body }, report, text) => {
    const { objects } = JSON.parse(body);
    const analysis = objects.find((one: { type: string }) => one.type === "malware-analysis");
    const [extension] = Object.values(analysis.extensions) as { config: unknown }[];
    expect(extension?.config).toEqual(configOf(report));
    const mutexes = objects.filter((one: { type: string }) => one.type === "mutex");
    expect(mutexes.map((one: { name: string }) => one.name)).toContain(text);
    // One comparison expression, whatever the text: strings in apostrophes, where only \\ and \' are escapes.
    for (const one of objects.filter((object: { type: string }) => object.type === "indicator")) {
      expect(one.pattern).toMatch(/^\[(?:[\w:.*[\]=\s-]|'(?:[^'\\]|\\['\\])*')+\]$/);
      expect(one.pattern.replace(/'(?:[^'\\]|\\['\\])*'/g, "S")).not.toMatch(/ OR |LIKE|FOLLOWEDBY|\].*\[/);
    }
    expect(unescaped(objects, "mutex:name")).toContain(text);
  },
  misp: ({ body }, report, text) => {
    const { Event } = JSON.parse(body);
    const attributes = Event.Object.flatMap(
      (object: { Attribute: { object_relation: string }[] }) => object.Attribute,
    );
    const values = (relation: string): string[] =>
      attributes
        .filter((one: { object_relation: string }) => one.object_relation === relation)
        .map((one: { value: string; data?: string }) =>
          one.data === undefined ? one.value : Buffer.from(one.data, "base64").toString(),
        );
    const [config] = [...values("config"), ...values("file-config")];
    expect(JSON.parse(config as string)).toEqual(configOf(report));
    if (text.length < 20_000) expect(values("name")).toContain(text);
    for (const { name } of Event.Tag) expect(name).toMatch(/^[\w:+-]+(?:="[^"\p{Cc}\p{Cf}]*")?$/u);
  },
  csv: ({ body }, _report, text) => {
    const rows: string[][] = parseCsv(body, { recordDelimiter: "\r\n" });
    expect(rows[0]).toEqual([...CSV_COLUMNS]);
    for (const row of rows) {
      expect(row).toHaveLength(CSV_COLUMNS.length);
      for (const cell of row) expect(cell).not.toMatch(/^[\s\0]*[=+\-@|%]/);
    }
    expect(rows.map((row) => fromCsvCell(row[1] as string))).toContain(text);
  },
  "edl-ip": ({ body }) => expect(body).toMatch(/^(?:[0-9a-f.:]+\n)*$/),
  "edl-domain": ({ body }) => expect(body).toMatch(/^(?:[a-z0-9._-]{1,255}\n)*$/),
  "edl-url": ({ body }) => {
    for (const line of body.split("\n").slice(0, -1)) {
      expect(line).toMatch(/^[\x21-\x7e]{1,255}$/);
      expect(line).toMatch(/^www\.bad-example\.ru\//);
      expect(line).not.toMatch(/[*^]/);
    }
  },
  hosts: ({ body }) => {
    for (const line of body.split("\n").slice(2, -1)) expect(line).toMatch(/^0\.0\.0\.0 [a-z0-9.-]+$/);
  },
  rpz: ({ body }) => {
    const zone = zonefile.parse(body);
    expect(zone.soa?.minimum).toBe(300);
    expect(zone.cname?.map((record) => [record.name, record.alias])).toEqual([
      ["www.bad-example.ru", "."],
      ["*.www.bad-example.ru", "."],
    ]);
  },
  suricata: ({ body }) => {
    for (const line of body.split("\n").slice(3, -1)) {
      expect(line).toMatch(
        /^alert (?:dns|tls|http|tcp|ip) \$HOME_NET any -> [0-9a-f.:[\]any]+ (?:any|\d+) \((?:[a-z._]+(?::(?:"[\w .~/=&?%+,@|-]*"|[\w .,-]+))?; ?)+\)$/,
      );
    }
  },
  sigma: ({ body, leftOut }, _report, text) => {
    const documents = parseAllDocuments(body, { strict: true });
    if (!Array.isArray(documents)) throw new Error("no document");
    expect(documents.flatMap((document) => document.errors)).toEqual([]);
    const strings = documents.flatMap((document) => stringsIn(document.toJS()));
    const kept = strings.some((value) => value.includes(literal(text)));
    expect(kept || leftOut.some((one) => one.value === text)).toBe(true);
    expect(strings.some((value) => value === "selection")).toBe(true);
  },
  graphml: ({ body, leftOut }, _report, text) => {
    const labels = labelsOf(body);
    const kept = labels.includes(text) || text === "";
    expect(kept || leftOut.some((one) => one.value === text)).toBe(true);
    expect(labels).toContain(hash(1));
  },
  yara: ({ body }) => {
    for (const line of body.split("\n")) {
      expect(line).toMatch(/^[\x20-\x7e]*$/);
      if (/^ {4}[\w$]+ = /.test(line)) {
        expect(line).toMatch(
          /^ {4}[\w$]+ = (?:"(?:[^"\\]|\\["\\]|\\x[0-9a-f]{2})*"(?: ascii wide)?|\{(?: [0-9A-F]{2})+ \})$/,
        );
      }
    }
  },
  md: ({ body }) => {
    expect(body).not.toMatch(/<(?!br>)[a-z!/]/i);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what we look for
    expect(body).not.toMatch(/[\0-\x09\x0b-\x1f\u202a-\u202e\u2066-\u2069]/);
  },
  html: ({ body }) => {
    const tags = new Set([...body.matchAll(/<\/?([^\s>]*)/g)].map((match) => match[1]));
    const ours =
      "html head meta title style body h1 h2 p section table thead tbody tr th td span div code br ul li strong details summary !doctype";
    expect([...tags].filter((tag) => !ours.split(" ").includes(tag as string))).toEqual([]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what we look for
    expect(body).not.toMatch(/[\0-\x09\x0b-\x1f\u202a-\u202e\u2066-\u2069]/);
  },
};

function unescaped(objects: { pattern?: string }[], path: string): string[] {
  return objects
    .filter((one) => one.pattern?.startsWith(`[${path} = '`))
    .map((one) => (one.pattern as string).slice(path.length + 5, -2).replace(/\\(['\\])/g, "$1"));
}

function stringsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(stringsIn) : [];
}

/** Strict: throws on the first thing that is not well-formed XML 1.0. */
function labelsOf(xml: string): string[] {
  const labels: string[] = [];
  let current: string | undefined;
  const parser = new SaxesParser({ xmlns: true });
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("opentag", (tag) => {
    current = tag.local === "data" && tag.attributes.key?.value === "label" ? "" : undefined;
  });
  parser.on("text", (text) => {
    if (current !== undefined) current += text;
  });
  parser.on("closetag", () => {
    if (current !== undefined) labels.push(current);
    current = undefined;
  });
  parser.write(xml).close();
  return labels;
}

describe("every form", () => {
  it("has checks here", () => {
    expect(Object.keys(CHECKS).sort()).toEqual(forms.map((form) => form.id).sort());
  });

  for (const form of forms) {
    const check = CHECKS[form.id] as (typeof CHECKS)[string];

    it(`${form.id}: parses, and gives each hostile value back or says that it is left out`, () => {
      for (const text of HOSTILE) {
        const report = hostileReport(text);
        check(exported(form.id, report), report, text);
      }
    });

    it(`${form.id}: holds with any text at all`, () => {
      fc.assert(
        fc.property(fc.string({ unit: "binary", maxLength: 40 }), (text) => {
          const report = hostileReport(text);
          check(exported(form.id, report), report, whole(text));
        }),
        { numRuns: 30, seed: 7 },
      );
    });

    it(`${form.id}: holds with a value of a megabyte`, () => {
      const [one] = hostileReport("x").samples;
      const config = { family: "win.some", mutex: [MEGABYTE], other: { text: MEGABYTE } };
      const big = sample(1, [finding(config)]);
      const indicators = [
        ...(one?.indicators ?? []),
        indicator("mutex", MEGABYTE),
        indicator("domain", MEGABYTE),
      ];
      const report = reportOf([{ ...big, indicators }]);
      const out = form.convert(report, {});
      if (form.mediaType.includes("json")) {
        expect(out.body.split(JSON.stringify(MEGABYTE).slice(1, -1)).length > 1 || form.id === "misp").toBe(
          true,
        );
        JSON.parse(out.body);
      } else if (!["md", "html"].includes(form.id)) {
        if (!["csv", "sigma", "graphml", "yara"].includes(form.id)) check(out, report, "x");
        const kept = out.body.length > MEGABYTE.length || ["yara", "edl-ip", "edl-url"].includes(form.id);
        expect(kept || out.leftOut.some((left) => left.value === MEGABYTE)).toBe(true);
      }
    });

    it(`${form.id}: replaces halves of surrogate pairs, and says so`, () => {
      const out = exported(form.id, hostileReport("half \ud800 pair"));
      expect(out.leftOut).toContainEqual({
        value: "half \ud800 pair",
        reason: "holds half of a surrogate pair: replaced by U+FFFD",
      });
      expect(out.body).toBe(Buffer.from(out.body).toString());
    });

    it(`${form.id}: gives the same bytes for the same report`, () => {
      const report = ordinaryReport();
      const before = JSON.stringify(report);
      const options = { tlp: "green" } as const;
      const first = form.convert(report, options);
      expect(form.convert(JSON.parse(before), options)).toEqual(first);
      expect(JSON.stringify(report)).toBe(before);
    });
  }
});

describe("an empty report", () => {
  it("has a body in every form", () => {
    for (const form of forms) {
      const out = form.convert({ ...ordinaryReport(), samples: [], relations: [], clusters: [] }, {});
      expect(out.leftOut, form.id).toEqual([]);
      expect(typeof out.body, form.id).toBe("string");
    }
  });
});

describe("a list to block", () => {
  it("takes no line break, comment or wildcard from an indicator of any type", () => {
    const values = [
      "evil.ru\n8.8.8.8",
      "evil.ru #x",
      "*",
      "*.com",
      "1.2.3.4 ; x",
      "evil.ru\0",
      "evil.ru IN A 1.1.1.1",
      "a..ru",
    ];
    const [one] = hostileReport("x").samples;
    for (const id of ["edl-ip", "edl-domain", "edl-url", "hosts", "rpz", "suricata"]) {
      const types = ["domain", "ipv4", "ipv6", "socket", "url"] as const;
      const indicators = values.flatMap((value) => types.map((type) => indicator(type, value)));
      const report = {
        ...hostileReport("x"),
        samples: [{ ...(one as NonNullable<typeof one>), indicators }],
      };
      const nothing = exported(id, { ...report, samples: [] });
      const out = exported(id, report);
      expect(out.body.replace(/ \d+ 300/, ""), id).toBe(nothing.body.replace(/ \d+ 300/, ""));
      expect(new Set(out.leftOut.map((left) => left.value)).size, id).toBe(values.length);
    }
  });
});
