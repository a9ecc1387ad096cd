/**
 * Harmless programs with Lumma's config in each of its layouts. Around it stand the tables and texts that the linker puts
 * there in real builds, decoys of the very readers included: digit tables that look like base64, the table of powers of
 * ten, SHA-1 constants.
 */
import { concatBytes, latin1Bytes, utf16leBytes } from "@assay/core/bytes/index";
import { chacha20, xor } from "@assay/core/codecs/index";
import {
  cStrings,
  decimalPairs,
  digits,
  hexPairs,
  noise,
  powersOfTen,
  sha1Start,
  slot,
  ZIP_TEXTS,
} from "./lumma-tables.ts";
import { buildPe, layoutPe, type PeSection } from "./pe-writer.ts";

const SLOTS = 9;
const L1_STRIDE = 0x81;
const L3_SLOT = 0x80;

export interface LummaOptions {
  readonly hosts: readonly string[];
  /** `lid` of the protocol: six letters and digits in real builds. */
  readonly userId: string;
  /** `j` of the protocol; may be empty. */
  readonly tag?: string;
  /** Varies keys and noise. */
  readonly seed?: number;
}

export interface LummaL1Options extends LummaOptions {
  /** Bytes from slot to slot. */
  readonly stride?: number;
  /** base64 as the malware's decoder also takes it: `-` and `_`, `.` for padding. */
  readonly urlSafe?: boolean;
  /** False: no code that refers to the user id, and other texts before it. */
  readonly references?: boolean;
}

/** Builds of one customer differ in their keys. */
function seedOf({ hosts, userId, tag }: LummaOptions): number {
  return [...`${hosts.join()}${userId}${tag}`].reduce(
    (sum, char) => (sum * 31 + char.charCodeAt(0)) % 0xffff,
    7,
  );
}

