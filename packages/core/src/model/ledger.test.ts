import { createCipheriv } from "node:crypto";
import { describe, expect, it } from "vitest";
import { hex, latin1, latin1Bytes, utf16leBytes } from "../bytes/index.ts";
import { rc4 } from "../codecs/index.ts";
import { Ledger } from "./ledger.ts";
import type { Step } from "./report.ts";
import { applySteps } from "./steps.ts";

const apply = (op: string, params: Step["params"], input: Uint8Array) => {
  const out = applySteps([{ op, ...(params ? { params } : {}) }], input);
  return out && latin1(out);
};
const text = latin1Bytes;

describe("Ledger", () => {
  const key = text("key1");
  const sample = Uint8Array.from([
    ...text("head"),
    ...rc4(key, text("aG9z")),
    ...rc4(key, text("????")),
    ...text("tail"),
  ]);

  it("holds the sample as artifact 0", () => {
    const ledger = new Ledger(sample);
    expect(ledger.sample.bytes).toStrictEqual(sample);
    expect(ledger.entries.map((e) => [e.id, e.kind])).toEqual([[0, "sample"]]);
    expect(ledger.chain(0)).toEqual([]);
  });

  it("computes an artifact from its declared spans and steps, and tells its chain", () => {
    const ledger = new Ledger(sample);
    const from = [{ artifact: 0, offset: 4, length: 4 }];
    const steps: Step[] = [
      { op: "rc4", params: { key: hex(key) } },
      { op: "base64", params: { dialect: "standard" } },
    ];
    const view = ledger.derive(from, steps, "resource RCDATA/SETTINGS");
    expect(latin1(view?.bytes as Uint8Array)).toBe("hos");
    expect([view?.artifact, view?.base]).toEqual([1, 0]);
    const inner = ledger.derive([{ artifact: 1, offset: 1, length: 2 }], [{ op: "reverse" }]);
    expect(latin1(inner?.bytes as Uint8Array)).toBe("so");
    expect(ledger.chain(2)).toEqual(["resource RCDATA/SETTINGS", "rc4", "base64", "reverse"]);
    // The report's promise: the same steps over the same bytes give the artifact again.
    for (const entry of ledger.entries.slice(1))
      expect(applySteps(entry.steps, ledger.read(entry.from) as Uint8Array)).toEqual(entry.view.bytes);
  });

  it("joins several spans in their order", () => {
    const ledger = new Ledger(text("abcdef"));
    const view = ledger.derive(
      [
        { artifact: 0, offset: 4, length: 2 },
        { artifact: 0, offset: 0, length: 1 },
      ],
      [],
    );
    expect(latin1(view?.bytes as Uint8Array)).toBe("efa");
  });

  it("keeps nothing when a step refuses its input or a span lies outside", () => {
    const ledger = new Ledger(text("!!!!"));
    expect(ledger.derive([{ artifact: 0, offset: 0, length: 4 }], [{ op: "base64" }])).toBeUndefined();
    for (const span of [
      { artifact: 0, offset: 1, length: 4 },
      { artifact: 0, offset: -1, length: 1 },
      { artifact: 9, offset: 0, length: 0 },
    ])
      expect(ledger.derive([span], [])).toBeUndefined();
    expect(ledger.entries).toHaveLength(1);
  });
});

describe("steps", () => {
  it("decrypt with AES and ChaCha20 from what a report says of them", () => {
    const aesKey = new Uint8Array(16).fill(7);
    const iv = new Uint8Array(16).fill(9);
    const cipher = createCipheriv("aes-128-cbc", aesKey, iv);
    const data = Uint8Array.from(Buffer.concat([cipher.update("1.3.0.0"), cipher.final()]));
    expect(apply("aes-cbc", { key: hex(aesKey), iv: hex(iv) }, data)).toBe("1.3.0.0");
    expect(apply("aes-cbc", { key: hex(aesKey), iv: hex(iv) }, data.subarray(1))).toBeUndefined();

    const chachaKey = new Uint8Array(32).fill(3);
    const wide = Buffer.alloc(16);
    wide.writeBigUInt64LE(0x1_0000_0002n, 0);
    wide.set([1, 2, 3, 4, 5, 6, 7, 8], 8);
    const stream = createCipheriv("chacha20", chachaKey, wide);
    const params = { key: hex(chachaKey), nonce: "0102030405060708", counter: "4294967298" };
    expect(apply("chacha20", params, Uint8Array.from(stream.update("roriwfq.xyz/auyw")))).toBe(
      "roriwfq.xyz/auyw",
    );
  });

  it("decode base64 in a named dialect or an alphabet of the malware's own", () => {
    expect(apply("base64", undefined, text("Zm8="))).toBe("fo");
    expect(apply("base64", { dialect: "lumma" }, text("Zm8."))).toBe("fo");
    expect(apply("base64", { dialect: "dotnet" }, text("Zm 8="))).toBe("fo");
    const swapped = "BACDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    expect(apply("base64", { alphabet: swapped }, text("BAAA"))).toBe("\x00\x10\x41");
  });

  it("cover XOR in its kinds, hex, reversal, skipping and UTF-16", () => {
    expect(apply("xor", { key: "0102", start: 1 }, Uint8Array.of(0x43, 0x43))).toBe("AB");
    expect(apply("xor-rolling", { seed: 1 }, Uint8Array.of(0x40, 0x02))).toBe("AB");
    expect(apply("xor-incrementing", { key: 1, step: 2 }, Uint8Array.of(0x40, 0x41))).toBe("AB");
    expect(apply("hex", undefined, text("4142"))).toBe("AB");
    expect(apply("hex", undefined, text("414"))).toBeUndefined();
    expect(apply("hex", undefined, text("41".repeat(300_000)))).toHaveLength(300_000);
    expect(apply("reverse", undefined, text("BA"))).toBe("AB");
    expect(apply("skip", { bytes: 2 }, text("xxAB"))).toBe("AB");
    expect(apply("skip", { bytes: 5 }, text("xxAB"))).toBeUndefined();
    expect(apply("utf16le", undefined, utf16leBytes("AB"))).toBe("AB");
    expect(apply("utf16le", undefined, text("ABC"))).toBeUndefined();
  });

  it("shift back a substitution table by one more place each character", () => {
    const params = { alphabet: "abcd", table: "dcba" };
    expect(apply("shifted-substitution", params, text("dbd"))).toBe("abc");
    expect(apply("shifted-substitution", params, text("dx"))).toBeUndefined();
  });

  it("pass no data on after a refusal, and call an unknown step or dialect a bug", () => {
    expect(applySteps([{ op: "base64" }, { op: "reverse" }], text("!"))).toBeUndefined();
    expect(() => applySteps([{ op: "rot13" }], text("x"))).toThrow(RangeError);
    expect(() => applySteps([{ op: "base64", params: { dialect: "x" } }], text("x"))).toThrow(RangeError);
    expect(() => applySteps([{ op: "xor", params: { key: "0" } }], text("x"))).toThrow(RangeError);
  });

  it("keeps bytes as what they are: a Buffer's slice shares memory, ours does not", () => {
    const pooled = Buffer.from("xabcd").subarray(1);
    const view = new Ledger(pooled).sample;
    expect(view.bytes.constructor).toBe(Uint8Array);
    const copy = view.bytes.slice();
    copy[0] = 0;
    expect(view.u8(0)).toBe(0x61);
  });
});
