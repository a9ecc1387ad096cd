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
    builder.encryption({ algorithm: "xor", key: key.value, usage: "config" }, key.at, UTF16);
  if (fields.version !== undefined)
    builder.version(found(String(fields.version.value), ...fields.version.at), { as: "code" });
  if (around.token !== undefined) builder.other("authorization_token", around.token, UTF16);
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
  const value = key && decrypt(field.value, key.value);
  if (key !== undefined && value !== undefined) {
    const view = ledger.derive(field.at, decryptSteps(key.value, key.at), `user string ${name}`);
    return view && decoded(value, view);
  }
  const [span] = field.at;
  if (span === undefined || span.length !== 2 * field.value.length) return undefined;
  return {
    value: field.value,
    reading: UTF16,
    at: (offset, length) => [{ ...span, offset: span.offset + 2 * offset, length: 2 * length }],
  };
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
