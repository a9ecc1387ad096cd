/**
 * xRAT 1.x, the ancestor: a resource that is hex text of XOR "RAT11x" of `section|//\\|section…`, each section again
 * hex text of XOR "eY11K" (the password: "eY11PWD24K"). Source: CAPE-parsers, deprecated/xRAT.py (K. Breen).
 */
import { found, hex, latin1, latin1Bytes, type Span, unhex, type View } from "../../bytes/index.ts";
import { xor } from "../../codecs/index.ts";
import type { Image } from "../../formats/image.ts";
import { type FamilyIdentity, type Finding, FindingBuilder, type Ledger } from "../../model/index.ts";
import { isHost } from "./hosts.ts";

const OUTER_KEY = latin1Bytes("RAT11x");
const SECTION_KEY = latin1Bytes("eY11K");
const PASSWORD_KEY = latin1Bytes("eY11PWD24K");
const SEPARATOR = /\|\/\/\\{1,2}\|/g;

const FIELDS = ["section_0", "DOMAIN", "PORT", "PASSWORD", "CAMPAIGN", "INSTALLNAME"] as const;
const MORE_FIELDS = ["HKCUKEY", "INSTALLDIR", "FLAG1", "FLAG2", "MUTEX"] as const;
const ALL_FIELDS = [...FIELDS, ...MORE_FIELDS] as const;
type FieldName = (typeof ALL_FIELDS)[number];

/** Eleven sections of hex cannot be shorter in hex than this, nor need be longer. */
const MIN_SIZE = 2 * (10 * 6 + 10);
const MAX_SIZE = 0x8000;
/** Bytes between two probes for hex text; no run of MIN_SIZE fits between them unseen. */
const STRIDE = 64;

const HEX_DIGIT = new Uint8Array(256);
for (const digit of "0123456789abcdefABCDEF") HEX_DIGIT[digit.charCodeAt(0)] = 1;

/** The config in a resource, or in any run of hex text where there is no resource tree to ask. */
export function extractXrat1(family: FamilyIdentity, image: Image, ledger: Ledger): Finding | undefined {
  for (const resource of image.resources) {
    const run = hexRun(resource.data, 0);
    const finding = run && readConfig(family, run, `resource ${resource.type}/${resource.name}`, ledger);
    if (finding !== undefined) return finding;
  }
  const bytes = image.view.bytes;
  for (let at = nextHex(bytes, 0); at >= 0; ) {
    const [start, end] = hexAround(bytes, at);
    const run = hexRun(image.view, start);
    const finding = run && readConfig(family, run, "hex text", ledger);
    if (finding !== undefined) return finding;
    at = nextHex(bytes, Math.max(at + STRIDE, end - (end % STRIDE)));
  }
  return undefined;
}

/** The next of the places `from`, `from + STRIDE`, … with four digits; -1 when there is none. */
function nextHex(bytes: Uint8Array, from: number): number {
  const isHex = HEX_DIGIT;
  for (let at = from; at + 4 < bytes.length; at += STRIDE) {
    const four =
      (isHex[bytes[at] as number] as number) &
      (isHex[bytes[at + 1] as number] as number) &
      (isHex[bytes[at + 2] as number] as number) &
      (isHex[bytes[at + 3] as number] as number);
    if (four === 1) return at;
  }
  return -1;
}

function hexAround(bytes: Uint8Array, at: number): readonly [start: number, end: number] {
  let start = at;
  while (start > 0 && isHex(bytes, start - 1)) start--;
  let end = at;
  while (end < bytes.length && isHex(bytes, end)) end++;
  return [start, end];
}

function isHex(bytes: Uint8Array, at: number): boolean {
  return HEX_DIGIT[bytes[at] as number] === 1;
}

/** Hex text from `start` whose first decrypted bytes are hex text again. */
function hexRun(view: View, start: number): View | undefined {
  for (let i = 0; i < OUTER_KEY.length; i++) {
    const pair = unhex(latin1(view.bytes.subarray(start + 2 * i, start + 2 * i + 2)));
    if (pair?.length !== 1) return undefined;
    const plain = (pair[0] as number) ^ (OUTER_KEY[i] as number);
    if (HEX_DIGIT[plain] !== 1 && plain !== 0x7c) return undefined;
  }
  let end = start;
  while (end < view.length && end - start < MAX_SIZE && isHex(view.bytes, end)) end++;
  end -= (end - start) % 2;
  return end - start < MIN_SIZE ? undefined : view.clip(start, end - start);
}