/** L1: slots of base64(key || host XOR key). Slots without a host of their own repeat one. */
export function lummaL1(options: LummaL1Options): Uint8Array {
  const {
    hosts,
    userId,
    tag = "",
    seed = seedOf(options),
    stride = L1_STRIDE,
    urlSafe = false,
    references = true,
  } = options;
  const key = noise(32, seed);
  const encode = (host: string): Uint8Array => {
    const text = base64(concatBytes(key, xor(latin1Bytes(host), key)));
    return latin1Bytes(urlSafe ? text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", ".") : text);
  };
  const slots = padded(hosts, SLOTS).map((host, i) => slot(encode(host), stride, seed + i + 1));
  return withUserId(
    (va) =>
      concatBytes(
        powersOfTen(),
        decimalPairs(),
        hexPairs(),
        // The table that the code goes by; in its order the last slot is the first.
        dwords([...slots.keys()].reverse().map((i) => va.slots + i * stride)),
        noise(16, seed + 50),
      ),
    concatBytes(...slots),
    `${userId}--${tag}`,
    references,
    seed,
  );
}

export interface LummaL2Options extends LummaOptions {
  /**
   * `table`: pointers behind the nonce. `reversed`: slots by a table that lies elsewhere, the last slot under counter
   * 0, 0x29 bytes behind `true\0false`. `contiguous`: ciphertext behind the nonce, from counter 0 on.
   */
  readonly placement?: "table" | "reversed" | "contiguous";
  /** False: something other than the powers of ten before the key. */
  readonly marker?: boolean;
  /** Slots that hold noise only, by position in the table. */
  readonly broken?: readonly number[];
  /** A text in place of the user's id and tag, such as the hex digits of L3. */
  readonly build?: string;
}

/** L2: ChaCha20 slots under counters 0, 2, 4 and so on. */
export function lummaL2(options: LummaL2Options): Uint8Array {
  const { hosts, userId, tag = "", seed = 2, placement = "table", marker = true, broken = [] } = options;
  const key = noise(32, seed);
  const nonce = noise(8, seed + 100);
  const all = padded(hosts, SLOTS);
  const encrypted = all.map((host, k) =>
    broken.includes(k)
      ? noise(0x80, seed + 300 + k)
      : chacha20(key, nonce, slot(latin1Bytes(host), 0x80, seed + 200 + k), 2 * k),
  );
  // Slot k of the table is the (n - 1 - k)th in memory, each with a NUL behind it.
  const inMemory = concatBytes(...[...encrypted].reverse().flatMap((bytes) => [bytes, Uint8Array.of(0)]));
  const before = marker ? powersOfTen() : cStrings("unsupported feature", "invalid filename");
  const keyed = concatBytes(align8(before), key, nonce);
  const id = options.build ?? `${userId}--${tag}`;
  if (placement === "contiguous")
    return withUserId(
      () => concatBytes(keyed, ...encrypted, decimalPairs()),
      new Uint8Array(0),
      id,
      true,
      seed,
    );
  if (placement === "reversed") {
    const slots = concatBytes(
      cStrings("null", "%1.17g", "true", "false").subarray(0, -1),
      noise(0x29, seed),
      inMemory,
    );
    return withUserId(() => concatBytes(keyed, decimalPairs(), hexPairs()), slots, id, true, seed);
  }
  const pointers = (slots: number) => dwords(all.map((_, k) => slots + (all.length - 1 - k) * L1_STRIDE));
  return withUserId(
    (va) => concatBytes(keyed, pointers(va.slots), decimalPairs(), hexPairs()),
    inMemory,
    id,
    true,
    seed,
  );
}

export interface LummaL3Options {
  /** `host/path` each. */
  readonly entries: readonly string[];
  /** Hex digits; none when absent. */
  readonly build?: string;
  readonly seed?: number;
  /** Bytes by which the blob is moved from its 8-aligned place. */
  readonly shift?: number;
  /** False: something other than the powers of ten before the key. */
  readonly marker?: boolean;
  /** False: no code that names key, nonce or array. `apart`: that code, and the array far from the key. */
  readonly code?: boolean | "apart";
  /** Slots that the code counts, when not those that there are. */
  readonly counted?: number;
  /** Slots that hold noise only. */
  readonly broken?: readonly number[];
}

/** L3: key, nonce, an opaque block and slots under counters 2, 4 and so on, in one blob. */
export function lummaL3(options: LummaL3Options): Uint8Array {
  const { entries, build, seed = 3, shift = 0, marker = true, code = true, broken = [] } = options;
  const key = noise(32, seed);
  const nonce = noise(8, seed + 100);
  const array = concatBytes(
    ...entries.map((entry, i) =>
      broken.includes(i)
        ? noise(L3_SLOT, seed + 300 + i)
        : chacha20(key, nonce, slot(latin1Bytes(entry), L3_SLOT, seed + 200 + i), 2 + 2 * i),
    ),
  );
  const before = concatBytes(
    align8(marker ? powersOfTen() : cStrings("buffer too small", "Inf", "%1.17g")),
    new Uint8Array(shift),
  );
  const opaque = noise(L3_SLOT, seed + 400);
  const behind = concatBytes(decimalPairs(), hexPairs(), sha1Start(), new Uint8Array(16));
  const tail = concatBytes(digits(build ?? "xX"), noise(20, seed + 500), Uint8Array.of(0));
  const apart = code === "apart";
  const rdata = concatBytes(
    before,
    concatBytes(key, nonce, opaque),
    apart ? new Uint8Array(0) : array,
    behind,
    apart ? array : new Uint8Array(0),
    tail,
  );
  const keyAt = before.length;
  const arrayAt = apart ? keyAt + 40 + L3_SLOT + behind.length : keyAt + 40 + L3_SLOT;
  return program(rdata, (base) =>
    code === false ? filler(600) : l3Code(base + keyAt, base + arrayAt, options.counted ?? entries.length),
  );
}

export interface LummaL0Options {
  readonly hosts: readonly string[];
  /** 32 characters, or `<user id>--<tag>`. */
  readonly id: string;
  /** Put into the middle of some texts, the host among them. */
  readonly junk?: string;
  readonly path?: string;
  readonly userAgent?: boolean;
}

/** L0: everything in clear, hosts as UTF-16. */
export function lummaL0({ hosts, id, junk, path = "/c2sock", userAgent = true }: LummaL0Options): Uint8Array {
  const hide = (text: string) =>
    junk === undefined ? text : `${text.slice(0, text.length / 2)}${junk}${text.slice(text.length / 2)}`;
  const wide = (text: string) => utf16leBytes(`${text}\0`);
  const ascii = cStrings(
    "HTTP/1.1",
    "POST",
    path,
    "hwid",
    "pid",
    "lid",
    id,
    "lid=%s&j=%s&ver=3.1",
    "Content-Type: attachment/x-object\r\n\r\n",
    "- Screen Resoluton: ",
    hide("- Physical Installed Memory: "),
    "sqlite3.dll",
    "Crypto.com",
  );
  const rdata = concatBytes(
    align8(ascii),
    ...["kernel32.dll", hide("\\Local State"), hide("Screen.png"), "dp.txt", ...hosts.map(hide)].map(wide),
    userAgent ? wide("TeslaBrowser/5.5") : new Uint8Array(0),
    wide("Wallets/Binance"),
  );
  return program(rdata, () => filler(400));
}

/** `rdata` in a PE32 with `code` in .text; both know the addresses. */
function program(rdata: Uint8Array, code: (base: number) => Uint8Array): Uint8Array {
  const sections = (text: Uint8Array): PeSection[] => [
    { name: ".text", data: text },
    { name: ".rdata", data: rdata },
    { name: ".data", data: new Uint8Array(0x40), virtualSize: 0x1000 },
  ];
  const draft = layoutPe({ sections: sections(code(0)) });
  return buildPe({ sections: sections(code(draft.sectionVa(".rdata"))) });
}

/** What L1 and L2 share: tables, the user id where real builds have it, texts, slots, more texts. */
function withUserId(
  tables: (va: { slots: number }) => Uint8Array,
  slots: Uint8Array,
  id: string,
  references: boolean,
  seed: number,
): Uint8Array {
  const behindTables = concatBytes(
    cStrings(references ? "failed finding central directory" : "archive is too large"),
    slot(latin1Bytes(id), Math.max(id.length + 1, 8) + 21, seed + 60),
    cStrings(...ZIP_TEXTS),
  );
  const texts = concatBytes(
    cStrings(
      "unsupported encryption",
      "null",
      "buffer too small",
      "%1.17g",
      "true",
      "false",
      "unsupported feature",
    ),
    sha1Start(),
    digits("xX"),
  );
  const size = tables({ slots: 0 }).length;
  const idAt =
    size + cStrings(references ? "failed finding central directory" : "archive is too large").length;
  const pointerAt = size + behindTables.length + slots.length + texts.length;
  const rdata = (base: number) =>
    concatBytes(
      tables({ slots: base + size + behindTables.length }),
      behindTables,
      slots,
      texts,
      dwords([references ? base + idAt : 0]),
    );
  // The addresses do not depend on the content, so that a draft of the same length tells them.
  const draft = layoutPe({
    sections: [
      { name: ".text", data: idCode(0) },
      { name: ".rdata", data: rdata(0) },
    ],
  });
  const base = draft.sectionVa(".rdata");
  return program(rdata(base), () => (references ? idCode(base + pointerAt) : filler(idCode(0).length)));
}

/** `mov ebx, [pointer]` and the eight stores that published finders expect behind it. */
function idCode(pointer: number): Uint8Array {
  const stores = Array.from({ length: 8 }, (_, i) =>
    Uint8Array.of(0xc7, 0x44, 0x24, 4 * i, ...noise(4, 70 + i)),
  );
  return concatBytes(filler(100), Uint8Array.of(0x8b, 0x1d), dwords([pointer]), ...stores, filler(60));
}

/** Key setup and array access as in v6 builds. */
function l3Code(key: number, array: number, count: number): Uint8Array {
  return concatBytes(
    filler(180),
    Uint8Array.of(0xb8),
    dwords([key]),
    Uint8Array.of(0xbf),
    dwords([0x453de8]),
    Uint8Array.of(0xb9, 8, 0, 0, 0, 0x96, 0xf3, 0xa5, 0x96, 0xb8),
    dwords([key + 32]),
    filler(90),
    Uint8Array.of(0xc1, 0xe0, 0x07, 0x8d, 0x80),
    dwords([array]),
    Uint8Array.of(0x8d, 0x74, 0x24, 0x10, 0xff, 0x74, 0x24, 0x04, 0x56, 0x50, 0x83, 0xc4, 0x10),
    Uint8Array.of(0x3c, count, 0x0f, 0x85, 0x7a, 3, 0, 0),
    filler(120),
  );
}

/** Instructions of no meaning, never reached. */
function filler(length: number): Uint8Array {
  const pattern = Uint8Array.of(
    0x55,
    0x89,
    0xe5,
    0x83,
    0xec,
    0x18,
    0x8b,
    0x45,
    0x08,
    0x0f,
    0xb6,
    0x00,
    0xc9,
    0xc3,
  );
  return Uint8Array.from({ length }, (_, i) => pattern[i % pattern.length] as number);
}

function padded(hosts: readonly string[], count: number): string[] {
  return Array.from({ length: Math.max(count, hosts.length) }, (_, i) => hosts[i % hosts.length] as string);
}

function dwords(values: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

function align8(bytes: Uint8Array): Uint8Array {
  return concatBytes(bytes, new Uint8Array(-bytes.length & 7));
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function base64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const [a = 0, b, c] = bytes.subarray(i, i + 3);
    const bits = (a << 16) | ((b ?? 0) << 8) | (c ?? 0);
    const chars = [18, 12, 6, 0].map((shift) => ALPHABET[(bits >> shift) & 63]);
    text += `${chars[0]}${chars[1]}${b === undefined ? "=" : chars[2]}${c === undefined ? "=" : chars[3]}`;
  }
  return text;
}
