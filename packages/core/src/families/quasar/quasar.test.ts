import { pbkdf2Sync } from "node:crypto";
import { readFileSync } from "node:fs";
import { quasarCarriers, quasarClient, quasarPlain, xrat1Client } from "@assay/carriers/quasar";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hex, latin1, utf8, utf16le, View } from "../../bytes/index.ts";
import { md5, type Pbkdf2Sha1 } from "../../codecs/index.ts";
import type { ImageHint } from "../../formats/image.ts";
import { openImage } from "../../formats/open-image.ts";
import { type Finding, Ledger } from "../../model/index.ts";
import type { Extraction } from "../family.ts";
import { quasar } from "./quasar.ts";

interface Run {
  readonly result: Extraction;
  readonly ledger: Ledger;
  readonly derivations: number;
}

const derived = new Map<string, Uint8Array>();

/** The platform's, each result kept, since the same few keys are asked for again and again here. */
const NATIVE: Pbkdf2Sha1 = (password, salt, iterations, length) => {
  const name = [hex(password), hex(salt), iterations, length].join();
  const stream = derived.get(name) ?? pbkdf2Sync(password, salt, iterations, length, "sha1");
  derived.set(name, stream);
  return stream;
};

function extract(bytes: Uint8Array, hint?: ImageHint, pbkdf2 = NATIVE): Run {
  const ledger = new Ledger(bytes);
  let derivations = 0;
  const pbkdf2Sha1: Pbkdf2Sha1 = (password, salt, iterations, length) => {
    derivations++;
    return pbkdf2(password, salt, iterations, length);
  };
  const image = openImage(new View(bytes), hint);
  const result = quasar.extract({ image, rules: [], matches: [], ledger, pbkdf2Sha1 });
  return { result, ledger, derivations };
}

function findingOf(result: Extraction): Finding {
  if (result.status !== "config") throw new Error(`${result.status}: ${result.text}`);
  return result.finding;
}

function at(value: unknown, pointer: string): unknown {
  return pointer
    .split("/")
    .slice(1)
    .reduce((node, key) => (node as Record<string, unknown> | undefined)?.[key], value);
}

/** What a fixture was compiled from; `mcs` line in its source. */
function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`./fixtures/${name}.exe`, import.meta.url)));
}

/** The file as the loader lays it out in memory. */
function mapped(bytes: Uint8Array): Uint8Array {
  const pe = openImage(new View(bytes)).pe;
  if (pe === undefined) throw new Error("no PE");
  const out = new Uint8Array(pe.sizeOfImage);
  out.set(bytes.subarray(0, pe.sizeOfHeaders));
  for (const section of pe.sections)
    out.set(
      bytes.subarray(section.pointerToRawData, section.pointerToRawData + section.sizeOfRawData),
      section.virtualAddress,
    );
  return out;
}

function without(bytes: Uint8Array, offset: number, length: number): Uint8Array {
  return Uint8Array.from(bytes).fill(0, offset, offset + length);
}

/** Offset of the metadata root's signature. */
function metadataAt(bytes: Uint8Array): number {
  return Buffer.from(bytes).indexOf("BSJB");
}

const HMAC_CLIENT = quasarClient({ layout: "1.4", hosts: "a.example:1;b.example:2;", tag: "T" });

describe("carriers of every layout", () => {
  const carriers = quasarCarriers();

  it("are there for every layout", () => {
    const covered = new Set(carriers.map((carrier) => carrier.layout));
    expect([...covered].sort()).toEqual(
      quasar.layouts
        .filter((layout) => !layout.inMemory)
        .map((layout) => layout.id)
        .sort(),
    );
  });

  for (const carrier of carriers) {
    const check = ({ result, derivations }: Run) => {
      const finding = findingOf(result);
      expect(finding.layout).toBe(carrier.layout);
      expect(finding.confidence).toBe(carrier.expected.confidence);
      expect(finding.c2).toEqual(carrier.expected.c2);
      for (const [pointer, value] of Object.entries(carrier.expected.values ?? {}))
        expect(at(finding, pointer), pointer).toEqual(value);
      expect(derivations).toBeLessThanOrEqual(1);
    };
    it(`${carrier.name}: the file`, () => check(extract(carrier.bytes)));
    it(`${carrier.name}: mapped`, () => check(extract(mapped(carrier.bytes))));
    it(`${carrier.name}: mapped, headers gone`, () => {
      const image = without(mapped(carrier.bytes), 0, 0x200);
      check(extract(image, { layout: "raw", base: 0x400000 }));
      check(extract(image, { layout: "raw" }));
    });

    it(`${carrier.name}: each C2 re-reads from its spans`, () => {
      const { result, ledger } = extract(carrier.bytes);
      const finding = findingOf(result);
      finding.c2.forEach((url, i) => {
        const host = /^tcp:\/\/\[?(.+?)\]?:\d+$/.exec(url)?.[1];
        const evidence = finding.evidence.find((entry) => entry.pointer === `/c2/${i}`);
        const bytes = ledger.read(evidence?.at ?? []) ?? new Uint8Array(0);
        expect(host === undefined ? [] : [latin1(bytes), utf8(bytes), utf16le(bytes)].join()).toContain(host);
      });
      for (const { at: spans, pointer } of finding.evidence)
        expect(ledger.read(spans), pointer).toBeDefined();
    });
  }
});

