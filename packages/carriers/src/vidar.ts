/**
 * Harmless programs that hold Vidar's config structures with chosen values. The code that fills the string tables is
 * there as the malware's compiler lays it out, but nothing calls it: the program's entry point returns at once.
 */
import { concatBytes, latin1Bytes } from "@assay/core/bytes/index";
import { rc4, xor } from "@assay/core/codecs/index";
import type { Carrier } from "./carrier.ts";
import { buildPe, layoutPe, type PeSection } from "./pe-writer.ts";

const FAMILY = "win.vidar";

/** Texts of the report and the upload as Vidar's .rdata has them, in clear from 2023 on. */
const REPORT_TEXTS: readonly string[] = [
  "information.txt",
  "\nVersion: ",
  "Date: ",
  "MachineID: ",
  "GUID: ",
  "HWID: ",
  "Path: ",
  "Work Dir: In memory",
  "Computer Name: ",
  "Display Resolution: ",
  "[Hardware]",
  "Processor: ",
  "VideoCard: ",
  "[Processes]",
  "[Software]",
  "Soft: WinSCP",
  "passwords.txt",
  "Soft\\Steam\\steam_tokens.txt",
  "build_id",
  "file_data",
];

/** What any stealer of the lineage hides: none of it tells Vidar. */
const KIN_TEXTS: readonly string[] = [
  "LoadLibraryA",
  "GetProcAddress",
  "ExitProcess",
  "advapi32.dll",
  "crypt32.dll",
  "HAL9TH",
  "JohnDoe",
  "%hu/%hu/%hu %hu:%hu:%hu",
  "C:\\ProgramData\\",
  "SELECT origin_url, username_value, password_value FROM logins",
  "Cookies\\%s_%s.txt",
  "nkbihfbeogaeaoehlefnkodbefgpgknn",
  'Content-Disposition: form-data; name="file"; filename="',
  "ABCDEFGHIJKLMNOPQRSTUVWXYZ1234567890",
  "screenshot.jpg",
  '/c timeout /t 5 & del /f /q "%s" & exit',
];

/** Strings of the C runtime and of libraries, with the versions and numbers that such data is full of. */
const DECOYS: readonly string[] = [
  "0123456789abcdef",
  "1.0",
  "2.0.50727",
  "3.45.1",
  "http://www.w3.org/2001/XMLSchema",
  "https://www.sqlite.org/src",
  "bad allocation",
];

/** Strings one after the other, NUL-terminated and aligned to 4 as MSVC places them. */
class Strings {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  bytes(data: Uint8Array): number {
    const at = this.#length;
    const padded = new Uint8Array(Math.ceil((data.length + 1) / 4) * 4);
    padded.set(data);
    this.#parts.push(padded);
    this.#length += padded.length;
    return at;
  }

  text(text: string): number {
    return this.bytes(latin1Bytes(text));
  }

  gap(length: number): this {
    this.#parts.push(new Uint8Array(length));
    this.#length += length;
    return this;
  }

  all(): Uint8Array {
    return concatBytes(...this.#parts);
  }
}

/** Deterministic bytes (xorshift32), so that a carrier is the same on every build. */
function noise(length: number, seed: number): Uint8Array {
  const out = new Uint8Array(length);
  let x = seed | 1;
  for (let i = 0; i < length; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    out[i] = x & 0xff;
  }
  return out;
}

function u32(value: number): number[] {
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, (value >>> 24) & 0xff];
}

const pushLength = (n: number): number[] => (n < 0x80 ? [0x6a, n] : [0x68, ...u32(n)]);
const push = (va: number): number[] => [0x68, ...u32(va)];
const storeEax = (va: number): number[] => [0xa3, ...u32(va)];
const storeImm = (va: number, value: number): number[] => [0xc7, 0x05, ...u32(va), ...u32(value)];
const popArguments = (n: number): number[] => [0x83, 0xc4, n * 4];
const PROLOGUE = [0x55, 0x8b, 0xec];
const EPILOGUE = [0x5d, 0xc3];

const RDATA_SIZE = 0x6000;
const DATA_SIZE = 0x1000;
const TEXT_SIZE = 0x4000;

