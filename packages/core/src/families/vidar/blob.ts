/**
 * Vf, the XOR blob of versions 1.5 (rework) to 1.8, 2026. After Gen Digital's description of the blob, which is
 * position-independent: it is found in files, mapped images and dumps alike, whatever the code around it.
 *
 *     +0x000 key[16]
 *     +0x010 version, length at +0x030     +0x031 build id, length at +0x071
 *     +0x072 records of 0x243 bytes: url, length at +0x100; tag at +0x101, length at +0x141;
 *            user agent at +0x142, length at +0x242
 *
 * Each field is XORed with the key from its start.
 */
import { isPrintableAscii, type View } from "../../bytes/index.ts";
import { xor } from "../../codecs/index.ts";
import { type Address, parseUrl } from "./hosts.ts";

const KEY_LENGTH = 16;
const RECORDS = 0x72;
const RECORD_SIZE = 0x243;
/** Records that a blob has room for. */
const MAX_RECORDS = 32;

const VERSION: Slot = { at: 0x10, room: 0x20, length: 0x30 };
const BUILD_ID: Slot = { at: 0x31, room: 0x40, length: 0x71 };
const URL: Slot = { at: 0, room: 0x100, length: 0x100 };
const TAG: Slot = { at: 0x101, room: 0x40, length: 0x141 };
const USER_AGENT: Slot = { at: 0x142, room: 0x100, length: 0x242 };

const VERSION_TEXT = /^\d{1,3}(\.\d{1,3}){1,3}$/;

interface Slot {
  readonly at: number;
  readonly room: number;
  /** Offset of the length byte. */
  readonly length: number;
}

/** Where a field's ciphertext lies in the view, and what it says. */
export interface Field {
  readonly offset: number;
  readonly length: number;
  readonly text: string;
}

export interface BlobRecord {
  readonly url: Field;
  readonly address: Address;
  /** Word before the C2 on the dead-drop page. */
  readonly tag: Field | undefined;
  readonly userAgent: Field | undefined;
}

export interface Blob {
  readonly offset: number;
  readonly key: Uint8Array;
  readonly version: Field;
  readonly buildId: Field | undefined;
  readonly records: readonly BlobRecord[];
  /** A record began as a URL and did not hold together: the list may be longer than what was read. */
  readonly cutShort: boolean;
}

/** The first valid blob in the view. One pass; a candidate costs a few comparisons. */
export function findBlob(view: View): Blob | undefined {
  const { bytes } = view;
  const last = bytes.length - (RECORDS + RECORD_SIZE);
  for (let o = 0; o <= last; o++) {
    if (((bytes[o + RECORDS] as number) ^ (bytes[o] as number)) !== 0x68) continue;
    if (((bytes[o + RECORDS + 1] as number) ^ (bytes[o + 1] as number)) !== 0x74) continue;
    if (((bytes[o + RECORDS + 2] as number) ^ (bytes[o + 2] as number)) !== 0x74) continue;
    if (((bytes[o + RECORDS + 3] as number) ^ (bytes[o + 3] as number)) !== 0x70) continue;
    const blob = readBlob(view, o);
    if (blob !== undefined) return blob;
  }
  return undefined;
}

function readBlob(view: View, offset: number): Blob | undefined {
  const key = view.bytes.subarray(offset, offset + KEY_LENGTH);
  const version = readField(view, offset, VERSION, key);
  if (version === undefined || version.length < 3 || !VERSION_TEXT.test(version.text)) return undefined;
  const buildId = readField(view, offset, BUILD_ID, key);
  if (buildId === undefined) return undefined;
  const records: BlobRecord[] = [];
  let cutShort = false;
  for (let k = 0; k < MAX_RECORDS; k++) {
    const base = offset + RECORDS + k * RECORD_SIZE;
    const url = readField(view, base, URL, key);
    if (url === undefined || !url.text.startsWith("http")) break;
    const address = parseUrl(url.text);
    const tag = readField(view, base, TAG, key);
    const userAgent = readField(view, base, USER_AGENT, key);
    if (address === undefined || tag === undefined || userAgent === undefined) {
      cutShort = true;
      break;
    }
    records.push({ url, address, tag: unlessEmpty(tag), userAgent: unlessEmpty(userAgent) });
  }
  if (records.length === 0) return undefined;
  return { offset, key, version, buildId: unlessEmpty(buildId), records, cutShort };
}

/** Undefined when the field does not lie inside or is not text. */
function readField(view: View, base: number, slot: Slot, key: Uint8Array): Field | undefined {
  const length = view.u8(base + slot.length);
  if (length === undefined || length > slot.room) return undefined;
  const cipher = view.sub(base + slot.at, length);
  if (cipher === undefined) return undefined;
  const plain = xor(cipher.bytes, key);
  if (!isPrintableAscii(plain)) return undefined;
  return { offset: base + slot.at, length, text: String.fromCharCode(...plain) };
}

function unlessEmpty(field: Field): Field | undefined {
  return field.length === 0 ? undefined : field;
}
