/** C2 entries under ChaCha20: one slot each, from an even block counter on, NUL-terminated. Layouts L2 and L3. */
import { latin1 } from "../../bytes/index.ts";
import { chacha20 } from "../../codecs/index.ts";
import { type Address, readAddress } from "./address.ts";

/** Bytes of a slot that are encrypted: two keystream blocks. */
export const SLOT = 0x80;
export const BLOCKS_PER_SLOT = 2;
/** Known builds have nine; more are read as long as they decrypt. */
export const USUAL_ENTRIES = 9;
const MAX_ENTRIES = 64;

/** Where a key and a nonce stand, as offsets in the view. */
export interface KeySite {
  readonly key: number;
  readonly nonce: number;
}

export interface Entry {
  /** Position in the array or table. */
  readonly index: number;
  readonly offset: number;
  readonly counter: number;
  readonly text: string;
  readonly address: Address;
}

export interface EntryList {
  readonly entries: readonly Entry[];
  /** Indices before the last entry that did not decrypt to an address. */
  readonly gaps: readonly number[];
}

export const KEY_SIZE = 32;
export const NONCE_SIZE = 8;

/** Decrypts one slot; undefined when it is no address. The view may end within the slot, behind its NUL. */
export function readEntry(
  bytes: Uint8Array,
  site: KeySite,
  offset: number,
  counter: number,
  index: number,
): Entry | undefined {
  if (offset < 0 || offset >= bytes.length) return undefined;
  const plain = chacha20(
    bytes.subarray(site.key, site.key + KEY_SIZE),
    bytes.subarray(site.nonce, site.nonce + NONCE_SIZE),
    bytes.subarray(offset, offset + SLOT),
    counter,
  );
  const length = plain.indexOf(0);
  if (length <= 0) return undefined;
  const text = latin1(plain.subarray(0, length));
  const address = readAddress(text);
  return address && { index, offset, counter, text, address };
}

/** Reads slots one after another while they decrypt; looks behind a bad one, as far as known builds reach. */
export function readArray(
  bytes: Uint8Array,
  site: KeySite,
  start: number,
  firstCounter: number,
  stride = SLOT,
): EntryList {
  const entries: Entry[] = [];
  const gaps: number[] = [];
  let missed: number[] = [];
  for (let i = 0; i < MAX_ENTRIES; i++) {
    const entry = readEntry(bytes, site, start + i * stride, firstCounter + i * BLOCKS_PER_SLOT, i);
    if (entry === undefined) {
      missed.push(i);
      if (i >= USUAL_ENTRIES || start + i * stride >= bytes.length) break;
    } else {
      gaps.push(...missed);
      missed = [];
      entries.push(entry);
    }
  }
  return { entries, gaps };
}

/** Entries that count as proof: those under a suffix that exists. */
export function certain(list: EntryList): number {
  return list.entries.filter((entry) => entry.address.knownSuffix).length;
}