/** PE32 of three sections at fixed places; `code` gets their addresses. */
function x86(
  write: (at: { rdata: number; data: number }) => { code: readonly number[]; rdata: Uint8Array },
): Uint8Array {
  const sections = (text: Uint8Array, rdata: Uint8Array): PeSection[] => [
    { name: ".text", data: text },
    { name: ".rdata", data: rdata, virtualSize: RDATA_SIZE },
    { name: ".data", data: new Uint8Array(0x200), virtualSize: DATA_SIZE },
  ];
  const plan = layoutPe({ sections: sections(new Uint8Array(TEXT_SIZE), new Uint8Array(RDATA_SIZE)) });
  const { code, rdata } = write({ rdata: plan.sectionVa(".rdata"), data: plan.sectionVa(".data") });
  if (code.length > TEXT_SIZE || rdata.length > RDATA_SIZE)
    throw new RangeError("carrier too large for its sections");
  const text = new Uint8Array(TEXT_SIZE).fill(0xcc);
  text.set(code);
  return buildPe({ sections: sections(text, rdata) });
}

/**
 * Va's decode function: lstrlenA of the key, index modulo, XOR, store. `lstrlen`: address of the import's slot.
 * decode(data, key, length) → eax, cdecl
 */
function vaDecoder(lstrlen: number): number[] {
  return [
    ...[0x55, 0x8b, 0xec, 0x53, 0x56, 0x57, 0x33, 0xff, 0x8b, 0x5d, 0x08],
    ...[0xff, 0x75, 0x0c, 0x8d, 0x34, 0x1f, 0xff, 0x15, ...u32(lstrlen), 0x8b, 0xc8, 0x33, 0xd2, 0x8b, 0xc7],
    ...[0xf7, 0xf1, 0x8b, 0x45, 0x0c, 0x8b, 0x4d, 0x08, 0x8a, 0x04, 0x02, 0x32, 0x04, 0x31, 0x47, 0x88, 0x06],
    ...[0x3b, 0x7d, 0x10, 0x72, 0xd8, 0x5f, 0x5e, 0x5b, 0x5d, 0xc3],
  ];
}

/** Appends a call of the function at offset 0 of the section. */
function callStart(code: number[]): void {
  code.push(0xe8, ...u32(-(code.length + 5)));
}

export interface VidarVa {
  readonly key: string;
  /** As it stands in clear: a URL or a bare host. */
  readonly hosts: readonly string[];
  readonly profileId: string;
  /** Strings hidden beside those of every stealer. */
  readonly texts?: readonly string[];
}

export function vidarVa(options: VidarVa): Uint8Array {
  return x86(({ rdata: base, data }) => {
    const rdata = new Strings();
    for (const decoy of DECOYS) rdata.text(decoy);
    rdata.gap(0x1800);
    const key = base + rdata.text(options.key);
    for (const host of options.hosts) rdata.text(host);
    rdata.text(options.profileId);
    const code = [...vaDecoder(data + 0x40), 0xcc, 0xcc, ...PROLOGUE];
    [...KIN_TEXTS, ...(options.texts ?? REPORT_TEXTS)].forEach((text, i) => {
      const cipher = xor(latin1Bytes(text), latin1Bytes(options.key));
      code.push(...pushLength(text.length), ...push(key), ...push(base + rdata.bytes(cipher)));
      callStart(code);
      code.push(...popArguments(3), ...storeEax(data + 0x100 + 4 * i));
    });
    return { code: [...code, ...EPILOGUE], rdata: rdata.all() };
  });
}

export interface VidarVb {
  readonly key: string;
  /** Stored in clear by the init function, among the others. */
  readonly host: string;
  readonly texts?: readonly string[];
  /** Every argument but the first is written over the one before, which stays on the stack; false by default. */
  readonly reusesArgument?: boolean;
}

