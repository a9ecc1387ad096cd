import { execFileSync, spawnSync } from "node:child_process";
import { deflateSync, gzipSync } from "node:zlib";
import { demoBatch } from "@assay/carriers/demo";
import {
  type Junk,
  junk,
  toAplib,
  toBase64,
  toLznt1,
  withAp32,
  withCertificateData,
  withOverlay,
  withResources,
  withSectionData,
} from "@assay/carriers/wrap";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, equalBytes, hex, latin1Bytes, utf16leBytes } from "../bytes/index.ts";
import { xor } from "../codecs/index.ts";
import { classify, openImage } from "../formats/index.ts";
import { applySteps, Ledger } from "../model/index.ts";
import { AROUND_PE } from "./around-pe.ts";
import { Budget } from "./budget.ts";

interface Peeled {
  readonly ledger: Ledger;
  /** Ids of all inner artifacts, parents first. */
  readonly ids: readonly number[];
  readonly codes: readonly string[];
}

/** Asks every layer, and again of what they give, as triage does. */
function peel(sample: Uint8Array): Peeled {
  const ledger = new Ledger(sample);
  const budget = new Budget();
  const ids: number[] = [];
  const codes: string[] = [];
  const queue = [{ view: ledger.sample, depth: 0 }];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    if (next.depth > budget.limits.depth) continue;
    const image = openImage(next.view);
    const format = image.pe === undefined ? classify(next.view) : image.format;
    for (const layer of AROUND_PE) {
      const { inner, reasons } = layer.peel({ image, format, name: undefined, ledger, budget });
      codes.push(...reasons.map(({ code }) => code));
      for (const { view } of inner) {
        ids.push(view.artifact);
        queue.push({ view, depth: next.depth + 1 });
      }
    }
  }
  return { ledger, ids, codes };
}

/** The way to the artifact that is `wanted`; undefined when there is none. */
function wayTo({ ledger, ids }: Peeled, wanted: Uint8Array): string | undefined {
  const id = ids.find((one) => equalBytes(ledger.entries[one]?.view.bytes ?? new Uint8Array(0), wanted));
  return id === undefined ? undefined : ledger.chain(id).join(" > ");
}

const carriers = demoBatch();
const payload = carriers[0]?.bytes ?? new Uint8Array(0);
const noise = (size: number, seed = 7): Uint8Array =>
  Uint8Array.from({ length: size }, (_, i) => (Math.imul(i + seed, 2_654_435_761) >>> 13) ^ (i >> 5)).map((b) => b & 0xff);
const embedded = (data: Uint8Array): Uint8Array => concatBytes(noise(3333), data, noise(1111));
const KEY_64 = Uint8Array.from({ length: 64 }, (_, i) => (i * 37 + 11) & 0xff);

describe("carve", () => {
  const cases: readonly (readonly [string, Uint8Array, string])[] = [
    ["clear", payload, "PE32 exe at 0xd05"],
    ["XOR with one byte", xor(payload, Uint8Array.of(0x5f)), "> xor"],
    ["XOR with 0xff", xor(payload, Uint8Array.of(0xff)), "> xor"],
    ["XOR with a word", xor(payload, latin1Bytes("Password1")), "> xor"],
    ["XOR with UTF-16 text", xor(payload, utf16leBytes("secret")), "> xor"],
    ["XOR with 37 bytes", xor(payload, KEY_64.subarray(0, 37)), "> xor"],
    ["XOR with 64 bytes", xor(payload, KEY_64), "> xor"],
    ["base64", concatBytes(latin1Bytes('x="'), toBase64(payload), latin1Bytes('"')), "> base64"],
    ["base64 in UTF-16", utf16leBytes(`x='${Buffer.from(payload).toString("base64")}'`), "> utf16le > base64"],
    ["base64, reversed", concatBytes(latin1Bytes("'"), toBase64(payload).reverse(), latin1Bytes("'")), "> reverse > base64"],
    ["base64 in lines", latin1Bytes(`[${Buffer.from(payload).toString("base64").replace(/.{76}/g, "$&\r\n")}]`), "> base64"],
    ["hex", latin1Bytes(`(${hex(payload)})`), "> hex"],
    ["hex, reversed", latin1Bytes(`(${[...hex(payload)].reverse().join("")})`), "> reverse > hex"],
    ["reversed", Uint8Array.from(payload).reverse(), "> reverse"],
    ["gzip", gzipSync(payload), "> gunzip"],
    ["zlib", deflateSync(payload), "> zlib"],
    ["aPLib", toAplib(payload), "> aplib"],
    ["aPLib with its header", withAp32(toAplib(payload), payload.length), "> aplib"],
    ["LZNT1", toLznt1(payload), "> lznt1"],
  ];

  it.each(cases)("finds a program within data: %s", (_, data, way) => {
    expect(wayTo(peel(embedded(data)), payload)).toContain(way);
  });

  it.each(cases)("finds a program in a resource: %s", (_, data) => {
    expect(wayTo(peel(withResources(noise(500), data)), payload)).toMatch(/resource RCDATA\/2/);
  });

  it.each(cases)("finds a program in an overlay: %s", (_, data) => {
    expect(wayTo(peel(withOverlay(withResources(noise(80)), embedded(data))), payload)).toMatch(/^overlay/);
  });
});

void AROUND_PE;
void junk;
void withCertificateData;
void withSectionData;
void fc;
void applySteps;
void execFileSync;
void spawnSync;
export type { Junk };
