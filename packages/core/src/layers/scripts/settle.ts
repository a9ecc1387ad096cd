/**
 * What decoded bytes of a script are, or hold: files, scripts, or more of the same under the compressions and ciphers
 * that the script names, with its own literals for keys.
 */
import { hex, latin1, latin1Bytes, type Span, View } from "../../bytes/index.ts";
import {
  DOTNET,
  decodeBase64,
  decryptAes,
  type InflateKind,
  inflate,
  md5,
  sha256,
  xor,
} from "../../codecs/index.ts";
import { openImage } from "../../formats/index.ts";
import { applySteps, type Step } from "../../model/index.ts";
import type { Budget } from "../budget.ts";
import { EXTENSION_OF, kindOfText } from "./kind.ts";
import { MAX_KEYS, MAX_UNWRAPS } from "./limits.ts";
import { findRuns, MIN_RUN, shortStrings } from "./runs.ts";
import { isTextual } from "./text.ts";

/** Bytes that decoders may go over in one script. */
export const MAX_HUNT = 512 * 1024 * 1024;
/** Longest string that may be a key of XOR. */
const MAX_XOR_KEY = 64;
/** Bytes that a trial decryption looks at. */
const TRIAL = 64;

/** Starts of files that are taken as they are. */
const FILES: readonly (readonly [magic: string, extension: string])[] = [
  ["PK\x03\x04", "zip"],
  ["7z\xbc\xaf\x27\x1c", "7z"],
  ["Rar!\x1a\x07", "rar"],
  ["MSCF\0\0\0\0", "cab"],
  ["\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"],
  ["{\\rt", "rtf"],
  ["L\0\0\0\x01\x14\x02\0", "lnk"],
  ["\xa3\x48\x4b\xbe\x98\x6c\x4a\xa9", "a3x"],
  ["%PDF-", "pdf"],
];

/** Ways that a script must name before they are tried. */
const NAMED = {
  aes: /aes|rijndael|createdecryptor|symmetricalgorithm|cryptography/i,
  xor: /xor|\^/i,
  deflate: /deflate|inflate|zlib/i,
  digest: /sha256|md5|computehash/i,
};

export interface Secret {
  readonly bytes: Uint8Array;
  readonly at: readonly Span[];
}

export interface Found {
  readonly bytes: Uint8Array;
  readonly steps: readonly Step[];
  readonly kind: "payload" | "script";
  readonly extension: string;
}

function startsWith(bytes: Uint8Array, magic: string): boolean {
  for (let i = 0; i < magic.length; i++) if (bytes[i] !== magic.charCodeAt(i)) return false;
  return true;
}

export class Hunter {
  readonly #budget: Budget;
  readonly #named: { readonly [name in keyof typeof NAMED]: boolean };
  readonly #keys: readonly Secret[];
  readonly #ivs: readonly Secret[];
  readonly #xorKeys: readonly Uint8Array[];
  readonly texts: string[] = [];
  work = 0;

