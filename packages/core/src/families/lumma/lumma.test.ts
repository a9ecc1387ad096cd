import { lummaCarriers, lummaL0, lummaL1, lummaL2, lummaL3 } from "@assay/carriers/lumma";
import { decimalPairs, hexPairs, noise } from "@assay/carriers/lumma-tables";
import { mapPe } from "@assay/carriers/pe-writer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, latin1Bytes, utf16leBytes, View } from "../../bytes/index.ts";
import { pbkdf2Sha1 } from "../../codecs/index.ts";
import type { ImageHint } from "../../formats/image.ts";
import { openImage } from "../../formats/open-image.ts";
import { type Finding, Ledger } from "../../model/index.ts";
import type { Extraction } from "../family.ts";
import { lumma } from "./lumma.ts";

const IMAGE_BASE = 0x400000;

function run(
  bytes: Uint8Array,
  hint?: ImageHint,
  rules: readonly string[] = [],
): { extraction: Extraction; ledger: Ledger } {
  const ledger = new Ledger(bytes);
  const image = openImage(ledger.sample, hint);
  return { extraction: lumma.extract({ image, rules, matches: [], ledger, pbkdf2Sha1 }), ledger };
}

function findingOf(bytes: Uint8Array, hint?: ImageHint, rules?: readonly string[]): Finding | undefined {
  const { extraction } = run(bytes, hint, rules);
  return extraction.status === "config" ? extraction.finding : undefined;
}

function at(value: unknown, pointer: string): unknown {
  return pointer
    .split("/")
    .slice(1)
    .reduce<unknown>((part, key) => (part as Record<string, unknown> | undefined)?.[key], value);
}

function withoutHeaders(file: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(file);
  bytes.fill(0, 0, 0x200);
  return bytes;
}

describe("every carrier", () => {
  const carriers = lummaCarriers();

  it.each(carriers.map((carrier) => [carrier.name, carrier] as const))(
    "%s gives its config",
    (_, carrier) => {
      const finding = findingOf(carrier.bytes);
      expect(finding?.layout).toBe(carrier.layout);
      expect(finding?.c2).toEqual(carrier.expected.c2);
      expect(finding?.confidence).toBe(carrier.expected.confidence);
      for (const [pointer, value] of Object.entries(carrier.expected.values ?? {}))
        expect(at(finding, pointer)).toEqual(value);
    },
  );

  it("stands for every layout", () => {
    expect(new Set(carriers.map((carrier) => carrier.layout))).toEqual(
      new Set(lumma.layouts.filter((layout) => !layout.inMemory).map((layout) => layout.id)),
    );
  });

  it.each(carriers.map((carrier) => [carrier.name, carrier] as const))(
    "%s is the same in memory",
    (_, carrier) => {
      const mapped = mapPe(carrier.bytes);
      expect(findingOf(mapped, { layout: "mapped" })?.c2).toEqual(carrier.expected.c2);
      expect(findingOf(mapped)?.c2).toEqual(carrier.expected.c2);
      expect(findingOf(mapped, { layout: "raw", base: IMAGE_BASE })?.c2).toEqual(carrier.expected.c2);
    },
  );

  // Where the array lies apart from the key, only addresses lead to it.
  const positionFree = carriers.filter((carrier) => !carrier.name.includes("apart"));

  it.each(positionFree.map((carrier) => [carrier.name, carrier] as const))(
    "%s needs neither headers nor a base nor alignment",
    (_, carrier) => {
      expect(findingOf(withoutHeaders(carrier.bytes))?.c2).toEqual(carrier.expected.c2);
      const rdata = mapPe(carrier.bytes).subarray(0x1800);
      for (const shift of [0, 1, 2, 3, 5])
        expect(findingOf(concatBytes(noise(shift, 1), rdata), { layout: "raw" })?.c2).toEqual(
          carrier.expected.c2,
        );
    },
  );

  it.each(carriers.map((carrier) => [carrier.name, carrier] as const))(
    "%s proves every value",
    (_, carrier) => {
      const { extraction, ledger } = run(carrier.bytes);
      if (extraction.status !== "config") throw new Error(extraction.text);
      const { finding } = extraction;
      expect(
        finding.evidence.filter((evidence) => evidence.pointer.startsWith("/c2/")).length,
      ).toBeGreaterThanOrEqual(finding.c2.length);
      for (const evidence of finding.evidence) {
        const bytes = ledger.read(evidence.at);
        const value = at(finding, evidence.pointer);
        if (bytes === undefined || bytes.length === 0) throw new Error(`${evidence.pointer} has no bytes`);
        const text = Buffer.from(bytes).toString(
          evidence.as === "utf16le" ? "utf16le" : evidence.as === "hex" ? "hex" : "latin1",
        );
        if (evidence.pointer.startsWith("/config/encryption")) {
          expect(text).toBe(`${at(value, "/key")}${at(value, "/nonce") ?? ""}`);
        } else if (typeof value === "string" && evidence.pointer.startsWith("/c2")) {
          expect(text).toContain(new URL(value).host);
        } else if (typeof value === "string") expect(text).toBe(value);
        else expect(text).toContain(at(value, "/hostname"));
      }
    },
  );
});