describe("programs of a real compiler", () => {
  it("xRAT 2: one host, its port among the numbers, empty tag", () => {
    const { finding } = { finding: findingOf(extract(fixture("xrat2")).result) };
    expect(finding).toMatchObject({
      layout: "xrat-2",
      version: "2.0.0.0",
      confidence: "structural",
      c2: ["tcp://xrat.example.net:1604"],
      config: {
        password: ["s3cret!"],
        mutex: ["mtx-0815"],
        sleep_delay: 3000,
        capability_enabled: ["startup", "hide_file"],
        capability_disabled: ["install", "uac_escalation"],
        paths: [{ path: "%APPDATA%\\Win\\svc.exe", usage: "install" }],
      },
    });
  });

  it("1.2: password with a blank, 32-bit system folder", () => {
    expect(findingOf(extract(fixture("quasar12")).result)).toMatchObject({
      layout: "1.2",
      version: "1.2.0.0",
      c2: ["tcp://one.example.org:4782", "tcp://192.0.2.17:81"],
      config: {
        password: ["pass word"],
        campaign_id: ["Tag 12"],
        capability_enabled: ["install", "keylogger", "hide_log_directory"],
        capability_disabled: ["startup", "hide_file"],
        paths: [
          { path: "%WINDIR%\\SysWOW64\\SubDir\\Client.exe", usage: "install" },
          { path: "%APPDATA%\\Logs2", usage: "logs" },
        ],
      },
    });
  });

  it("1.3: session keys, IPv6, real names", () => {
    const { result, derivations } = extract(fixture("quasar13"));
    const finding = findingOf(result);
    expect(finding).toMatchObject({
      layout: "1.3",
      version: "1.3.0.0",
      confidence: "proved",
      c2: ["tcp://[2001:db8::5]:5000", "tcp://three.example.com:4782"],
      config: {
        sleep_delay: 5000,
        capability_enabled: ["hide_install_subdirectory"],
        encryption: [
          { algorithm: "AES-128-CBC", usage: "communication" },
          { algorithm: "HMAC-SHA256", usage: "communication" },
          { algorithm: "AES-128", mode: "CBC", password: "p0O9i8U7y6T5r4E3w2Q1", usage: "config" },
        ],
      },
    });
    expect(finding.reasons).toEqual([]);
    expect(derivations).toBe(1);
  });

  it("1.4: renamed to CJK, empty subdirectory, certificate held against the key", () => {
    const { result, derivations } = extract(fixture("quasar14"));
    const finding = findingOf(result);
    expect(finding).toMatchObject({
      layout: "1.4",
      version: "1.4.1",
      confidence: "proved",
      c2: ["tcp://four.example.com:4782", "tcp://four.example.com:4783"],
      config: {
        campaign_id: ["Tag fünf"],
        mutex: ["9a8b7c6d-0011-2233-4455-66778899aabb"],
        capability_enabled: ["install", "startup", "hide_file", "keylogger", "unattended_mode"],
        capability_disabled: ["hide_log_directory", "hide_install_subdirectory"],
        paths: [
          { path: "%PROGRAMFILES%\\Client.exe", usage: "install" },
          { path: "%APPDATA%\\Logs", usage: "logs" },
        ],
        other: {
          certificate_subject: "Quasar Server CA",
          certificate_sha1: "ac5a2c52a51394746cb51307ba124687b381739f",
          certificate_matches_key: true,
        },
      },
    });
    expect(finding.reasons.map((reason) => reason.code)).toEqual(["certificate-matches"]);
    expect(derivations).toBe(1);
  });

  it("a fork: salt as text, count in a field, ECB, own names and order", () => {
    const finding = findingOf(extract(fixture("fork")).result);
    expect(finding).toMatchObject({
      layout: "fork",
      version: "5.1.2",
      confidence: "proved",
      c2: ["tcp://fork.example.net:9000", "tcp://198.51.100.4:9001"],
      config: {
        mutex: ["0f8fad5b-d9cb-469f-a165-70867728950e"],
        other: { string_0: "Group A", INSTALLNAME: "runtime.exe", string_6: "Services" },
        encryption: [{ algorithm: "AES-256", mode: "ECB", password: "fork password 2019" }],
      },
    });
    expect(finding.config.campaign_id).toBeUndefined();
    expect(finding.config.capability_enabled).toBeUndefined();
    expect(finding.reasons.map((reason) => reason.code)).toEqual(["unnamed-flags", "told-by-content"]);
  });

  it("AsyncRAT, which has the same cipher, salt and MAC, is not Quasar and costs no derivation", () => {
    const { result, derivations } = extract(fixture("asyncrat"));
    expect(result.status).toBe("not-found");
    expect(derivations).toBe(0);
  });
});