export function vidarVb(options: VidarVb): Uint8Array {
  return x86(({ rdata: base, data }) => {
    const rdata = new Strings();
    for (const decoy of DECOYS) rdata.text(decoy);
    const code = [0x55, 0x8b, 0xec, 0x33, 0xc0, 0x5d, 0xc3, 0xcc, ...PROLOGUE];
    code.push(...storeImm(data + 0x80, base + rdata.text(options.key)));
    code.push(...storeImm(data + 0x84, base + rdata.text(options.host)));
    [...(options.texts ?? REPORT_TEXTS), ...KIN_TEXTS, "%s/1.jpg"].forEach((text, i) => {
      const cipher = rc4(latin1Bytes(options.key), latin1Bytes(text));
      const reuses = options.reusesArgument === true;
      const text64 = base + rdata.text(base64(cipher));
      code.push(...(reuses && i > 0 ? [0xc7, 0x04, 0x24, ...u32(text64)] : push(text64)));
      callStart(code);
      code.push(...(reuses ? [] : popArguments(1)), ...storeEax(data + 0x100 + 4 * i));
    });
    return { code: [...code, ...EPILOGUE], rdata: rdata.all() };
  });
}

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function base64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const [a, b, c] = [bytes[i] ?? 0, bytes[i + 1], bytes[i + 2]];
    const bits = (a << 16) | ((b ?? 0) << 8) | (c ?? 0);
    text += `${BASE64[bits >> 18]}${BASE64[(bits >> 12) & 63]}`;
    text += `${b === undefined ? "=" : BASE64[(bits >> 6) & 63]}${c === undefined ? "=" : BASE64[bits & 63]}`;
  }
  return text;
}

export interface VidarVc {
  /** Every hidden string in the code's order; URLs may stand whole or as scheme and host. */
  readonly strings: readonly string[];
  /** Strings in clear, behind the hidden ones. */
  readonly clear?: readonly string[];
  /** How the length is given: pushed (default), in ecx, or the most frequent one from edi. */
  readonly length?: "pushed" | "ecx" | "edi";
  /** Each result goes to a member of an object, between the next call's arguments; false by default. */
  readonly members?: boolean;
}

const PUSH_EDI = [0x57];

function mostFrequentLength(texts: readonly string[]): number {
  const count = (length: number) => texts.filter((text) => text.length === length).length;
  return texts.map((text) => text.length).reduce((best, n) => (count(n) > count(best) ? n : best));
}

/** The string table that Vidar shares with Arkei, Mars and Stealc: it is the strings that name the family. */
export function vidarVc(options: VidarVc): Uint8Array {
  return x86(({ rdata: base, data }) => {
    const rdata = new Strings();
    for (const decoy of DECOYS) rdata.text(decoy);
    const code = [0x55, 0x8b, 0xec, 0x33, 0xc0, 0x5d, 0xc3, 0xcc, ...PROLOGUE];
    const kept = options.length === "edi" ? mostFrequentLength(options.strings) : undefined;
    if (kept !== undefined) code.push(0x57, 0x6a, kept, 0x5f); // push edi; push n; pop edi
    options.strings.forEach((text, i) => {
      const key = noise(text.length, 0x1234 + i * 77).map((b) => 0x30 + (b % 0x4b));
      const keyAt = base + rdata.bytes(key);
      const dataAt = base + rdata.bytes(xor(latin1Bytes(text), key));
      const inEcx = options.length === "ecx";
      const length = inEcx ? [] : text.length === kept ? PUSH_EDI : pushLength(text.length);
      const member = options.members === true && i > 0 ? [0x89, 0x46, (4 * i) & 0x7c] : [];
      code.push(...length, ...member, ...push(keyAt), ...push(dataAt));
      if (inEcx) code.push(...(i % 2 === 0 ? [0xb9, ...u32(text.length)] : [0x6a, text.length, 0x59]));
      callStart(code);
      code.push(...popArguments(inEcx ? 2 : 3), ...storeEax(data + 0x100 + 4 * i));
    });
    for (const text of options.clear ?? []) rdata.text(text);
    return { code: [...code, ...EPILOGUE], rdata: rdata.all() };
  });
}

export interface VidarVd {
  readonly urls: readonly string[];
  readonly version?: string;
  readonly buildId?: string;
  readonly tag?: string;
  readonly userAgent?: string;
  /** Vidar's report texts in clear; true by default. */
  readonly texts?: boolean;
  /** Let code name the version, as 32-bit builds of 2023 do; true by default. */
  readonly versionByCode?: boolean;
}