describe("a part is not passed as a whole", () => {
  const entries = ["one.top/a", "two.top/b", "three.top/c", "four.top/d"];

  it("says which L3 slot does not decrypt, and reads on behind it", () => {
    const finding = findingOf(lummaL3({ entries, broken: [1] }));
    expect(finding?.c2).toEqual(["https://one.top/a", "https://three.top/c", "https://four.top/d"]);
    expect(finding?.reasons.map((reason) => reason.text)).toEqual(["slot 1 does not decrypt to an address"]);
  });

  it("says that the code counts more slots than were read", () => {
    const finding = findingOf(lummaL3({ entries, counted: 9 }));
    expect(finding?.c2).toHaveLength(4);
    expect(finding?.reasons[0]?.text).toBe("the code counts 9 slots, 4 were read");
    expect(findingOf(lummaL3({ entries, counted: 4 }))?.reasons).toEqual([]);
  });

  it("says which entries of an L2 table do not decrypt", () => {
    const hosts = ["one.top", "two.top", "three.top"];
    const finding = findingOf(lummaL2({ hosts, userId: "abc123", broken: [0, 8] }));
    expect(finding?.reasons.map((reason) => reason.text)).toEqual([
      "slot 0 does not decrypt to an address",
      "slot 8 does not decrypt to an address",
    ]);
    const raw = findingOf(withoutHeaders(lummaL2({ hosts, userId: "abc123", broken: [8] })));
    expect(raw?.reasons.map((reason) => reason.text)).toEqual(["slot 8 does not decrypt to an address"]);
  });

  it("says that an L1 table points to more slots than were found", () => {
    const file = lummaL1({ hosts: ["one.pw", "two.pw", "three.pw"], userId: "abc123" });
    const slots = Buffer.from(file).toString("latin1").indexOf("unsupported encryption") - 9 * 0x81;
    const finding = findingOf(file.subarray(0, slots + 2 * 0x81 + 20));
    expect(finding?.c2).toEqual(["https://one.pw", "https://two.pw"]);
    expect(finding?.reasons.map((reason) => reason.text)).toEqual([
      "the pointer table has 9 entries, 2 slots were found",
    ]);
  });

  it("reads one of two copies of the same slots", () => {
    const file = lummaL1({ hosts: ["one.pw", "two.pw"], userId: "abc123" });
    expect(findingOf(concatBytes(file, file))).toMatchObject({ confidence: "structural", reasons: [] });
  });

  it("tells a slot of L1 that holds no host", () => {
    const file = lummaL1({ hosts: ["one.pw", "two.pw", "three.pw"], userId: "abc123" });
    const slots = findingOf(file)?.evidence.filter((evidence) => evidence.pointer.startsWith("/c2/")) ?? [];
    expect(slots).toHaveLength(9);
    const text = Buffer.from(file).toString("latin1");
    const prefix = /[\w+/]{42}(?=[\w+/=]+\0)/.exec(text.slice(text.indexOf("invalid parameter")))?.[0] ?? "";
    const second = text.indexOf(prefix, text.indexOf(prefix) + 1);
    const broken = Uint8Array.from(file);
    broken.fill(0x21, second, second + 30);
    const finding = findingOf(broken);
    expect(finding?.c2).toEqual(["https://one.pw", "https://three.pw", "https://two.pw"]);
    expect(finding?.reasons.map((reason) => [reason.code, reason.at?.[0]?.offset])).toEqual([
      ["slot-unreadable", second],
    ]);
  });
});