describe("variations", () => {
  it("real names with a fork's field between: names tell", () => {
    const finding = findingOf(
      extract(
        quasarClient({
          layout: "1.4",
          hosts: "x.example:9;",
          named: true,
          tag: "N",
          extra: { WEBHOOK: "w" },
        }),
      ).result,
    );
    expect(finding).toMatchObject({
      layout: "fork",
      c2: ["tcp://x.example:9"],
      config: { campaign_id: ["N"], other: { string_7: "w" } },
    });
  });

  it("renamed, with a fork's field between: content tells, and nothing is guessed", () => {
    const finding = findingOf(
      extract(quasarClient({ layout: "1.4", hosts: "x.example:9;", tag: "N", extra: { WEBHOOK: "w" } }))
        .result,
    );
    expect(finding).toMatchObject({ layout: "fork", c2: ["tcp://x.example:9"] });
    expect(finding.config.campaign_id).toBeUndefined();
    expect(Object.values(finding.config.other ?? {})).toContain("N");
  });

  it.each(["cbc", "cfb", "cfb8", "ecb"] as const)("block mode %s", (mode) => {
    const finding = findingOf(
      extract(quasarClient({ layout: "1.4", hosts: "m.example:7;", seal: { mode } })).result,
    );
    expect(finding.c2).toEqual(["tcp://m.example:7"]);
    expect(finding.layout).toBe(mode === "cbc" ? "1.4" : "fork");
  });

  it("another salt and count as the only change make a fork", () => {
    const salt = Uint8Array.from({ length: 17 }, (_, i) => i * 7);
    const client = quasarClient({ layout: "1.3", hosts: "m.example:7;", seal: { salt, iterations: 2000 } });
    expect(findingOf(extract(client).result)).toMatchObject({
      layout: "fork",
      confidence: "proved",
      config: {
        encryption: [{}, {}, { salt: hex(salt), constants: ["iterations=2000", expect.any(String)] }],
      },
    });
  });

  it("a derivation without a count takes .NET's 1000", () => {
    const { result, derivations } = extract(
      quasarClient({ layout: "1.4", hosts: "m.example:7;", defaultCount: true }),
    );
    expect(findingOf(result)).toMatchObject({ layout: "fork", c2: ["tcp://m.example:7"] });
    expect(derivations).toBe(1);
  });

  it.each(["1.2", "1.4"] as const)("%s: values decrypted where they are stored", (layout) => {
    const finding = findingOf(extract(quasarClient({ layout, hosts: "m.example:7;", inline: true })).result);
    expect(finding).toMatchObject({ layout, c2: ["tcp://m.example:7"], config: { sleep_delay: 3000 } });
  });

  it.each(["literal", "another class"] as const)(
    "a key outside the class, %s, is found where it is handed on",
    (keyAt) => {
      for (const layout of ["1.2", "1.4"] as const) {
        const client = quasarClient({ layout, hosts: "m.example:7;", tag: "T", keyAt });
        expect(findingOf(extract(client).result)).toMatchObject({
          layout: "fork",
          c2: ["tcp://m.example:7"],
          config: { campaign_id: ["T"], sleep_delay: 3000 },
        });
      }
    },
  );

  it("a derivation of another secret does not hide the usual one", () => {
    const client = quasarClient({ layout: "1.4", hosts: "m.example:7;", hiddenSalt: true });
    expect(findingOf(extract(client).result)).toMatchObject({ layout: "1.4", c2: ["tcp://m.example:7"] });
  });

  it("a fork's field between is not taken for the next field where the string heap alone is left", () => {
    const client = quasarClient({ layout: "1.4", hosts: "x.example:9;", tag: "N", extra: { WEBHOOK: "w" } });
    const finding = findingOf(extract(without(client, metadataAt(client), 4)).result);
    expect(finding).toMatchObject({ layout: "fork", c2: ["tcp://x.example:9"] });
    expect(finding.config.campaign_id).toBeUndefined();
  });

  it("switches kept as encrypted texts are AsyncRAT's and its kin's, not Quasar's", () => {
    const extra = { ANTI: "false", BDOS: "true" };
    const client = quasarClient({ layout: "1.4", hosts: "m.example:7;", extra });
    expect(extract(client).result).toMatchObject({ status: "unknown-layout", stage: "fields" });
  });

  it("a host list that the client would not take is kept as it stands", () => {
    const hosts = "https://paste.example/raw/abc";
    const finding = findingOf(extract(quasarClient({ layout: "1.4", hosts })).result);
    expect(finding).toMatchObject({
      layout: "1.4",
      confidence: "proved",
      c2: [],
      config: { other: { HOSTS: hosts } },
    });
    expect(finding.reasons.map((reason) => reason.code)).toEqual([
      "bad-host",
      "no-host",
      "certificate-matches",
    ]);
  });

  it("many hosts, repeats folded, entries that are none told", () => {
    const hosts = `${Array.from({ length: 40 }, (_, i) => `h${i}.example:${4000 + i}`).join(";")};h0.example:4000;nonsense;1.2.3.4:0;`;
    const finding = findingOf(extract(quasarClient({ layout: "1.4", hosts })).result);
    expect(finding.c2.length).toBe(40);
    expect(finding.reasons.filter((reason) => reason.code === "bad-host").length).toBe(2);
  });

  it("a certificate of another server is told", () => {
    const client = quasarClient({ layout: "1.4", hosts: "m.example:7;", encryptionKey: "A".repeat(40) });
    const finding = findingOf(extract(client).result);
    expect(finding.config.other?.certificate_matches_key).toBe(false);
    expect(finding.reasons.map((reason) => reason.code)).toContain("certificate-differs");
  });

  it("a damaged value is left as it is; the others stay proved", () => {
    const intact = findingOf(extract(HMAC_CLIENT).result);
    const tag = intact.evidence.find((entry) => entry.pointer === "/config/campaign_id/0");
    const { ledger } = extract(HMAC_CLIENT);
    const from = ledger.entries[tag?.at[0]?.artifact ?? 0]?.from[0];
    const bytes = Uint8Array.from(HMAC_CLIENT);
    const spot = (from?.offset ?? 0) + 60;
    bytes[spot] = bytes[spot] === 0x41 ? 0x42 : 0x41;
    const finding = findingOf(extract(bytes).result);
    expect(finding.c2).toEqual(intact.c2);
    expect(finding.reasons.map((reason) => reason.code)).toContain("bad-mac");
    expect(finding.config.campaign_id).toBeUndefined();
  });
});