export function vidarVd(options: VidarVd): Uint8Array {
  return x86(({ rdata: base }) => {
    const rdata = new Strings();
    for (const decoy of DECOYS) rdata.text(decoy);
    rdata.gap(0x1800);
    const version = options.version === undefined ? undefined : base + rdata.text(options.version);
    if (options.buildId !== undefined) rdata.text(options.buildId);
    if (options.tag !== undefined) rdata.text(options.tag);
    for (const url of options.urls) rdata.text(url);
    if (options.userAgent !== undefined) rdata.text(options.userAgent);
    rdata.gap(0x400);
    if (options.texts ?? true) for (const text of REPORT_TEXTS) rdata.text(text);
    const code = [0x55, 0x8b, 0xec, 0x33, 0xc0, 0x5d, 0xc3, 0xcc, ...PROLOGUE];
    if (version !== undefined && (options.versionByCode ?? true)) {
      code.push(...push(version), 0x89, 0x45, 0xfc, 0x88, 0x06);
      callStart(code);
      code.push(...popArguments(1));
    }
    return { code: [...code, ...EPILOGUE], rdata: rdata.all() };
  });
}

const VE_ALPHABET =
  "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!#$&()*+,-./:;<=>?@[]^_`{|}~ ";

export interface VidarVe {
  readonly urls: readonly string[];
  readonly version: string;
  readonly buildId: string;
  /** Seed of the table's order. */
  readonly seed?: number;
}

/** PE32+ whose config function names the table and the strings by `lea reg, [rip + disp32]`. */
export function vidarVe(options: VidarVe): Uint8Array {
  const table = shuffled(VE_ALPHABET, options.seed ?? 7);
  const encode = (text: string): string =>
    [...text].map((c, n) => table[(VE_ALPHABET.indexOf(c) + n) % VE_ALPHABET.length]).join("");
  const rdata = new Strings();
  for (const decoy of DECOYS) rdata.text(decoy);
  const tableAt = rdata.text(table);
  rdata.gap(0x180);
  const texts = [options.version, options.buildId, ...options.urls].map((t) => rdata.text(encode(t)));
  const sections = (text: Uint8Array): PeSection[] => [
    { name: ".text", data: text },
    { name: ".rdata", data: rdata.all() },
  ];
  const plan = layoutPe({ is64: true, sections: sections(new Uint8Array(0x400)) });
  const [textRva, rdataRva] = [plan.section(".text").rva, plan.section(".rdata").rva];
  const code: number[] = [0x55, 0x48, 0x89, 0xe5];
  const lea = (opcode: number[], target: number): void => {
    code.push(...opcode, ...u32(rdataRva + target - (textRva + code.length + opcode.length + 4)));
  };
  lea([0x4c, 0x8d, 0x35], tableAt); // r14
  for (const at of texts) {
    lea([0x48, 0x8d, 0x3d], at); // rdi
    code.push(0xba, 0x20, 0, 0, 0, 0x48, 0x89, 0xf1, 0x49, 0x89, 0xf8, 0xe8, 0, 0, 0, 0);
    code.push(0xba, 0x40, 0, 0, 0, 0x48, 0x89, 0xd9, 0x4d, 0x89, 0xf0, 0xe8, 0, 0, 0, 0);
  }
  code.push(0x5d, 0xc3);
  const text = new Uint8Array(0x400).fill(0xcc);
  text.set(code);
  return buildPe({ is64: true, sections: sections(text) });
}

function shuffled(text: string, seed: number): string {
  const chars = [...text];
  const random = noise(chars.length * 4, seed);
  for (let i = chars.length - 1; i > 0; i--) {
    const j = (((random[4 * i] as number) << 8) | (random[4 * i + 1] as number)) % (i + 1);
    [chars[i], chars[j]] = [chars[j] as string, chars[i] as string];
  }
  return chars.join("");
}

export interface VidarVf {
  readonly version: string;
  readonly buildId: string;
  readonly records: readonly { readonly url: string; readonly tag?: string; readonly userAgent?: string }[];
  readonly seed?: number;
}

