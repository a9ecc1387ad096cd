import { buildPe, layoutPe, mapPe } from "@assay/carriers/pe-writer";
import {
  type RemcosOptions,
  remcosBlob,
  remcosCarrier,
  remcosCarriers,
  remcosPe,
  wide,
} from "@assay/carriers/remcos";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, latin1, latin1Bytes, utf8, utf16le } from "../../bytes/index.ts";
import { pbkdf2Sha1 } from "../../codecs/index.ts";
import type { ImageHint } from "../../formats/image.ts";
import { openImage } from "../../formats/open-image.ts";
import { type Finding, Ledger } from "../../model/index.ts";
import type { Extraction } from "../family.ts";
import { remcos } from "./remcos.ts";

function extractWith(
  bytes: Uint8Array,
  rules: readonly string[] = [],
  hint?: ImageHint,
): [Extraction, Ledger] {
  const ledger = new Ledger(bytes);
  const image = openImage(ledger.sample, hint);
  return [remcos.extract({ image, rules, matches: [], ledger, pbkdf2Sha1 }), ledger];
}

function extract(bytes: Uint8Array, rules: readonly string[] = [], hint?: ImageHint): Extraction {
  return extractWith(bytes, rules, hint)[0];
}

function findingOf(bytes: Uint8Array, rules: readonly string[] = [], hint?: ImageHint): Finding {
  const extraction = extract(bytes, rules, hint);
  if (extraction.status !== "config") throw new Error(`${extraction.status}: ${extraction.text}`);
  return extraction.finding;
}

function at(value: unknown, pointer: string): unknown {
  return pointer
    .split("/")
    .slice(1)
    .reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], value);
}

const RULE = ["assay_remcos"];
const MODERN: RemcosOptions = { layout: "R3", c2s: [{ host: "c2.example", port: 2404, tls: true }] };
const withFields = (fields: NonNullable<RemcosOptions["fields"]>) =>
  findingOf(remcosCarrier({ ...MODERN, fields }));

describe.each(remcosCarriers().map((carrier) => [carrier.name, carrier] as const))("%s", (_, carrier) => {
  const { bytes, expected, layout } = carrier;
  const finding = findingOf(bytes);

  it("yields its controllers in order, proved by the keystream", () => {
    expect(finding.c2).toEqual(expected.c2);
    expect([finding.family, finding.layout, finding.confidence]).toEqual(["win.remcos", layout, "proved"]);
  });

  it("yields its values", () => {
    for (const [pointer, value] of Object.entries(expected.values ?? {}))
      expect([pointer, at(finding, pointer)]).toEqual([pointer, value]);
  });

  it("proves every value by bytes that are there, and every host and text by the bytes themselves", () => {
    const [, ledger] = extractWith(bytes);
    for (const { pointer, at: spans, as } of finding.evidence) {
      const read = ledger.read(spans);
      const value = at(finding, pointer);
      expect([pointer, read === undefined, value === undefined]).toEqual([pointer, false, false]);
      if (read === undefined) continue;
      const text = as === "utf16le" ? utf16le(read) : as === "utf8" ? utf8(read) : latin1(read);
      if (pointer.startsWith("/c2/")) expect(String(value)).toContain(text?.split(":")[0]);
      else if (as === "asciiint") expect(Number(text)).toBe(value);
      else if (typeof value === "string" && as !== "code") expect(text).toBe(value);
    }
  });

  it("yields the same config from the mapped image", () => {
    const mapped = findingOf(mapPe(bytes), [], { layout: "mapped", base: 0x2340000 });
    expect(mapped.config).toEqual(finding.config);
    expect(findingOf(mapPe(bytes)).config).toEqual(finding.config);
  });

  it("yields the same config from a raw region without headers, with and without a base", () => {
    const region = mapPe(bytes).subarray(0x1000);
    expect(findingOf(region).config).toEqual(finding.config);
    expect(findingOf(region, [], { layout: "raw", base: 0x401000 }).config).toEqual(finding.config);
  });

  it("yields the same config when the headers are damaged", () => {
    for (const damage of [0, 0x3c, 0x80, 0x84]) {
      const damaged = Uint8Array.from(bytes);
      damaged.fill(0xff, damage, damage + 4);
      expect(findingOf(damaged).config).toEqual(finding.config);
    }
    const noResources = Uint8Array.from(bytes);
    noResources.fill(0, 0x80 + 24 + 96 + 16, 0x80 + 24 + 96 + 24);
    expect(findingOf(noResources).config).toEqual(finding.config);
  });
});