describe("without metadata", () => {
  const cases = [
    ["1.4", HMAC_CLIENT, ["tcp://a.example:1", "tcp://b.example:2"]],
    ["1.3", fixture("quasar13"), ["tcp://[2001:db8::5]:5000", "tcp://three.example.com:4782"]],
    ["1.2", fixture("quasar12"), ["tcp://one.example.org:4782", "tcp://192.0.2.17:81"]],
  ] as const;
  for (const [layout, bytes, c2] of cases) {
    it(`${layout}: the string heap alone still opens`, () => {
      const root = metadataAt(bytes);
      const { result, derivations } = extract(without(bytes, root, 0x6c), { layout: "raw" });
      const finding = findingOf(result);
      expect(finding.layout).toBe(layout);
      expect(finding.c2).toEqual(c2);
      expect(finding.reasons.map((reason) => reason.code)).toContain("strings-only");
      expect(derivations).toBeLessThanOrEqual(2);
    });
  }

  it("headers gone, odd alignment, at the end of a megabyte of other bytes", () => {
    const body = HMAC_CLIENT.subarray(metadataAt(HMAC_CLIENT) + 0x6c);
    const bytes = new Uint8Array(1_000_001 + body.length);
    for (let i = 0; i < 1_000_000; i++) bytes[i] = (i * 7919) >> 3;
    bytes.set(body, 1_000_001);
    expect(findingOf(extract(bytes).result).c2).toEqual(["tcp://a.example:1", "tcp://b.example:2"]);
  });

  it("xRAT 1: the hex text is found where no resource tree leads to it", () => {
    const file = xrat1Client({ domain: "x.example", port: 8080 });
    expect(findingOf(extract(without(file, 0, 0x200)).result)).toMatchObject({
      layout: "xrat-1",
      c2: ["tcp://x.example:8080"],
    });
  });
});

