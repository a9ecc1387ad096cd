import type { Carrier } from "@assay/carriers/carrier";
import { type AssemblySpec, buildAssembly, type Cil } from "@assay/carriers/dotnet-writer";
import { mapPe } from "@assay/carriers/pe-writer";
import { redlineArguments, redlineCarriers } from "@assay/carriers/redline";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, indexOf, latin1, latin1Bytes, utf8, utf16le } from "../../bytes/index.ts";
import { pbkdf2Sha1 } from "../../codecs/index.ts";
import type { ImageHint } from "../../formats/image.ts";
import { openImage } from "../../formats/open-image.ts";
import { type Finding, Ledger } from "../../model/index.ts";
import type { Extraction } from "../family.ts";
import { redline } from "./redline.ts";

function extract(bytes: Uint8Array, hint?: ImageHint): { extraction: Extraction; ledger: Ledger } {
  const ledger = new Ledger(bytes);
  const image = openImage(ledger.sample, hint);
  return { extraction: redline.extract({ image, rules: [], matches: [], ledger, pbkdf2Sha1 }), ledger };
}

function findingOf(bytes: Uint8Array, hint?: ImageHint): Finding {
  const { extraction } = extract(bytes, hint);
  if (extraction.status !== "config") throw new Error(`${extraction.status}: ${extraction.text}`);
  return extraction.finding;
}

function at(value: unknown, pointer: string): unknown {
  return pointer
    .split("/")
    .slice(1)
    .reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], value);
}

function wiped(bytes: Uint8Array, offset: number, length: number): Uint8Array {
  const copy = bytes.slice();
  copy.fill(0, offset, offset + length);
  return copy;
}

const CLI_DIRECTORY_AT = 0x80 + 24 + 96 + 14 * 8;
const SECTION_TABLE_AT = 0x80 + 24 + 224;

interface Form {
  readonly name: string;
  readonly make: (file: Uint8Array) => Uint8Array;
  readonly hint?: ImageHint;
}

/** Each way in which the same program may come. */
const FORMS: readonly Form[] = [
  { name: "the file", make: (file) => file },
  { name: "the mapped image", make: mapPe },
  { name: "the mapped image elsewhere", make: mapPe, hint: { layout: "mapped", base: 0x5a0000 } },
  { name: "a raw region with its base", make: mapPe, hint: { layout: "raw", base: 0x400000 } },
  {
    name: "a raw region without base or headers",
    make: (file) => file.slice(0x200),
    hint: { layout: "raw" },
  },
  { name: "a mapped image without headers", make: (file) => wiped(mapPe(file), 0, 0x200) },
  { name: "a file without headers", make: (file) => wiped(file, 0, 0x200) },
  { name: "a file whose CLI directory is wiped", make: (file) => wiped(file, CLI_DIRECTORY_AT, 8) },
  { name: "a file whose section table is wiped", make: (file) => wiped(file, SECTION_TABLE_AT, 80) },
];

const CARRIERS = redlineCarriers();

