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

/** What an address begins with, whichever scheme: one of these stands at every seventh byte of it. */
const SCHEME = 7;
const IS_SCHEME = new Uint8Array(256);
for (const letter of latin1Bytes("https:/")) IS_SCHEME[letter] = 1;

/**
 * The first valid blob in the view. One pass over every seventh of bytes[o] ^ bytes[o + 0x72], one of which is a
 * letter of the "http://" or "https:/" that they read wherever a blob begins.
 */
export function findBlob(view: View): Blob | undefined {
  const { bytes } = view;
  const isScheme = IS_SCHEME;
  const last = bytes.length - RECORDS;
  for (let at = 0; at < last; at += SCHEME) {
    if (isScheme[(bytes[at] as number) ^ (bytes[at + RECORDS] as number)] === 0) continue;
    for (let start = at; start > at - SCHEME; start--) {
      if (((bytes[start] as number) ^ (bytes[start + RECORDS] as number)) !== HTTP[0]) continue;
      const blob = readsHttp(bytes, start) ? readBlob(view, start) : undefined;
      if (blob !== undefined) return blob;
    }
  }
  return undefined;
}

function readsHttp(bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < HTTP.length; i++)
    if (((bytes[start + RECORDS + i] as number) ^ (bytes[start + i] as number)) !== HTTP[i]) return false;
  return true;
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