describe("L1", () => {
  it("folds slots that repeat a host, with the evidence of each", () => {
    const finding = findingOf(lummaL1({ hosts: ["one.pw", "two.pw"], userId: "abc123" }));
    expect(finding?.c2).toEqual(["https://one.pw", "https://two.pw"]);
    expect(finding?.evidence.filter((evidence) => evidence.pointer === "/c2/0")).toHaveLength(5);
  });

  it("accepts a lone host only with a customer's id or a rule hit, and then as heuristic", () => {
    const lone = { hosts: ["only-one.pw"], userId: "abc123" };
    expect(findingOf(lummaL1(lone))?.confidence).toBe("heuristic");
    const anonymous = lummaL1({ ...lone, userId: "!", references: false });
    expect(run(anonymous).extraction.status).toBe("not-found");
    expect(findingOf(anonymous, undefined, ["assay_lumma"])?.confidence).toBe("heuristic");
  });

  it("finds slots of another size", () => {
    const finding = findingOf(lummaL1({ hosts: ["one.pw", "two.pw"], userId: "abc123", stride: 0x88 }));
    expect(finding?.confidence).toBe("structural");
  });

  // TheTrackerShow, scripts/python/01 and 02: strings of a v4 build with their plaintexts.
  it("decodes published strings", () => {
    const published = {
      "4IrgDqe83BYkMRyaj6QCn2LHAVw1MDme0RvFNf4BP7yQ+IFpxsy1eApCfuk=": "pragapin.sbs",
      "4IrgDqe83BYkMRyaj6QCn2LHAVw1MDme0RvFNf4BP7yS75Bh1Mi5dExEMunt1w==": "repostebhu.sbs",
      "4IrgDqe83BYkMRyaj6QCn2LHAVw1MDme0RvFNf4BP7yU4olgzMWleU9UdrT8xnE=": "thinkyyokej.sbs",
      "4IrgDqe83BYkMRyaj6QCn2LHAVw1MDme0RvFNf4BP7yS5ZR6ztmpcgpCfuk=": "rottieud.sbs",
    };
    const bytes = latin1Bytes(
      Object.keys(published)
        .map((text) => text.padEnd(0x81, "\0"))
        .join(""),
    );
    expect(findingOf(bytes)?.c2).toEqual(Object.values(published).map((host) => `https://${host}`));
  });

  it("sees no config in digit tables and hashes in base64", () => {
    const hashes = Array.from(
      { length: 200 },
      (_, i) => `${Buffer.from(noise(48, i)).toString("base64")}\0`,
    ).join("");
    const bytes = concatBytes(
      decimalPairs(),
      Uint8Array.of(0),
      hexPairs(),
      Uint8Array.of(0),
      latin1Bytes(hashes),
    );
    expect(run(bytes).extraction.status).toBe("not-found");
  });
});

describe("L2", () => {
  const hosts = ["one-of-many.top", "another-one.shop"];
  const build = "0123456789abcdef0123456789abcdef0123456789";

  it("may have the build's hex digits where the user's id stood", () => {
    const finding = findingOf(lummaL2({ hosts, userId: "aB3dE6", build }));
    expect(finding?.config.identifier).toEqual([build]);
    expect(finding?.config.campaign_id).toBeUndefined();
  });

  it.each([
    [0x8b, 0x35],
    [0x8b, 0x3d],
    [0x90, 0xa1],
  ])("finds the id by a load into any register: %i %i", (...load) => {
    const bytes = lummaL2({ hosts, userId: "aB3dE6Fg", tag: "x" });
    const at = bytes.findIndex((byte, i) => byte === 0x8b && bytes[i + 1] === 0x1d);
    bytes.set(load, at);
    // Without the text that the id stands behind, the code alone leads to it.
    const text = latin1Bytes("finding central directory");
    const before = Buffer.from(bytes).indexOf(text);
    bytes.fill(0x78, before, before + text.length);
    expect(findingOf(bytes)?.config.identifier).toEqual(["aB3dE6Fg"]);
  });
});

