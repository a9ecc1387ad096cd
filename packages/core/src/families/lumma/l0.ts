/**
 * L0 (2022 to mid 2023): the host stands in clear among the texts of .rdata, as UTF-16 or ASCII, near the request path
 * (/c2sock, /c2conf, later /api). In early builds a junk text (edx765 in the leaked one) is put into other texts, and
 * may be in the host too. The customer's id is a text of 32 characters, later `<user id>--<tag>`.
 * Sources: SEKOIA infostealer_win_lumma_strings_aug23.yar; published decompilation of "LummaC2, Build 20221512".
 */
import { type Found, found, latin1, type Span, utf16le, type View } from "../../bytes/index.ts";
import { type Address, readAddress } from "./address.ts";
import type { Details, Signs } from "./landmarks.ts";
import type { Range } from "./ranges.ts";

export interface ClearText {
  /** With the junk taken out. */
  readonly value: string;
  readonly found: Found<string>;
  readonly wide: boolean;
}

export interface ClearHost extends ClearText {
  readonly address: Address;
}

export interface ClearConfig {
  readonly hosts: readonly ClearHost[];
  readonly path: ClearText | undefined;
  readonly userAgent: ClearText | undefined;
  readonly identifier: ClearText | undefined;
  readonly junk: string | undefined;
}

/** True when two independent texts of this generation are there: the sign of the family that the layout has. */
export function hasSigns(signs: Signs, details: () => Details): boolean {
  const own = [signs.upload, signs.report, signs.request].filter((offsets) => offsets.length > 0).length;
  if (own !== 1) return own > 1;
  const { userAgent, userAgentWide } = details();
  return userAgent.length + userAgentWide.length > 0;
}

const PATHS = ["/c2sock", "/c2conf", "/api"];
/** Texts of the builds that junk is known to be put into. */
const PLAIN = [
  "\\Local State",
  "\\Local Extension Settings\\",
  "System.txt",
  "Screen.png",
  "Login Data",
  "Web Data",
];
/** Top-level domains that are more often the end of a file name. */
export const FILE_SUFFIX = /\.(?:zip|py|sh|pl|ps|so|md|rs|app|cab|bat|mov|cc|ini|name)$/i;
/** Names of wallets and services that the builds list as targets. */
export const TARGETS =
  /(?:^|\.)(?:crypto\.com|blockchain\.com|telegram\.org|discord\.com|google\.com|microsoft\.com|opera\.com|mozilla\.org|w3\.org)$/i;
/** How far from a text of the protocol the host may stand. */
const NEIGHBOURHOOD = 0x800;
const MIN_TEXT = 4;
const MAX_TEXT = 128;
const MAX_TEXTS = 20_000;
const MAX_HOSTS = 16;
const CUSTOMER = /^[0-9A-Za-z]{32}$/;

/** Reads the config in clear; undefined when no host or too many stand near the protocol's texts. */
export function readClear(
  view: View,
  ranges: readonly Range[],
  signs: Signs,
  details: Details,
): ClearConfig | undefined {
  const raw = texts(view, ranges);
  const junk = raw.map((text) => junkIn(text.value)).find((found) => found !== undefined);
  const clean =
    junk === undefined ? raw : raw.map((text) => ({ ...text, value: text.value.replaceAll(junk, "") }));
  const paths = PATHS.map((path) => clean.find((text) => text.value === path)).filter(
    (text) => text !== undefined,
  );
  const anchors = [
    ...paths.map(offsetOf),
    ...[signs.request, signs.upload, signs.report, details.userAgent, details.userAgentWide].flat(),
  ];
  const near = (text: ClearText) =>
    anchors.some((anchor) => Math.abs(anchor - offsetOf(text)) <= NEIGHBOURHOOD);
  const hosts: ClearHost[] = [];
  for (const text of clean) {
    if (FILE_SUFFIX.test(text.value) || !near(text)) continue;
    const address = readAddress(text.value);
    if (address === undefined || !address.knownSuffix || TARGETS.test(address.host)) continue;
    if (!hosts.some((host) => host.value === text.value)) hosts.push({ ...text, address });
  }
  if (hosts.length === 0 || hosts.length > MAX_HOSTS) return undefined;
  const customers = clean.filter((text) => CUSTOMER.test(text.value) && near(text));
  return {
    hosts,
    path: paths[0],
    userAgent: userAgent(view, details),
    identifier: new Set(customers.map((text) => text.value)).size === 1 ? customers[0] : undefined,
    junk,
  };
}

export function offsetOf(text: ClearText): number {
  return text.found.at[0]?.offset ?? 0;
}

function userAgent(view: View, details: Details): ClearText | undefined {
  const [narrow, wide] = [details.userAgent[0], details.userAgentWide[0]];
  const offset = narrow ?? wide;
  if (offset === undefined) return undefined;
  const length = 16 * (narrow === undefined ? 2 : 1);
  const value =
    narrow === undefined
      ? utf16le(view.bytes.subarray(offset, offset + length))
      : latin1(view.bytes.subarray(offset, offset + length));
  return { value, found: found(value, view.span(offset, length)), wide: narrow === undefined };
}

/** NUL-terminated ASCII and UTF-16LE texts in the data of the image. */
export function texts(view: View, ranges: readonly Pick<Range, "start" | "end" | "data">[]): ClearText[] {
  const { bytes } = view;
  const all: ClearText[] = [];
  for (const { start, end, data } of ranges) {
    if (!data) continue;
    for (const size of [1, 2]) {
      let from = start;
      for (let at = start; at + size <= end && all.length < MAX_TEXTS; ) {
        const printable = isPrintable(bytes[at] as number) && (size === 1 || bytes[at + 1] === 0);
        if (printable) {
          at += size;
          continue;
        }
        const length = at - from;
        const ends = bytes[at] === 0 && (size === 1 || bytes[at + 1] === 0);
        if (ends && length >= MIN_TEXT * size && length <= MAX_TEXT * size) {
          const part = bytes.subarray(from, at);
          const value = size === 1 ? latin1(part) : utf16le(part);
          all.push({ value, found: found(value, view.span(from, length)), wide: size === 2 });
        }
        // A wide text may begin at any byte.
        at = length > 0 && !ends ? Math.max(from + 1, at - size + 1) : at + 1;
        from = at;
      }
    }
  }
  return all;
}

/** The places of a text without its junk. */
export function spansOf(text: ClearText, junk: string | undefined): readonly Span[] {
  const whole = text.found.at[0];
  if (whole === undefined || junk === undefined) return text.found.at;
  const size = text.wide ? 2 : 1;
  let at = whole.offset;
  return text.found.value.split(junk).flatMap((part) => {
    const span = { ...whole, offset: at, length: part.length * size };
    at += (part.length + junk.length) * size;
    return part === "" ? [] : [span];
  });
}

function isPrintable(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f;
}

/** The junk that turns a known text into this one: the same 4 to 12 characters, put in once or more. */
function junkIn(text: string): string | undefined {
  for (const plain of PLAIN) {
    if (text.length < plain.length + 4) continue;
    for (let at = 1; at < plain.length && text.startsWith(plain.slice(0, at)); at++) {
      for (let size = 4; size <= 12; size++) {
        const junk = text.slice(at, at + size);
        if (text.replaceAll(junk, "") === plain) return junk;
      }
    }
  }
  return undefined;
}