/** The blob alone: what a dump without headers may hold. */
export function vidarBlob(options: VidarVf): Uint8Array {
  const key = noise(16, options.seed ?? 99);
  const blob = new Uint8Array(0x72 + 0x243 * (options.records.length + 1));
  blob.set(key);
  const put = (at: number, length: number, text: string): void => {
    if (text.length > length - at) throw new RangeError(`"${text}" does not fit its field`);
    blob.set(xor(latin1Bytes(text), key), at);
    blob[length] = text.length;
  };
  put(0x10, 0x30, options.version);
  put(0x31, 0x71, options.buildId);
  options.records.forEach((record, i) => {
    const at = 0x72 + i * 0x243;
    put(at, at + 0x100, record.url);
    put(at + 0x101, at + 0x141, record.tag ?? "");
    put(at + 0x142, at + 0x242, record.userAgent ?? "");
  });
  return blob;
}

/** The blob at an odd place of .data, between strings and noise. */
export function vidarVf(options: VidarVf): Uint8Array {
  const rdata = new Strings();
  for (const decoy of DECOYS) rdata.text(decoy);
  const data = concatBytes(noise(0x137, 5), vidarBlob(options), noise(0x200, 6));
  return buildPe({
    is64: true,
    sections: [
      { name: ".text", data: new Uint8Array(0x200).fill(0xcc) },
      { name: ".rdata", data: rdata.all() },
      { name: ".data", data },
    ],
  });
}

const SEED_C2 = "http://128.140.69.37:80";
const SEED_DROP = "https://steamcommunity.com/profiles/76561199588685141";
const FIREFOX = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:137.0) Gecko/20100101 Firefox/137.0";
const EDGE =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/144.0.0.0 Safari/537.36 Edg/144.0.0.0";
const STEAM = "https://steamcommunity.com/profiles/76561199832267488";