  constructor(text: string, keys: readonly Secret[], budget: Budget) {
    this.#budget = budget;
    const head = text.length > 4_000_000 ? `${text.slice(0, 2_000_000)}\n${text.slice(-2_000_000)}` : text;
    this.#named = {
      aes: NAMED.aes.test(head),
      xor: NAMED.xor.test(head),
      deflate: NAMED.deflate.test(head),
      digest: NAMED.digest.test(head),
    };
    const strings =
      this.#named.aes || this.#named.xor ? shortStrings(head, MAX_XOR_KEY).map(latin1Bytes) : [];
    const plain = strings.filter(({ length }) => length === 16 || length === 24 || length === 32);
    const digests = this.#named.digest ? strings.flatMap((text) => [sha256(text), md5(text)]) : [];
    const all = [...keys, ...[...plain, ...digests].map((bytes) => ({ bytes, at: [] }))];
    this.#keys = all.filter(({ bytes }) => [16, 24, 32].includes(bytes.length)).slice(0, MAX_KEYS);
    this.#ivs = [
      ...all.filter(({ bytes }) => bytes.length === 16).slice(0, MAX_KEYS),
      { bytes: new Uint8Array(16), at: [] },
    ];
    this.#xorKeys = this.#named.xor
      ? [...numbersNear(head), ...strings, ...keys.map(({ bytes }) => bytes)]
      : [];
  }

  /** What these bytes are, or hold. */
  settle(bytes: Uint8Array, steps: readonly Step[], depth: number): Found[] {
    if (depth > MAX_UNWRAPS || bytes.length < 8 || this.work > MAX_HUNT) return [];
    this.work += bytes.length;
    const file = fileOf(bytes);
    if (file !== undefined) return [{ bytes, steps, kind: "payload", extension: file }];
    const then = (more: Uint8Array | undefined, ...ops: Step[]): Found[] =>
      more === undefined ? [] : this.settle(more, [...steps, ...ops], depth + 1);
    if (bytes[0] === 0x1f && bytes[1] === 0x8b) return then(...this.#inflated("gzip", bytes));
    if (bytes[0] === 0x78 && [0x01, 0x5e, 0x9c, 0xda].includes(bytes[1] as number)) {
      const found = then(...this.#inflated("zlib", bytes));
      if (found.length > 0) return found;
    }
    if (isWide(bytes)) {
      const ops: Step[] = [
        ...(bytes[0] === 0xff ? [{ op: "skip", params: { bytes: 2 } }] : []),
        { op: "utf16le" },
      ];
      return then(applySteps(ops, bytes), ...ops);
    }
    if (isTextual(bytes)) {
      const found = this.#text(bytes, steps, depth);
      if (found.length > 0) return found;
    } else {
      // The size in front of the stream, as several packers of strings write it.
      if (bytes[4] === 0x1f && bytes[5] === 0x8b)
        return then(bytes.subarray(4), { op: "skip", params: { bytes: 4 } });
      if (this.#named.deflate) {
        const found = then(...this.#inflated("deflate", bytes));
        if (found.length > 0) return found;
      }
      if (bytes[bytes.length - 1] === 0x4d && bytes[bytes.length - 2] === 0x5a)
        return then(Uint8Array.from(bytes).reverse(), { op: "reverse" });
    }
    return [...this.#aes(bytes, steps, depth), ...this.#xor(bytes, steps, depth)].slice(0, 1);
  }

  #inflated(kind: InflateKind, bytes: Uint8Array): [Uint8Array | undefined, Step] {
    const limit = this.#budget.allowance(bytes.length);
    const step: Step = {
      op: kind === "gzip" ? "gunzip" : kind === "zlib" ? "zlib" : "inflate",
      params: { limit },
    };
    const out = inflate(kind, bytes, limit);
    if (out?.cut === true) this.#budget.cut("ratio");
    return [out === undefined || out.bytes.length === 0 ? undefined : out.bytes, step];
  }

  #text(bytes: Uint8Array, steps: readonly Step[], depth: number): Found[] {
    if (bytes.length >= MIN_RUN && bytes.length < 64 * 1024 * 1024) {
      const run = findRuns(latin1(bytes.subarray(0, 256)).trim()).blobs[0];
      // The whole text is one run.
      if (run !== undefined && run.at <= 2 && !isPlain(bytes)) {
        const decoded = decodeBase64(bytes, { ...DOTNET, laxPadding: true });
        const found =
          decoded === undefined
            ? []
            : this.settle(decoded, [...steps, { op: "base64", params: { dialect: "dotnet" } }], depth + 1);
        if (found.length > 0) return found;
      }
    }
    const text = latin1(bytes.subarray(0, 32 * 1024));
    const kind = kindOfText(`\n${text.toLowerCase()}`);
    if (kind !== undefined) return [{ bytes, steps, kind: "script", extension: EXTENSION_OF[kind] }];
    if (text.includes("://") && this.texts.length < MAX_KEYS) this.texts.push(text);
    return [];
  }

  #aes(bytes: Uint8Array, steps: readonly Step[], depth: number): Found[] {
    if (!this.#named.aes || bytes.length < 32 || bytes.length % 16 !== 0) return [];
    for (const key of this.#keys) {
      for (const iv of this.#ivs) {
        for (const [mode, skip] of [
          ["cbc", 0],
          ["ecb", 0],
          ["cbc", 16],
        ] as const) {
          // The IV may stand before the data; of the others only one way each is new.
          if ((mode === "ecb" || skip > 0) && iv !== this.#ivs[0]) continue;
          const seed = skip > 0 ? bytes.subarray(0, 16) : iv.bytes;
          const data = bytes.subarray(skip);
          this.work += TRIAL;
          const trial = decryptAes(mode, key.bytes, seed, data.subarray(0, TRIAL), "none");
          if (trial === undefined || !promising(trial)) continue;
          for (const padding of ["pkcs7", "zeros"] as const) {
            const plain = decryptAes(mode, key.bytes, seed, data, padding);
            if (plain === undefined) continue;
            const at = [...key.at, ...(mode === "ecb" || skip > 0 ? [] : iv.at)];
            const step: Step = {
              op: `aes-${mode}`,
              params: { key: hex(key.bytes), ...(mode === "ecb" ? {} : { iv: hex(seed) }), padding },
              ...(at.length > 0 ? { at } : {}),
            };
            const before: Step[] = skip > 0 ? [{ op: "skip", params: { bytes: 16 } }] : [];
            const found = this.settle(plain, [...steps, ...before, step], depth + 1);
            if (found.length > 0) return found;
          }
        }
      }
    }
    return [];
  }

  #xor(bytes: Uint8Array, steps: readonly Step[], depth: number): Found[] {
    if (!this.#named.xor) return [];
    const keys = [...this.#xorKeys];
    // One byte that turns the start into that of a program.
    const single = (bytes[0] as number) ^ 0x4d;
    if (single !== 0 && ((bytes[1] as number) ^ 0x5a) === single) keys.unshift(Uint8Array.of(single));
    for (const key of keys) {
      if (key.length === 0 || key.every((byte) => byte === 0)) continue;
      if (!promising(xor(bytes.subarray(0, TRIAL), key))) continue;
      const found = this.settle(
        xor(bytes, key),
        [...steps, { op: "xor", params: { key: hex(key) } }],
        depth + 1,
      );
      if (found.length > 0) return found;
    }
    return [];
  }
}

/** The first bytes are of a kind that `settle` goes on with. */
function promising(head: Uint8Array): boolean {
  if (head[0] === 0x1f && head[1] === 0x8b && head[2] === 8) return true;
  if (head[0] === 0x4d && head[1] === 0x5a) return true;
  if (head[4] === 0x1f && head[5] === 0x8b && head[6] === 8) return true;
  return FILES.some(([magic]) => startsWith(head, magic)) || isPlain(head) || isWide(head);
}

/** Nothing but printable ASCII and line breaks. */
function isPlain(bytes: Uint8Array): boolean {
  const count = Math.min(bytes.length, TRIAL);
  let spaces = 0;
  for (let i = 0; i < count; i++) {
    const byte = bytes[i] as number;
    if ((byte < 0x20 && byte !== 9 && byte !== 10 && byte !== 13) || byte > 0x7e) return false;
    if (byte === 0x20 || byte === 0x28 || byte === 0x24) spaces++;
  }
  return spaces > 0;
}

/** UTF-16LE of ASCII. */
function isWide(bytes: Uint8Array): boolean {
  const start = bytes[0] === 0xff && bytes[1] === 0xfe ? 2 : 0;
  const count = Math.min(bytes.length - 1, 64);
  if (count < 8) return false;
  for (let i = start; i < count; i += 2) {
    const low = bytes[i] as number;
    if (bytes[i + 1] !== 0 || (low < 0x20 && low !== 9 && low !== 10 && low !== 13) || low > 0x7e)
      return false;
  }
  return true;
}

function fileOf(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0x4d && bytes[1] === 0x5a) {
    const { pe, format } = openImage(new View(bytes));
    return pe === undefined ? undefined : format.endsWith("dll") ? "dll" : "exe";
  }
  return FILES.find(([magic]) => startsWith(bytes, magic))?.[1];
}

/** Numbers beside the word or sign for XOR. */
function numbersNear(text: string): Uint8Array[] {
  const keys = new Map<number, Uint8Array>();
  for (const word of [
    /\b-?b?xor\b\s{0,4}\(?\s{0,4}((?:0x|&h)?[0-9a-f]{1,4})\b/gi,
    /\^\s{0,4}((?:0x)?[0-9a-f]{1,4})\b/gi,
  ]) {
    let tries = 0;
    for (const match of text.matchAll(word)) {
      if (++tries > MAX_KEYS) break;
      const digits = match[1] as string;
      const value = /^(?:0x|&h)/i.test(digits) ? Number.parseInt(digits.slice(2), 16) : Number(digits);
      if (value > 0 && value < 256) keys.set(value, Uint8Array.of(value));
    }
  }
  return [...keys.values()];
}