describe("the resource", () => {
  it("may have any type, name and key length", () => {
    for (const [resourceType, resourceName, keyLength] of [
      [10, 1, 1],
      ["DATA", "X", 64],
      [23, "PAGE", 255],
    ] as const)
      expect(findingOf(remcosCarrier({ ...MODERN, resourceType, resourceName, keyLength })).c2).toEqual([
        "tcp://c2.example:2404",
      ]);
  });

  it("is found in a raw region behind the icon's tail, and without it when a rule or the name points there", () => {
    const blob = remcosBlob(MODERN);
    const tail = Uint8Array.of(0xe0, 0, 0, 7, 0xe0, 0, 0, 7, 0xff, 0xff, 0xff, 0xff);
    const noise = new Uint8Array(3000).fill(0x41);
    expect(findingOf(concatBytes(noise, tail, blob, new Uint8Array(64))).c2).toHaveLength(1);
    const bare = concatBytes(noise, blob, new Uint8Array(64));
    expect(extract(bare).status).toBe("not-found");
    expect(findingOf(bare, RULE).c2).toHaveLength(1);
    expect(findingOf(concatBytes(latin1Bytes("Remcos\0"), bare)).c2).toHaveLength(1);
  });

  it("is found by what is left of the resource tree, with its size, far from any name", () => {
    const image = mapPe(remcosCarrier(MODERN)).fill(0, 0, 0x1000);
    const resources = image.subarray(layoutPe(remcosPe(MODERN)).section(".rsrc").rva);
    const noise = Uint8Array.from({ length: 0x3000 }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 24);
    const after = noise.subarray(0, 0x1000);
    for (const region of [concatBytes(resources, after), concatBytes(noise, resources, after)]) {
      const found = findingOf(region, [], { layout: "raw" });
      expect(found.c2).toEqual(["tcp://c2.example:2404"]);
      expect(found.reasons.map(({ code }) => code)).not.toContain("end-unknown");
    }
  });

  it("ends where the config ends, whatever follows it in a region", () => {
    const after = Uint8Array.from({ length: 500 }, (_, i) => (i * 37 + 11) & 0xff);
    for (const layout of ["R1", "R2", "R3"] as const) {
      const options: RemcosOptions = { layout, c2s: [{ host: "c2.example", port: 2404, password: "pw" }] };
      const region = concatBytes(new Uint8Array(100), remcosBlob(options), after);
      const whole = findingOf(remcosCarrier(options));
      const { version: _, ...expected } = whole.config;
      const { config, reasons } = findingOf(region, RULE);
      expect(config).toEqual(expected);
      expect(reasons.map((r) => r.code)).toEqual(["end-unknown"]);
    }
  });

  it("keeps what is no address apart, without losing the rest", () => {
    const c2s = [
      { host: "http://c2.example", port: 2404, tls: true },
      { host: "c2.example", port: 70000, tls: true },
      { host: "good.example", port: 2404, tls: true },
    ];
    const finding = findingOf(remcosCarrier({ ...MODERN, c2s }));
    expect(finding.c2).toEqual(["tcp://good.example:2404"]);
    expect(finding.config.other?.c2_unread).toEqual(["http://c2.example:2404:1", "c2.example:70000:1"]);
    expect(finding.reasons.map((r) => r.code)).toEqual(["c2-unread"]);
    const none = findingOf(remcosCarrier({ ...MODERN, c2s: c2s.slice(0, 1) }));
    expect([none.c2, none.config.mutex]).toEqual([[], ["Rmc-7KD2QH"]]);
    const empty = findingOf(remcosCarrier({ ...MODERN, c2s: [] }));
    expect([empty.c2, empty.reasons.map((r) => r.code)]).toEqual([[], ["c2-empty"]]);
  });

  it("says how far it came when the text has no known separator", () => {
    const blob = remcosBlob({
      ...MODERN,
      layout: "R1",
      c2s: [{ host: "c2.example", port: 2404, password: "x" }],
    });
    const key = blob.subarray(1, 5);
    // Turns every `@@` of the plain text into `##`.
    const other = Uint8Array.from(blob, (byte, i) => (i < 5 || latin1(key) === "" ? byte : byte));
    const plainFields = remcosPlain(blob);
    plainFields.forEach((byte, i) => {
      if (byte === 0x40) other[5 + i] = (other[5 + i] as number) ^ 0x40 ^ 0x23;
    });
    const pe = remcosPe(MODERN);
    const resources = [{ type: 10, name: "SETTINGS", data: other }];
    expect(extract(buildPe({ ...pe, resources }))).toMatchObject({
      status: "unknown-layout",
      stage: "fields",
    });
  });

  it("says so when the file ends before the config does", () => {
    const file = remcosCarrier(MODERN);
    const whole = findingOf(file);
    const end = whole.config.other?.license as string;
    expect(end).toHaveLength(32);
    const cut = findingOf(file.subarray(0, file.length - 0x200));
    expect(cut.c2).toEqual(whole.c2);
    expect(cut.reasons.map((r) => r.code)).toEqual(["truncated"]);
  });

  it("is malformed when a rule hit and SETTINGS does not decrypt", () => {
    const resources = [{ type: 10, name: "SETTINGS", data: new Uint8Array(900).fill(0x55) }];
    const file = buildPe({ ...remcosPe(MODERN), resources });
    expect(extract(file).status).toBe("not-found");
    expect(extract(file, RULE)).toMatchObject({ status: "malformed", stage: "decrypt" });
  });
});