describe.each(CARRIERS.map((carrier) => [carrier.name, carrier] as const))(
  "%s",
  (_name, carrier: Carrier) => {
    it.each(FORMS)("gives its config as $name", ({ make, hint }) => {
      const finding = findingOf(make(carrier.bytes), hint);
      expect(finding.c2).toEqual(carrier.expected.c2);
      expect(finding.layout).toBe(carrier.layout);
      expect(finding.confidence).toBe(carrier.expected.confidence);
      for (const [pointer, value] of Object.entries(carrier.expected.values ?? {}))
        expect(at(finding, pointer), pointer).toEqual(value);
    });

    it("reads each value again from its spans", () => {
      const { extraction, ledger } = extract(carrier.bytes);
      if (extraction.status !== "config") throw new Error(extraction.text);
      for (const { pointer, at: spans, as } of extraction.finding.evidence) {
        const bytes = ledger.read(spans) ?? new Uint8Array(0);
        const value = at(extraction.finding, pointer);
        const text = as === "utf16le" ? utf16le(bytes) : as === "utf8" ? utf8(bytes) : latin1(bytes);
        const entry = value as {
          server_ip?: string;
          server_domain?: string;
          hostname?: string;
          key?: string;
        };
        const wanted =
          typeof value === "string"
            ? value.replace(/^\w+:\/\//, "")
            : (entry.server_ip ?? entry.server_domain ?? entry.hostname ?? entry.key);
        expect(wanted, pointer).toBeTruthy();
        if (as === "code") expect(bytes.length, pointer).toBeGreaterThan(0);
        else expect(text, pointer).toContain(wanted);
      }
    });

    it("never throws on a prefix", () => {
      for (let length = 0; length < carrier.bytes.length; length += 97)
        extract(carrier.bytes.slice(0, length));
    });
  },
);

it("reaches every layout with a carrier", () => {
  expect(new Set(CARRIERS.map(({ layout }) => layout))).toEqual(
    new Set(redline.layouts.filter(({ inMemory }) => !inMemory).map(({ id }) => id)),
  );
});

/** Class Arguments with the fields in the order of `texts`; a name for each. */
function settings(
  names: readonly string[],
  texts: readonly string[],
  more: readonly string[] = [],
): AssemblySpec {
  const code = texts.flatMap((text, i): Cil[] => [
    ["ldstr", text],
    ["stsfld", `Settings::${names[i]}`],
  ]);
  const fields = names.map((name) => ({ name, type: "string" }));
  const methods = [{ name: ".cctor", code: [...code, ["ret"] as const] }];
  return { name: "x", types: [{ name: "Settings", fields, methods }, wcf()], userStrings: more };
}

/** What is found when each instruction that fills the fields is written as `change` has it. */
function recoded(change: (item: Cil, index: number) => readonly Cil[]) {
  const spec = settings(["q", "w", "e", "r"], CIPHER);
  const [type, ...others] = spec.types;
  const methods = [{ name: ".cctor", code: (type?.methods?.[0]?.code ?? []).flatMap(change) }];
  return findingOf(buildAssembly({ ...spec, types: [{ ...type, name: "Settings", methods }, ...others] }));
}

/** A text as compilers join more than four parts. */
function joined(text: string): readonly Cil[] {
  const parts = text.match(/.{1,3}/g) ?? [];
  const items = parts.flatMap((part, i): Cil[] => [["dup"], ["ldc.i4", i], ["ldstr", part], ["stelem.ref"]]);
  const concat: Cil = ["call", "string [mscorlib]System.String::Concat(string[])"];
  return [["ldc.i4", parts.length], ["newarr", "[mscorlib]System.String"], ...items, concat];
}

/** A type that mentions WCF's client. */
function wcf(field = "factory"): AssemblySpec["types"][number] {
  const type = "class [System.ServiceModel]System.ServiceModel.ChannelFactory";
  return { name: "Client", fields: [{ name: field, type }] };
}

const CIPHER = ["CBURGC4gLAMrLAgHIwsTXzsxLRg8FyRJ", "J1w4BQJHOEs=", "", "Formative"] as const;

describe("RedLine's fields", () => {
  it("are told by name when their order was changed", () => {
    const [ip, id, message, key] = CIPHER;
    const spec = settings(["Key", "ID", "Message", "IP"], [key, id, message, ip]);
    const finding = findingOf(buildAssembly(spec));
    expect(finding.c2).toEqual(["tcp://77.91.68.68:19071"]);
    expect(finding.config.campaign_id).toEqual(["krast"]);
    expect(finding.config.encryption).toEqual([{ algorithm: "xor", key: "Formative", usage: "config" }]);
  });

  it("are told by their order when they have no names", () => {
    const finding = findingOf(buildAssembly(settings(["q", "w", "e", "r"], CIPHER)));
    expect([finding.layout, finding.config.campaign_id]).toEqual(["arguments", ["krast"]]);
  });

  it("are told when the code jumps between load and store", () => {
    const finding = recoded((item, i) =>
      item[0] === "stsfld" ? [["br.s", `at${i}`], ["ldc.i4", i], ["pop"], `at${i}:`, item] : [item],
    );
    expect([finding.layout, finding.config.campaign_id]).toEqual(["arguments", ["krast"]]);
  });

  it("hold together around an empty text that is a load of String.Empty", () => {
    const finding = recoded((item) =>
      item[0] === "ldstr" && item[1] === "" ? [["ldsfld", "string [mscorlib]System.String::Empty"]] : [item],
    );
    expect([finding.layout, finding.config.campaign_id]).toEqual(["arguments", ["krast"]]);
  });

  it("are put together from the parts of Concat(string[])", () => {
    const finding = recoded((item) => {
      const text = item[0] === "ldstr" ? item[1] : undefined;
      return typeof text === "string" && text.length > 8 ? joined(text) : [item];
    });
    expect(finding).toMatchObject({ layout: "arguments", c2: ["tcp://77.91.68.68:19071"] });
    expect(finding.config.campaign_id).toEqual(["krast"]);
  });

  it("take a text as it stands when it does not decrypt", () => {
    const finding = findingOf(
      buildAssembly(settings(["IP", "ID", "Message", "Key"], [CIPHER[0], "plain id", "", CIPHER[3]])),
    );
    expect(finding.config.campaign_id).toEqual(["plain id"]);
  });

  it("give no key for a plain config, whatever stands behind its ID", () => {
    const bytes = buildAssembly(
      settings(["a", "b"], ["192.0.2.1:60668", "build"], ["http://", "|", "Yandex\\YaAddon", "wallet"]),
    );
    const finding = findingOf(bytes);
    expect(finding.c2).toEqual(["http://192.0.2.1:60668"]);
    expect(finding.config.encryption).toBeUndefined();
  });

  it("find the token by its place before the header's name, not by its look", () => {
    const token = "6a3f22e5f4209b056a3fd330dc71956a";
    const other = "00112233445566778899aabbccddeeff";
    const strings = [other, "net.tcp://", token, "Authorization", "ns1"];
    const finding = findingOf(buildAssembly(settings(["IP", "ID", "Message", "Key"], CIPHER, strings)));
    expect(finding.config.other).toEqual({ authorization_token: token, transport: "net.tcp" });
  });
});

describe("what is not RedLine", () => {
  const status = (spec: AssemblySpec) => extract(buildAssembly(spec)).extraction;
  const soap = ["net.tcp://", "9059ea331e4599de3746df73ccb24514", "Authorization", "ns1"];

  it("is RedLine-like when the SOAP header is there and no config reads", () => {
    const extraction = status(settings(["a", "b"], ["AES text", "IV"], soap));
    expect(extraction.status).toBe("unknown-layout");
    expect(extraction).toMatchObject({
      text: expect.stringMatching(/^RedLine-like .* not taken for RedLine/),
    });
  });

  it("is MetaStealer by its contracts' names, though its config reads", () => {
    const spec = settings(["IP", "ID", "Message", "Key"], CIPHER, soap);
    const extraction = status({ ...spec, types: [...spec.types, wcf("MSValue1")] });
    expect(extraction.status).toBe("unknown-layout");
    expect(extraction).toMatchObject({ text: expect.stringContaining("77.91.68.68:19071") });
  });

  it("is MetaStealer in a region without headers, too, and without metadata", () => {
    const spec = settings(["IP", "ID", "Message", "Key"], CIPHER, soap);
    const region = mapPe(buildAssembly({ ...spec, types: [...spec.types, wcf("MSValue1")] })).fill(
      0,
      0,
      0x1000,
    );
    expect(extract(region, { layout: "raw" }).extraction.status).toBe("unknown-layout");
    const root = indexOf(region, latin1Bytes("BSJB"));
    const bare = wiped(region, root, 4);
    expect(extract(bare, { layout: "raw" }).extraction.status).not.toBe("config");
  });

  it("is told from another module in the same region", () => {
    const other = mapPe(buildAssembly(settings(["a", "b"], ["AES text", "IV"]))).fill(0, 0, 0x1000);
    const own = mapPe(redlineArguments({ c2: ["192.0.2.1:80"], id: "i", key: "Key" })).fill(0, 0, 0x1000);
    for (const region of [concatBytes(other, own), concatBytes(own, other)]) {
      const finding = findingOf(region, { layout: "raw", base: 0x1000_0000 });
      expect([finding.layout, finding.c2]).toEqual(["arguments", ["tcp://192.0.2.1:80"]]);
    }
  });

  it("yields nothing for a WCF client with an address of its own", () => {
    for (const texts of [
      ["reports.example.org:8080", "monthly"],
      ["192.0.2.1:80", "a", "b", "c"],
    ])
      expect(status(settings(["Host", "Name", "User", "Note"], texts, ["net.tcp://", "|"])).status).toBe(
        "not-found",
      );
  });

  it("yields nothing for a class with the fields' names in clear in a program that is no WCF client", () => {
    const spec = settings(["IP", "ID", "Message", "Key"], ["192.0.2.1:8080", "build", "", ""]);
    expect(status({ ...spec, types: spec.types.slice(0, 1) }).status).toBe("not-found");
  });

  it("yields nothing for base64 texts and words", () => {
    const texts = ["Q29uZmlndXJhdGlvbiBmaWxl", "TWljcm9zb2Z0", "", "Settings"];
    expect(status(settings(["a", "b", "c", "d"], texts)).status).toBe("not-found");
  });

  it("yields nothing for an empty, a tiny and a native file", () => {
    for (const bytes of [new Uint8Array(0), Uint8Array.of(0x4d, 0x5a), new Uint8Array(5000).fill(0x42)])
      expect(extract(bytes).extraction.status).toBe("not-found");
  });
});

it("ends in an outcome, without a throw, on corrupted programs", () => {
  const token = "0123456789abcdef0123456789abcdef";
  const c2 = ["192.0.2.1:80", "a.example:2"];
  const bases = [
    redlineArguments({ c2, id: "i", key: "Key", token }),
    redlineArguments({ c2, id: "i", key: "Key", token, apart: "chars" }),
    ...CARRIERS.slice(4).map(({ bytes }) => bytes),
  ];
  const change = fc.tuple(fc.nat(4607), fc.nat(255));
  fc.assert(
    fc.property(
      fc.nat(bases.length - 1),
      fc.array(change, { minLength: 1, maxLength: 40 }),
      (which, changes) => {
        const bytes = (bases[which] as Uint8Array).slice();
        for (const [offset, byte] of changes) bytes[0x200 + (offset % (bytes.length - 0x200))] = byte;
        expect(["config", "not-found", "unknown-layout", "malformed"]).toContain(
          extract(bytes).extraction.status,
        );
      },
    ),
    { numRuns: 400, seed: 19071 },
  );
});
