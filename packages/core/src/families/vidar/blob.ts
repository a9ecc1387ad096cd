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
import {
  type Found,
  found,
  hex,
  isPrintableAscii,
  latin1,
  latin1Bytes,
  type View,
} from "../../bytes/index.ts";
import { xor } from "../../codecs/index.ts";
import type { Finding, Ledger, Step } from "../../model/index.ts";
import { type Address, deadDropPlatform, isOrigin, parseUrl } from "./hosts.ts";
import { builder, PLAIN } from "./identity.ts";

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

const HTTP = latin1Bytes("http");
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

/**
 * The first valid blob in the view. One pass of 32-bit words over bytes[o] ^ bytes[o + 0x72], which must read "http":
 * 0x72 is two more than a multiple of four, so the second word is put together of two neighbours.
 */
export function findBlob(view: View): Blob | undefined {
  const bytes = view.bytes.byteOffset % 4 === 0 ? view.bytes : view.bytes.slice();
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
  const shift = (RECORDS - 2) >> 2;
  let low = words[shift] ?? 0;
  for (let w = 0; w + shift + 1 < words.length; w++) {
    const high = words[w + shift + 1] as number;
    const x = (words[w] as number) ^ ((low >>> 16) | (high << 16));
    low = high;
    // Any "http" has "ht" or "tt" in a half word: both end in "t".
    if ((x & 0xff00) === 0x7400) {
      const blob = readBlobAt(view, 4 * w, x & 0xff);
      if (blob !== undefined) return blob;
    }
    if (x >>> 24 === 0x74) {
      const blob = readBlobAt(view, 4 * w + 2, (x >>> 16) & 0xff);
      if (blob !== undefined) return blob;
    }
  }
  return undefined;
}

/** A blob whose "ht" or "tt" lies at `offset`; `first`: the first of these two letters. */
function readBlobAt(view: View, offset: number, first: number): Blob | undefined {
  const start = first === HTTP[0] ? offset : first === HTTP[1] ? offset - 1 : -1;
  if (start < 0) return undefined;
  for (let i = 0; i < HTTP.length; i++)
    if (((view.bytes[start + RECORDS + i] ?? 0) ^ (view.bytes[start + i] as number)) !== HTTP[i])
      return undefined;
  return readBlob(view, start);
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
  return { offset: base + slot.at, length, text: latin1(plain) };
}

function unlessEmpty(field: Field): Field | undefined {
  return field.length === 0 ? undefined : field;
}

/** A tagged address on a host of no known service is still a dead drop when it names a page. */
function blobUsage(address: Address, tagged: boolean): "c2" | "dead_drop_resolver" {
  return deadDropPlatform(address) !== undefined || (tagged && !isOrigin(address))
    ? "dead_drop_resolver"
    : "c2";
}

export function reportBlob(blob: Blob, view: View, ledger: Ledger): Finding {
  const out = builder("Vf", view);
  const keySpan = view.span(blob.offset, blob.key.length);
  const steps: Step[] = [{ op: "xor", params: { key: hex(blob.key) }, at: [keySpan] }];
  const read = (field: Field, source: string): Found<string> => {
    const plain = ledger.derive([view.span(field.offset, field.length)], steps, source);
    return plain === undefined ? found(field.text) : found(field.text, plain.span());
  };
  out.version(read(blob.version, "blob version"), PLAIN);
  if (blob.buildId !== undefined) out.text("identifier", read(blob.buildId, "blob build id"), PLAIN);
  const tags = new Set<string>();
  blob.records.forEach((record, i) => {
    const url = read(record.url, `blob record ${i} url`);
    const agent = record.userAgent && read(record.userAgent, `blob record ${i} user agent`);
    const usage = blobUsage(record.address, record.tag !== undefined);
    out.endpoint(
      { ...record.address, usage, ...(agent === undefined ? {} : { userAgent: agent.value }) },
      [...url.at, ...(agent?.at ?? [])],
      PLAIN,
    );
    if (usage === "dead_drop_resolver" && deadDropPlatform(record.address) === undefined)
      out.reason(
        "unlisted-dead-drop",
        `${record.address.host} is taken for a dead drop: its record has a tag and a page`,
        url.at,
      );
    if (record.tag === undefined || tags.has(record.tag.text)) return;
    out.other(tagName(tags.size), read(record.tag, `blob record ${i} tag`), PLAIN);
    tags.add(record.tag.text);
  });
  out.encryption({ algorithm: "xor", key: hex(blob.key), usage: "config" }, [keySpan], { as: "hex" });
  if (blob.cutShort)
    out.reason("list-cut-short", "a further record begins as a URL but does not hold together");
  return out.build("structural", ledger);
}

/** Words before the C2 on the dead-drop pages, in the order of the list. */
function tagName(index: number): string {
  return index === 0 ? "dead_drop_tag" : `dead_drop_tag_${index + 1}`;
}
