/**
 * The forms against what their owners publish. The schemas are not ours to keep here: ASSAY_SCHEMAS names a folder that
 * holds them (docs/export.md says what goes where); without it these tests are skipped.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { TLP_LEVELS } from "./form.ts";
import { findForm } from "./registry.ts";
import { HOSTILE, hostileReport, ordinaryReport } from "./testing.ts";

const root = process.env.ASSAY_SCHEMAS ?? "";
const extra = process.env.ASSAY_REPORT ?? "";
const has = (path: string) => root !== "" && existsSync(join(root, path));
const json = (path: string) => JSON.parse(readFileSync(join(root, path), "utf8"));

const reports = [
  ordinaryReport(),
  ...HOSTILE.map(hostileReport),
  ...(extra === "" ? [] : [JSON.parse(readFileSync(extra, "utf8"))]),
];

function bodies(id: string): string[] {
  return reports.flatMap((report, index) =>
    (index === 0 ? TLP_LEVELS : [undefined]).map(
      (tlp) => findForm(id)?.convert(report, tlp === undefined ? {} : { tlp }).body ?? "",
    ),
  );
}

/** Of the formats that the schemas use: what their words mean, not what a library makes of them. */
const FORMATS = {
  "date-time": /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/,
  date: /^\d{4}-\d\d-\d\d$/,
  uuid: /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  uri: (text: string) => URL.canParse(text) && /^[!#-;=?-Z[\]_a-z~]+$/.test(text),
  "idn-hostname": (text: string) => text.length < 254 && !/[^a-z0-9.-]|^-|-$|\.-|-\.|\.\./.test(text),
  ipv4: /^(?:\d{1,3}\.){3}\d{1,3}$/,
  ipv6: /^[0-9a-f:.]+$/,
  email: true,
} as const;

describe.skipIf(!has("stix"))("STIX 2.1 by the schemas of OASIS", () => {
  const ajv = new Ajv2020({ strict: false, unicodeRegExp: false, formats: FORMATS });
  const byType = new Map<string, string>();
  for (const folder of has("stix") ? ["common", "observables", "sdos", "sros"] : [])
    for (const file of readdirSync(join(root, "stix", folder))) {
      const schema = json(`stix/${folder}/${file}`);
      ajv.addSchema(schema);
      byType.set(file.replace(/\.json$/, ""), schema.$id);
    }

  it("holds object by object, and as a bundle", () => {
    for (const body of bodies("stix")) {
      const bundle = JSON.parse(body);
      for (const object of bundle.objects) {
        const valid = ajv.validate(byType.get(object.type) as string, object);
        expect(valid, `${JSON.stringify(object).slice(0, 600)}: ${ajv.errorsText()}`).toBe(true);
      }
      // Its list of types was never brought up to 2.1: it refuses any grouping and any extension definition.
      const listed = bundle.objects.filter(
        (object: { type: string }) => !["grouping", "extension-definition"].includes(object.type),
      );
      const whole = ajv.validate(byType.get("bundle") as string, { ...bundle, objects: listed });
      expect(whole, ajv.errorsText().slice(0, 400)).toBe(true);
    }
  });

  it("refers only to what is in the bundle, before it", () => {
    for (const body of bodies("stix")) {
      const seen = new Set<string>();
      for (const object of JSON.parse(body).objects) {
        for (const [key, value] of Object.entries(object)) {
          if (/_refs?$/.test(key))
            for (const ref of [value].flat())
              expect(seen.has(ref as string), `${object.id} ${key} ${ref}`).toBe(true);
        }
        expect(seen.has(object.id)).toBe(false);
        seen.add(object.id);
      }
    }
  });

  const cwd = join(root, "stix2patterns");
  const python = has("stix2patterns")
    ? spawnSync("python3", ["-c", "import stix2patterns.v21.pattern"], { cwd })
    : { status: 1 };
  it.skipIf(python.status !== 0)(
    "has patterns that the parser of OASIS (cti-pattern-validator) takes",
    () => {
      const patterns = bodies("stix").flatMap((body) =>
        JSON.parse(body).objects.flatMap((object: { pattern?: string }) => object.pattern ?? []),
      );
      expect(patterns.length).toBeGreaterThan(20);
      const program = [
        "import json, sys",
        "from stix2patterns.v21.pattern import Pattern",
        "for text in json.load(sys.stdin): Pattern(text)",
        "try:",
        "  Pattern(\"[mutex:name = 'a'b']\")",
        "except Exception: print('ok')",
      ].join("\n");
      const run = spawnSync("python3", ["-c", program], {
        cwd,
        input: JSON.stringify([...new Set(patterns)]),
        encoding: "utf8",
      });
      expect(run.stderr).toBe("");
      expect(run.stdout).toBe("ok\n");
    },
  );
});

describe.skipIf(!has("misp/schema.json"))(
  "MISP by PyMISP's schema, its types and the templates of misp-objects",
  () => {
    const events = has("misp/schema.json") ? bodies("misp").map((body) => JSON.parse(body)) : [];

    it("is an event by the lax schema", () => {
      const validate = new Ajv({ strict: false, validateSchema: false, logger: false }).compile(
        draft7("misp/schema-lax.json"),
      );
      for (const event of events)
        expect(validate(event), JSON.stringify(validate.errors?.slice(0, 3))).toBe(true);
    });

    it("has types in categories that MISP knows", () => {
      const { categories, category_type_mappings: types } = json("misp/describeTypes.json").result;
      for (const { Event } of events)
        for (const object of Event.Object)
          for (const { category, type } of object.Attribute) {
            expect(categories).toContain(category);
            expect(types[category]).toContain(type);
          }
    });

    it("has objects that their templates describe, tied by relations that MISP knows", () => {
      const relations = new Set(
        json("misp/relationships/definition.json").values.map((one: { name: string }) => one.name),
      );
      for (const { Event } of events) {
        const uuids = new Set(Event.Object.map((object: { uuid: string }) => object.uuid));
        expect(uuids.size).toBe(Event.Object.length);
        for (const object of Event.Object) {
          const template = json(`misp/objects/${object.name}/definition.json`);
          expect(object.template_uuid).toBe(template.uuid);
          expect(Number(object.template_version)).toBeLessThanOrEqual(template.version);
          expect(object["meta-category"]).toBe(template["meta-category"]);
          const given = object.Attribute.map((one: { object_relation: string }) => one.object_relation);
          expect(template.requiredOneOf.some((name: string) => given.includes(name))).toBe(true);
          for (const attribute of object.Attribute) {
            const slot = template.attributes[attribute.object_relation];
            expect(slot?.["misp-attribute"], `${object.name}.${attribute.object_relation}`).toBe(
              attribute.type,
            );
            const same = given.filter((name: string) => name === attribute.object_relation).length;
            expect(same === 1 || slot.multiple === true).toBe(true);
          }
          for (const reference of object.ObjectReference ?? []) {
            expect(relations.has(reference.relationship_type)).toBe(true);
            expect(uuids.has(reference.referenced_uuid)).toBe(true);
          }
        }
      }
    });

    /** Its `$schema` and `id` are of draft 4, of which it uses nothing that draft 7 does not have. */
    function draft7(path: string): object {
      const { $schema, id, ...schema } = json(path);
      return schema;
    }
  },
);

describe.skipIf(!has("maco/ExtractorModel.schema.json"))("MACO by the JSON Schema of its own model", () => {
  it("is a list of strict models", () => {
    const validate = new Ajv2020({ strict: false }).compile(json("maco/ExtractorModel.schema.json"));
    for (const body of bodies("maco"))
      for (const model of JSON.parse(body)) {
        expect(validate(model), JSON.stringify(validate.errors)).toBe(true);
        expect(validate({ ...model, evidence: [] })).toBe(false);
      }
  });
});

describe.skipIf(!has("sigma/sigma-detection-rule-schema.json"))(
  "Sigma by the schema of its specification",
  () => {
    it("is a stream of detection rules", () => {
      const validate = new Ajv2020({ strict: false, formats: FORMATS }).compile(
        json("sigma/sigma-detection-rule-schema.json"),
      );
      for (const body of bodies("sigma")) {
        const documents = parseAllDocuments(body);
        if (!Array.isArray(documents)) continue;
        for (const document of documents)
          expect(validate(document.toJS()), JSON.stringify(validate.errors)).toBe(true);
      }
    });
  },
);