interface Section {
  readonly at: Span;
  readonly key: Uint8Array;
  readonly text: string;
}

function readConfig(family: FamilyIdentity, run: View, source: string, ledger: Ledger): Finding | undefined {
  const raw = unhex(latin1(run.bytes));
  if (raw === undefined) return undefined;
  const plain = latin1(xor(raw, OUTER_KEY));
  const sections = split(plain);
  if (sections === undefined) return undefined;
  const value = (name: FieldName) => sections[ALL_FIELDS.indexOf(name)]?.text ?? "";
  const port = /^\d{1,5}$/.test(value("PORT")) ? Number(value("PORT")) : 0;
  if (!isHost(value("DOMAIN")) || port === 0 || port > 0xffff) return undefined;

  const outer = ledger.derive(
    [run.span()],
    [{ op: "hex" }, { op: "xor", params: { key: hex(OUTER_KEY) } }],
    source,
  );
  if (outer === undefined) return undefined;
  const builder = new FindingBuilder(family, "xrat-1", run.artifact);
  const places = new Map<FieldName, Span>();
  sections.forEach((section, i) => {
    const name = ALL_FIELDS[i] as FieldName;
    if (section.text === "") return;
    const view = ledger.derive(
      [outer.span(section.at.offset, section.at.length)],
      [{ op: "hex" }, { op: "xor", params: { key: hex(section.key) } }],
      `section ${i}`,
    );
    if (view !== undefined) places.set(name, view.span());
  });
  const at = (...names: FieldName[]) => names.flatMap((name) => places.get(name) ?? []);
  const as = { as: "latin1" } as const;
  builder.endpoint({ scheme: "tcp", host: value("DOMAIN"), port, usage: "c2" }, at("DOMAIN", "PORT"), as);
  builder.text("password", found(value("PASSWORD"), ...at("PASSWORD")), as);
  builder.text("campaign_id", found(value("CAMPAIGN"), ...at("CAMPAIGN")), as);
  builder.text("mutex", found(value("MUTEX"), ...at("MUTEX")), as);
  const path = [value("INSTALLDIR"), value("INSTALLNAME")].filter((part) => part !== "").join("\\");
  if (value("INSTALLNAME") !== "")
    builder.path({ path, usage: "install" }, at("INSTALLDIR", "INSTALLNAME"), { as: "code" });
  for (const name of ["section_0", "INSTALLNAME", "INSTALLDIR", "HKCUKEY", "FLAG1", "FLAG2"] as const)
    if (value(name) !== "") builder.other(name, found(value(name), ...at(name)), as);
  for (const key of [OUTER_KEY, SECTION_KEY, PASSWORD_KEY])
    builder.encryption({ algorithm: "XOR", key: hex(key), usage: "config" }, [run.span()], { as: "code" });
  return builder.build("structural", ledger);
}

/** The sections with their places in `plain`; undefined when they are not as many, or one is no hex text. */
function split(plain: string): Section[] | undefined {
  const sections: Section[] = [];
  let start = 0;
  const ends = [...plain.matchAll(SEPARATOR)].map((match) => [match.index, match[0].length] as const);
  for (const [end, size] of [...ends, [plain.length, 0] as const]) {
    const bytes = unhex(plain.slice(start, end));
    if (bytes === undefined) {
      // Whatever stands behind the last known section is no matter.
      if (sections.length >= ALL_FIELDS.length) break;
      return undefined;
    }
    const key = sections.length === ALL_FIELDS.indexOf("PASSWORD") ? PASSWORD_KEY : SECTION_KEY;
    sections.push({
      at: { artifact: 0, offset: start, length: end - start },
      key,
      text: bytes.length === 0 ? "" : latin1(xor(bytes, key)),
    });
    start = end + size;
  }
  return sections.length < ALL_FIELDS.length ? undefined : sections.slice(0, ALL_FIELDS.length);
}