/** Plain text of a blob, by the published layout. */
function remcosPlain(blob: Uint8Array): Uint8Array {
  const n = blob[0] as number;
  const [, ledger] = extractWith(blob);
  const key = Buffer.from(blob.subarray(1, 1 + n)).toString("hex");
  const span = { artifact: 0, offset: 1 + n, length: blob.length - 1 - n };
  return ledger.derive([span], [{ op: "rc4", params: { key } }])?.bytes ?? new Uint8Array(0);
}

describe("fields", () => {
  it("tell a flag that is off from one that is not there", () => {
    const { config } = withFields({ 39: "\x01", 46: "\0", 50: "" });
    expect(config.capability_enabled).toEqual(expect.arrayContaining(["disable_uac", "keylogger"]));
    expect(config.capability_disabled).toContain("uac_bypass");
    expect([...(config.capability_enabled ?? []), ...(config.capability_disabled ?? [])]).not.toContain(
      "watchdog",
    );
  });

  it("read directories as a byte or as a digit", () => {
    for (const code of ["\x06", "6"]) {
      const { config } = withFields({ 16: code, 49: wide("keys"), 17: "log.dat" });
      expect(config.paths?.[0]).toEqual({ path: "%AppData%\\keys\\log.dat", usage: "logs" });
    }
  });

  it("leave the directory's name out of a path when there is none", () => {
    expect(withFields({ 49: "" }).config.paths?.[0]?.path).toBe("%AppData%\\logs.dat");
  });

  it("claim no installed file and no Run key when the program does not install itself", () => {
    const { config } = withFields({ 3: "\0", 4: "\x01" });
    expect(config.registry).toEqual([{ key: "HKCU\\Software\\Rmc-7KD2QH", usage: "store_data" }]);
    expect(config.paths?.map((p) => p.usage)).toEqual(["logs", "storage", "storage"]);
    expect(config.other?.install_path).toBe("%ProgramData%\\Remcos\\remcos.exe");
  });

  it("name the Run value after the startup value", () => {
    expect(withFields({ 3: "\x01", 4: "\x01", 5: "\0", 11: wide("Updater") }).config.registry).toContainEqual(
      {
        key: "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Run\\Updater",
        usage: "persistence",
      },
    );
  });

  it("keep what has no known meaning as hex, under its index", () => {
    const { config, evidence } = withFields({ 29: "\x01", 33: "odd", 7: "many", 70: "new" });
    expect(config.other?.fields).toMatchObject({ 29: "01", 33: "6f6464", 7: "6d616e79", 70: "6e6577" });
    expect(evidence.find((e) => e.pointer === "/config/other/fields")?.at).toHaveLength(
      Object.keys(config.other?.fields as object).length,
    );
  });

  it("give every certificate of a chain, and no key", () => {
    const [carrier] = remcosCarriers().slice(2, 3);
    const one = findingOf(carrier?.bytes ?? new Uint8Array(0)).config.other?.tls_certificates as unknown[];
    expect(one).toHaveLength(2);
    const text = JSON.stringify(findingOf(carrier?.bytes ?? new Uint8Array(0)));
    expect(text).not.toContain("3031020101");
  });

  it("read names in UTF-16LE, UTF-8 and ANSI code pages by their bytes", () => {
    const names = {
      utf16: wide("日本.dat"),
      utf8: "\xd0\xb9.dat",
      ansi: "\xe6\xf3\xf0\xed\xe0\xeb",
      short: wide("a"),
    };
    const read = Object.values(names).map((name) => withFields({ 17: name }).config.other?.keylog_filename);
    expect(read).toEqual(["日本.dat", "й.dat", "\xe6\xf3\xf0\xed\xe0\xeb", "a"]);
  });

  it("split window titles", () => {
    expect(withFields({ 42: wide("bank;банк;") }).config.other?.keylogger_window_titles).toEqual([
      "bank",
      "банк",
    ]);
  });
});