/** One carrier at least of every layout. */
export function vidarCarriers(): Carrier[] {
  const carrier = (
    name: string,
    layout: string,
    bytes: Uint8Array,
    c2: readonly string[],
    values: Readonly<Record<string, unknown>>,
    confidence: "structural" | "heuristic" = "structural",
  ): Carrier => ({ name, family: FAMILY, layout, bytes, expected: { c2, confidence, values } });
  return [
    carrier(
      "vidar-va.exe",
      "Va",
      vidarVa({ key: "UPD3N1W4YQ8JXSH1", hosts: ["http://203.0.113.7/"], profileId: "517" }),
      ["http://203.0.113.7/"],
      { "/config/campaign_id/0": "517", "/config/encryption/0/key": "UPD3N1W4YQ8JXSH1" },
    ),
    carrier(
      "vidar-va-bare.exe",
      "Va",
      vidarVa({ key: "1Q9xk2", hosts: ["himarkh.xyz", SEED_C2], profileId: "1011" }),
      [SEED_C2, "http://himarkh.xyz"],
      { "/config/campaign_id/0": "1011" },
    ),
    carrier(
      "vidar-vb.exe",
      "Vb",
      vidarVb({ key: "056139954853430408", host: "himarkh.xyz" }),
      ["http://himarkh.xyz"],
      { "/config/encryption/0/algorithm": "rc4" },
    ),
    carrier(
      "vidar-vc.exe",
      "Vc",
      vidarVc({
        strings: [
          ...KIN_TEXTS,
          ...REPORT_TEXTS,
          "http://",
          "159.69.100.165",
          "865",
          "https://t.me/g_etcontent",
          STEAM,
          "55.9",
        ],
      }),
      ["http://159.69.100.165"],
      {
        "/version": "55.9",
        "/config/campaign_id/0": "865",
        "/config/http/1/uri": "https://t.me/g_etcontent",
        "/config/http/1/usage": "dead_drop_resolver",
        "/config/http/2/uri": STEAM,
      },
    ),
    carrier(
      "vidar-vd-hidden-texts.exe",
      "Vd",
      vidarVc({
        strings: [...KIN_TEXTS, ...REPORT_TEXTS],
        clear: [
          "51.2",
          "https://mastodon.online/@olegf9844",
          "https://t.me/g_etcontent",
          "http://116.203.167.169:443",
        ],
      }),
      ["http://116.203.167.169:443"],
      { "/config/http/0/usage": "dead_drop_resolver", "/config/http/1/usage": "dead_drop_resolver" },
      "heuristic",
    ),
    carrier(
      "vidar-vd.exe",
      "Vd",
      vidarVd({
        urls: ["https://t.me/g_etcontent", STEAM, SEED_C2],
        version: "13.2",
        buildId: "b4ab1ad4c2b0de1f5f8f0a6c6d1a2f3e",
        tag: "dqu220",
        userAgent: FIREFOX,
      }),
      [SEED_C2],
      {
        "/version": "13.2",
        "/config/identifier/0": "b4ab1ad4c2b0de1f5f8f0a6c6d1a2f3e",
        "/config/http/0/uri": "https://t.me/g_etcontent",
        "/config/http/0/usage": "dead_drop_resolver",
        "/config/http/0/user_agent": FIREFOX,
        "/config/http/2/usage": "c2",
        "/config/other/dead_drop_tag": "dqu220",
      },
      "heuristic",
    ),
    carrier(
      "vidar-vd-drops-only.exe",
      "Vd",
      vidarVd({ urls: [STEAM], version: "8.6", versionByCode: false }),
      [],
      { "/version": "8.6", "/config/http/0/usage": "dead_drop_resolver" },
      "heuristic",
    ),
    carrier(
      "vidar-vd-cluster.exe",
      "Vd",
      vidarVd({
        urls: [SEED_DROP, SEED_C2],
        version: "4.1",
        versionByCode: false,
        buildId: "0123456789abcdef0123456789abcdef",
        texts: false,
      }),
      [SEED_C2],
      { "/version": "4.1", "/config/identifier/0": "0123456789abcdef0123456789abcdef" },
      "heuristic",
    ),
    carrier(
      "vidar-ve.exe",
      "Ve",
      vidarVe({
        urls: ["https://telegram.me/k0ddr", STEAM, "https://45.132.18.9"],
        version: "17.7",
        buildId: "5f0c9b1a2e3d4c5b6a79880716253443",
      }),
      ["https://45.132.18.9"],
      {
        "/version": "17.7",
        "/config/identifier/0": "5f0c9b1a2e3d4c5b6a79880716253443",
        "/config/http/0/uri": "https://telegram.me/k0ddr",
        "/config/http/1/usage": "dead_drop_resolver",
      },
    ),
    carrier(
      "vidar-vf.exe",
      "Vf",
      vidarVf({
        version: "1.8",
        buildId: "9e107d9d372bb6826bd81d3542a419d6",
        records: [{ url: "https://t.me/gk6p2s", tag: "m36", userAgent: EDGE }],
      }),
      [],
      {
        "/version": "1.8",
        "/config/identifier/0": "9e107d9d372bb6826bd81d3542a419d6",
        "/config/http/0/uri": "https://t.me/gk6p2s",
        "/config/http/0/usage": "dead_drop_resolver",
        "/config/http/0/user_agent": EDGE,
        "/config/other/dead_drop_tag": "m36",
      },
    ),
    carrier(
      "vidar-vf-five.exe",
      "Vf",
      vidarVf({
        version: "1.5.12",
        buildId: "build-of-any-form",
        seed: 4242,
        records: [
          { url: SEED_DROP, tag: "abc1", userAgent: EDGE },
          { url: "https://t.me/g_etcontent", tag: "abc1", userAgent: FIREFOX },
          { url: "https://mastodon.social/@someone", tag: "xyz2" },
          { url: SEED_C2 },
          { url: "https://[2001:db8::17]:8443" },
        ],
      }),
      [SEED_C2, "https://[2001:db8::17]:8443"],
      {
        "/version": "1.5.12",
        "/config/identifier/0": "build-of-any-form",
        "/config/http/2/usage": "dead_drop_resolver",
        "/config/other/dead_drop_tag": "abc1",
        "/config/other/dead_drop_tag_2": "xyz2",
      },
    ),
  ];
}