describe("what is no config", () => {
  it("a client that no builder has written to", () => {
    const stub = quasarPlain({ hosts: "", version: "", encryptionKey: "" });
    expect(extract(stub).result).toMatchObject({ status: "unknown-layout", stage: "settings" });
  });

  it("a named class in clear without a host", () => {
    expect(extract(quasarPlain({ hosts: "none" })).result.status).toBe("unknown-layout");
  });

  it("values under a key that is not among the strings", () => {
    const client = quasarClient({ layout: "1.4", hosts: "m.example:7;" });
    const key = Buffer.from(client).indexOf(Buffer.from("AC5A2C52", "utf16le"));
    const bytes = Uint8Array.from(client);
    bytes[key] = 0x42;
    expect(extract(bytes).result.status).toBe("not-found");
  });

  it("no MAC and hosts that are none: an MD5 key alone proves nothing", () => {
    expect(extract(quasarClient({ layout: "1.2", hosts: "not a host list" })).result.status).not.toBe(
      "config",
    );
  });

  it("empty and tiny inputs", () => {
    for (const size of [0, 1, 2, 63, 64, 65])
      expect(extract(new Uint8Array(size)).result.status).toBe("not-found");
  });
});

describe("hostile bytes", () => {
  const client = quasarClient({ layout: "1.4", hosts: "a.example:1;", seal: { iterations: 10 } });
  /** Every count is 10, so that a wrong one costs nothing. */
  const quick: Pbkdf2Sha1 = (password, salt, _, length) => pbkdf2Sync(password, salt, 10, length, "sha1");

  it("prefixes end in an outcome", () => {
    for (let size = 0; size < client.length; size += 97)
      expect(["config", "not-found", "unknown-layout", "malformed"]).toContain(
        extract(client.subarray(0, size), {}, quick).result.status,
      );
  });

  it("corruptions never bring another host", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(client.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        (edits) => {
          const bytes = Uint8Array.from(client);
          for (const [offset, byte] of edits) bytes[offset] = byte;
          const { result } = extract(bytes, {}, quick);
          if (result.status === "config") expect(["tcp://a.example:1"]).toEqual(result.finding.c2);
        },
      ),
      { seed: 11, numRuns: 400 },
    );
  });

  it("thousands of entries that all could be ciphertexts cost little", () => {
    const parts: Buffer[] = [];
    for (let i = 0; i < 6000; i++) {
      const text = Buffer.from(Buffer.alloc(i % 3 === 0 ? 32 : 96, i).toString("base64"), "utf16le");
      parts.push(Buffer.of(0x80 | ((text.length + 1) >> 8), (text.length + 1) & 0xff), text, Buffer.of(0));
      parts.push(Buffer.of(41), Buffer.from(`Abcdefghij${1e9 + i}`, "utf16le"), Buffer.of(0));
    }
    const start = performance.now();
    expect(extract(new Uint8Array(Buffer.concat(parts)), {}, quick).result.status).toBe("not-found");
    expect(performance.now() - start).toBeLessThan(2000);
  });

  it("a heap of nothing but base64 costs little", () => {
    const bytes = new Uint8Array(4_000_000);
    for (let i = 0; i < bytes.length; i += 16) bytes.set(md5(Uint8Array.of(i, i >> 8, i >> 16)), i);
    const text = Buffer.from(Buffer.from(bytes).toString("base64"), "utf16le");
    const start = performance.now();
    expect(extract(new Uint8Array(text)).result.status).toBe("not-found");
    expect(performance.now() - start).toBeLessThan(2000);
  });
});