describe("other programs", () => {
  it("yield nothing, whatever their resources hold", () => {
    const random = Uint8Array.from({ length: 4000 }, (_, i) => (Math.imul(i + 1, 2654435761) >>> 13) & 0xff);
    const text = latin1Bytes("host.example:2404:1@@".repeat(60));
    const resources = [
      random,
      text,
      new Uint8Array(0),
      Uint8Array.of(1),
      new Uint8Array(0x20000).fill(7),
    ].map((data, name) => ({ type: 10, name, data }));
    expect(extract(buildPe({ resources })).status).toBe("not-found");
    expect(extract(buildPe({ resources }), RULE).status).toBe("not-found");
    expect(extract(new Uint8Array(0), RULE).status).toBe("not-found");
  });

  it("yield nothing at any corruption of the key, and never a wrong controller at any corruption at all", () => {
    const file = remcosCarrier(MODERN);
    const names = new Set(["c2.example"]);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        fc.nat(file.length),
        fc.boolean(),
        (edits, cut, hinted) => {
          const bytes = Uint8Array.from(file.subarray(0, cut % 4 === 0 ? cut : file.length));
          for (const [where, value] of edits) if (where < bytes.length) bytes[where] = value;
          const extraction = extract(bytes, hinted ? RULE : []);
          if (extraction.status === "config") for (const url of extraction.finding.c2) names.add(url);
        },
      ),
      { seed: 20240, numRuns: 400 },
    );
    // A flipped byte within the list's own ciphertext flips that character, no more.
    for (const name of names) expect(name).toMatch(/^(tcp:\/\/)?.{1,3}.*(example|:2404)/);
  });
});