describe("L3", () => {
  // TheTrackerShow, scripts/python/05: key, nonce and first slot of a v6.3 build.
  const KEY = "9ee981a3cbfd247169d3ee3f4458862a3740bb0663b955e26f9c9d679c48b01f";
  const NONCE = "16d97049fe34a808";
  const SLOT =
    "0952892d39a23a870704e7127c437f8e85e261036eabbdf4004cac24666f595c405928ca6b643602e279b5b2cfa21b00" +
    "c72f51845a8db5cd0e7218c69a4518b160cd4ef8631bced07d96782b29284985869b4bb1b85985c98b227958b392ba83" +
    "16e7995a97438533a1aa3be6299de73417ddd7aaf1467525bff4acab782a6503";

  it("decrypts a published slot where a marker leads to its key, as structural", () => {
    const blob = Buffer.concat([
      ...["321d30f94877825a3cbf737fdd4f1575", KEY, NONCE].map((hex) => Buffer.from(hex, "hex")),
      Buffer.from(noise(0x80, 5)),
      Buffer.from(SLOT, "hex"),
      Buffer.alloc(0x200),
    ]);
    const finding = findingOf(Uint8Array.from(blob));
    expect(finding?.c2).toEqual(["https://astralconnec.icu/DPowko"]);
    expect(finding?.confidence).toBe("structural");
    expect(finding?.config.encryption).toEqual([
      { algorithm: "ChaCha20", key: KEY, nonce: NONCE, usage: "config" },
    ]);
  });

  it("does not believe a lone slot that nothing leads to", () => {
    const bytes = lummaL3({ entries: ["only.top/x"], marker: false, code: false });
    expect(run(bytes).extraction.status).toBe("not-found");
  });

  it("is found without signature under any key, at any offset, amid code and tables", () => {
    const entries = [
      "alpha.top/a",
      "bravo.top/b",
      "charlie.top/c",
      "delta.top/d",
      "echo.top/e",
      "fox.top/f",
      "golf.top/g",
    ];
    for (let seed = 1000; seed < 1100; seed++) {
      const file = lummaL3({ entries, marker: false, code: false, shift: seed % 16, seed });
      expect(findingOf(withoutHeaders(file))?.c2, `seed ${seed}`).toHaveLength(entries.length);
    }
  });

  it("keeps an entry under a suffix that no list knows, and says so", () => {
    const finding = findingOf(lummaL3({ entries: ["one.top/a", "two.top/b", "three.nosuchsuffix/c"] }));
    expect(finding?.c2).toHaveLength(3);
    expect(finding?.reasons.map((reason) => reason.code)).toEqual(["unknown-suffix"]);
  });

  it("takes only hex digits for a build id", () => {
    expect(
      findingOf(lummaL3({ entries: ["one.top/a", "two.top/b"], build: "xX" }))?.config.identifier,
    ).toBeUndefined();
  });
});

describe("L0", () => {
  it("says that the family is there when its texts are but no host", () => {
    const { extraction } = run(lummaL0({ hosts: ["not a host"], id: "abc123--x" }));
    expect(extraction.status).toBe("unknown-layout");
  });

  it("is not seen in a file with one of its texts", () => {
    const bytes = latin1Bytes("\0Content-Type: attachment/x-object\r\n\0evil.top\0/c2sock\0");
    expect(run(bytes).extraction.status).toBe("not-found");
  });
});

