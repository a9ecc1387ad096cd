/**
 * Base64 (RFC 4648) in the dialects met in malware.
 *
 * Two choices, both as .NET's Convert.FromBase64String makes them, since what the malware's own decoder reads is
 * what the config says: a character outside the dialect refuses the whole text, and bits left over in the last
 * character need not be zero.
 */

export interface Base64Dialect {
  /** The 64 characters of the alphabet, in order of value. */
  readonly alphabet: string;
  /** Characters taken as padding. */
  readonly padding: string;
  /** Take any padding, also none, as long as the bit count fits. */
  readonly laxPadding: boolean;
  /** Other characters that stand for a value. */
  readonly aliases?: Readonly<Record<string, number>>;
  /** Characters passed over wherever they stand. */
  readonly ignored?: string;
}

const BASIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
export const STANDARD: Base64Dialect = { alphabet: `${BASIC}+/`, padding: "=", laxPadding: false };
/** As STANDARD, padding optional. */
export const UNPADDED: Base64Dialect = { alphabet: `${BASIC}+/`, padding: "=", laxPadding: true };
export const URL_SAFE: Base64Dialect = { alphabet: `${BASIC}-_`, padding: "=", laxPadding: true };
/** Convert.FromBase64String: the four white-space characters that it names are passed over, padding is due. */
export const DOTNET: Base64Dialect = { ...STANDARD, ignored: " \t\r\n" };
/** Lumma's own decoder: both alphabets at once, `.` or `=` as padding. */
export const LUMMA: Base64Dialect = {
  alphabet: `${BASIC}+/`,
  padding: "=.",
  laxPadding: true,
  aliases: { "-": 62, _: 63 },
};

/** The named dialects, as reports call them. */
export const BASE64_DIALECTS = {
  standard: STANDARD,
  unpadded: UNPADDED,
  "url-safe": URL_SAFE,
  dotnet: DOTNET,
  lumma: LUMMA,
} as const;

/** A dialect over an alphabet of the malware's own. RangeError unless it has 64 different one-byte characters. */
export function customBase64(alphabet: string, padding = "=", laxPadding = true): Base64Dialect {
  if (alphabet.length !== 64 || new Set(alphabet).size !== 64 || !/^[\0-\xff]*$/.test(alphabet))
    throw new RangeError("a base64 alphabet has 64 different one-byte characters");
  return { alphabet, padding, laxPadding };
}

const FOREIGN = -1;
const PAD = -2;
const IGNORED = -3;

const tables = new WeakMap<Base64Dialect, Int8Array>();

function tableOf(dialect: Base64Dialect): Int8Array {
  let table = tables.get(dialect);
  if (table === undefined) {
    table = new Int8Array(256).fill(FOREIGN);
    for (const char of dialect.ignored ?? "") table[char.charCodeAt(0)] = IGNORED;
    for (const char of dialect.padding) table[char.charCodeAt(0)] = PAD;
    for (const [char, value] of Object.entries(dialect.aliases ?? {})) table[char.charCodeAt(0)] = value;
    for (let i = 0; i < 64; i++) table[dialect.alphabet.charCodeAt(i)] = i;
    tables.set(dialect, table);
  }
  return table;
}

/**
 * Decodes the whole of `text` (one byte a character). Undefined when a character is foreign, when anything but
 * ignored characters follows the padding, or when the length cannot be that of an encoding.
 */
export function decodeBase64(text: Uint8Array, dialect: Base64Dialect = STANDARD): Uint8Array | undefined {
  const table = tableOf(dialect);
  const out = new Uint8Array(Math.floor((text.length * 3) / 4));
  let bits = 0;
  let held = 0;
  let at = 0;
  let digits = 0;
  let pad = 0;
  for (let i = 0; i < text.length; i++) {
    const value = table[text[i] as number] as number;
    if (value === IGNORED) continue;
    if (value === PAD) {
      pad++;
      continue;
    }
    if (value === FOREIGN || pad > 0) return undefined;
    digits++;
    bits = ((bits << 6) | value) & 0xffffff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      out[at++] = bits >> held;
    }
  }
  const due = (4 - (digits % 4)) % 4;
  if (due === 3 || (dialect.laxPadding ? pad > 2 : pad !== due)) return undefined;
  return out.subarray(0, at);
}
