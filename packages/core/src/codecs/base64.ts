/** Base64 (RFC 4648) in the dialects met in malware. */

export interface Base64Dialect {
  /** The 64 characters of the alphabet, in order of value. */
  readonly alphabet: string;
  /** Characters taken as padding. */
  readonly padding: string;
  /** Take any padding, also none, as long as the bit count fits. */
  readonly laxPadding: boolean;
}

const BASIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
export const STANDARD: Base64Dialect = { alphabet: `${BASIC}+/`, padding: "=", laxPadding: false };
/** As STANDARD, padding optional. */
export const UNPADDED: Base64Dialect = { alphabet: `${BASIC}+/`, padding: "=", laxPadding: true };
export const URL_SAFE: Base64Dialect = { alphabet: `${BASIC}-_`, padding: "=", laxPadding: true };

const tables = new WeakMap<Base64Dialect, Int16Array>();

function tableOf(dialect: Base64Dialect): Int16Array {
  let table = tables.get(dialect);
  if (table === undefined) {
    table = new Int16Array(256).fill(-1);
    for (let i = 0; i < 64; i++) table[dialect.alphabet.charCodeAt(i)] = i;
    for (let i = 0; i < dialect.padding.length; i++) table[dialect.padding.charCodeAt(i)] = -2;
    tables.set(dialect, table);
  }
  return table;
}

/**
 * Decodes the whole of `text` (one byte a character). Undefined when a character is foreign, when anything
 * follows the padding, or when the length cannot be that of an encoding.
 */
export function decodeBase64(text: Uint8Array, dialect: Base64Dialect = STANDARD): Uint8Array | undefined {
  const table = tableOf(dialect);
  let end = text.length;
  while (end > 0 && table[text[end - 1] as number] === -2) end--;
  const pad = text.length - end;
  if (end % 4 === 1 || (dialect.laxPadding ? pad > 2 : pad !== (4 - (end % 4)) % 4)) return undefined;
  const out = new Uint8Array(Math.floor((end * 3) / 4));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (let i = 0; i < end; i++) {
    const value = table[text[i] as number] as number;
    if (value < 0) return undefined;
    bits = ((bits << 6) | value) & 0xffffff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      out[at++] = (bits >> held) & 0xff;
    }
  }
  return out;
}