describe("dead drops in clear", () => {
  it.each([
    ["ASCII", latin1Bytes, "https://steamcommunity.com/profiles/76561199880317058"],
    ["UTF-16", utf16leBytes, "https://t.me/some_channel"],
  ])("are reported beside the config in %s, not as C2", (_, encode, url) => {
    const file = lummaL3({ entries: ["one.top/a", "two.top/b"] });
    const finding = findingOf(concatBytes(file, Uint8Array.of(0, 0), encode(`${url}\0`)));
    expect(finding?.c2).toEqual(["https://one.top/a", "https://two.top/b"]);
    expect(finding?.config.http?.at(-1)).toMatchObject({ uri: url, usage: "dead_drop_resolver" });
  });

  it("are told from C2s in a slot, too", () => {
    const finding = findingOf(
      lummaL1({
        hosts: ["one.pw", "two.pw", "steamcommunity.com/profiles/76561199724331900"],
        userId: "abc123",
      }),
    );
    expect(finding?.c2).toEqual(["https://one.pw", "https://two.pw"]);
    expect(finding?.config.http?.filter((http) => http.usage === "dead_drop_resolver")).toHaveLength(1);
  });
});

describe("deadDrop", () => {
  const read = (text: string) => lumma.deadDrop?.(new View(latin1Bytes(text))) ?? [];

  // TheTrackerShow, scripts/python/04.
  it("decodes the published name, +15 first", () => {
    const [best] = read("xlcdslw-ksfvzg.nzx");
    expect(best?.value).toBe("marshal-zhukov.com");
    expect(best?.method).toBe("Caesar +15");
    expect(best?.rank).toBe(0);
    expect(best?.endpoint).toEqual({ scheme: "https", host: "marshal-zhukov.com", usage: "c2" });
  });

  it.each([
    [
      "Steam",
      '<div class="profile_header"><span class="actual_persona_name">xlcdslw-ksfvzg.nzx</span></div>',
    ],
    [
      "Telegram",
      '<html><div class="tgme_page_title" dir="auto">\n  <span dir="auto">xlcdslw-ksfvzg.nzx</span></div></html>',
    ],
  ])("reads the name in a saved page of %s", (_, page) => {
    const [best] = read(page);
    expect(best?.value).toBe("marshal-zhukov.com");
    const [span] = best?.text.at ?? [];
    expect(page.slice(span?.offset, (span?.offset ?? 0) + (span?.length ?? 0))).toBe("xlcdslw-ksfvzg.nzx");
  });

  it("reads nothing from a page without such a name", () => {
    expect(read("<html><head><title>a.com</title></head></html>")).toEqual([]);
    expect(read("")).toEqual([]);
    expect(read("no host in here")).toEqual([]);
  });
});

describe("bad input", () => {
  it("never throws and never invents a C2, whatever is broken or missing", () => {
    const carriers = lummaCarriers();
    const known = new Set(carriers.flatMap((carrier) => carrier.expected.c2));
    fc.assert(
      fc.property(
        fc.nat(carriers.length - 1),
        fc.array(fc.tuple(fc.nat(0x3000), fc.nat(255)), { maxLength: 12 }),
        fc.nat(0x3000),
        fc.boolean(),
        (index, edits, cut, truncate) => {
          const bytes = Uint8Array.from(carriers[index]?.bytes ?? []);
          for (const [offset, value] of edits) if (offset < bytes.length) bytes[offset] = value;
          const finding = findingOf(truncate ? bytes.subarray(0, cut) : bytes);
          const strange = (finding?.c2 ?? []).filter((url) => !known.has(url));
          // An edit within a slot changes characters of its host: no more hosts than edits may be strange.
          expect(strange.length).toBeLessThanOrEqual(edits.length + 1);
        },
      ),
      { numRuns: 400, seed: 20260101 },
    );
  });

  it("is not held up by a file full of what looks like keys", () => {
    const marker = Buffer.from("321d30f94877825a3cbf737fdd4f1575", "hex");
    const setup = Buffer.from("b800104000bf00204000b90800000096f3a596b820104000", "hex");
    const pointers = Buffer.from(Uint32Array.from({ length: 9 }, (_, i) => 0x401000 + i * 0x81).buffer);
    const parts = Array.from({ length: 5000 }, (_, i) => [marker, noise(40, i), pointers, setup]).flat();
    const started = performance.now();
    expect(run(concatBytes(...parts)).extraction.status).toBe("not-found");
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it("finds nothing in random bytes", () => {
    for (let seed = 0; seed < 20; seed++)
      expect(run(noise(20_000, seed + 5000)).extraction.status).toBe("not-found");
  });
});
