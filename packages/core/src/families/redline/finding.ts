/** From fields to a finding: decrypts through the ledger, so that each value re-reads from its spans. */
import { type Found, found, type Span, utf8Bytes, type View } from "../../bytes/index.ts";
import {
  type Confidence,
  type FamilyIdentity,
  type Finding,
  FindingBuilder,
  type Ledger,
  type Reading,
} from "../../model/index.ts";
import { type C2, parseC2List } from "./c2-list.ts";
import { decrypt, decryptSteps } from "./decrypt.ts";
import type { Fields } from "./fields.ts";

export interface Surroundings {
  readonly artifact: number;
  readonly token: Found<string> | undefined;
  /** What the code puts before `host:port/`: WCF's own framing over TCP, or SOAP over HTTP in the first years. */
  readonly transport: Found<string> | undefined;
}

/** A field's text, and how a piece of it is found in the bytes. */
interface Text {
  readonly value: string;
  readonly reading: Reading;
  /** Place of the chars [offset, offset + length). */
  at(offset: number, length: number): readonly Span[];
}

/** Undefined when a step or a span does not give again what was read before, which only damaged input can cause. */
export function buildFinding(
  family: FamilyIdentity,
  fields: Fields,
  around: Surroundings,
  confidence: Confidence,
  ledger: Ledger,
): Finding | undefined {
  const { key } = fields;
  const read = (field: Found<string>, name: string) => readText(field, key, name, ledger);
  const hosts = read(fields.c2, "IP");
  const list = hosts && parseC2List(hosts.value, key !== undefined);
  if (hosts === undefined || list === undefined) return undefined;
  const builder = new FindingBuilder(family, fields.layout, around.artifact);
  const scheme = around.transport?.value === "http://" ? "http" : "tcp";
  for (const c2 of list) addC2(builder, c2, scheme, hosts);
  for (const [name, field] of [["campaign_id", fields.id] as const, ["message", fields.message] as const]) {
    const text = field === undefined || field.value === "" ? undefined : read(field, name);
    if (text === undefined || text.value === "") continue;
    const value = found(text.value, ...text.at(0, text.value.length));
    if (name === "campaign_id") builder.text(name, value, text.reading);
    else builder.other(name, value, text.reading);
  }
  if (key !== undefined)
    builder.encryption({ algorithm: "xor", key: key.value, usage: "config" }, key.at, readingOf(key));
  if (fields.version !== undefined)
    builder.version(found(String(fields.version.value), ...fields.version.at), { as: "code" });
  if (around.token !== undefined) builder.other("authorization_token", around.token, readingOf(around.token));
  if (around.transport !== undefined) {
    const name = around.transport.value.slice(0, -"://".length);
    builder.other("transport", found(name, ...around.transport.at.map(dropSeparator)), UTF16);
  }
  return builder.build(confidence, ledger);
}

const UTF16: Reading = { as: "utf16le" };

/** Without the `://` behind a scheme. */
function dropSeparator({ artifact, offset, length }: Span): Span {
  return { artifact, offset, length: length - 2 * "://".length };
}

function addC2(builder: FindingBuilder, c2: C2, scheme: "tcp" | "http", text: Text): void {
  builder.endpoint(
    { scheme, host: c2.host, port: c2.port, usage: "c2" },
    text.at(c2.offset, c2.length),
    text.reading,
  );
}

/** Decrypted where there is a key and the text is a ciphertext; else as it stands. */
function readText(
  field: Found<string>,
  key: Found<string> | undefined,
  name: string,
  ledger: Ledger,
): Text | undefined {
  const width = charWidth(field);
  if (width === undefined) return undefined;
  const value = key && decrypt(field.value, key.value);
  if (key !== undefined && value !== undefined) {
    const steps = decryptSteps(key.value, key.at, width);
    const view = ledger.derive(field.at, steps, `user string ${name}`);
    return view && decoded(value, view);
  }
  return {
    value: field.value,
    reading: readingOf(field),
    at: (offset, length) => cut(field.at, width * offset, width * length),
  };
}

/** Bytes of a char: two in #US and arrays, one where each char is an instruction's operand. */
function charWidth({ value, at }: Found<string>): 1 | 2 | undefined {
  const length = at.reduce((sum, span) => sum + span.length, 0);
  return length === 2 * value.length ? 2 : length === value.length ? 1 : undefined;
}

function readingOf(field: Found<string>): Reading {
  return { as: charWidth(field) === 1 ? "latin1" : "utf16le" };
}

/** `length` bytes from byte `offset` of the bytes that the spans give one after another. */
function cut(spans: readonly Span[], offset: number, length: number): readonly Span[] {
  const out: Span[] = [];
  let before = 0;
  for (const span of spans) {
    const start = Math.max(offset - before, 0);
    const end = Math.min(offset + length - before, span.length);
    if (start < end) out.push({ ...span, offset: span.offset + start, length: end - start });
    before += span.length;
  }
  return out;
}

function decoded(value: string, view: View): Text {
  return {
    value,
    reading: { as: "utf8" },
    at: (offset, length) => {
      const start = utf8Bytes(value.slice(0, offset)).length;
      return [view.span(start, utf8Bytes(value.slice(offset, offset + length)).length)];
    },
  };
}
