/** Where an assembly can keep a payload: manifest resources and the entries in them, initial data of fields, strings. */
import type { Span, View } from "../../bytes/index.ts";
import type { Dotnet } from "../../formats/index.ts";
import type { Step } from "../../model/index.ts";
import type { InnerKind } from "../layer.ts";
import { RESOURCE_MAGIC, readResourceSet } from "./resource-set.ts";
import { MIN_TEXT } from "./unwrap.ts";

/** Bytes of the smallest thing looked at: a compressed script has some hundred. */
const MIN_BYTES = 128;
/** Things looked at in one assembly; a library's resources run to some thousand. */
const MAX_SOURCES = 2048;
/** Fields with initial data asked for their size. */
const MAX_FIELDS = 4096;

const FIELD_HAS_RVA = 0x100;

export interface Source {
  /** What a person calls it: `resource a.b`, `resource a.resources/c`, `field x`, `string 0x70000123`. */
  readonly name: string;
  readonly kind: InnerKind;
  readonly at: readonly Span[];
  /** Steps from the bytes at `at` to the text or bytes looked at. */
  readonly steps: readonly Step[];
  /** The bytes at `at`, when they are in one piece. */
  readonly view: View;
  /** The class of a serialized object. */
  readonly type?: string;
}

/** Everything large enough to hold a payload, in the order of the tables. */
export function sourcesOf(dotnet: Dotnet, view: View): Source[] {
  const sources: Source[] = [];
  const add = (source: Source) => {
    if (source.view.length >= MIN_BYTES && sources.length < MAX_SOURCES) sources.push(source);
  };
  for (const { name, data } of dotnet.resources()) {
    if (data === undefined) continue;
    const set = data.u32(0) === RESOURCE_MAGIC ? readResourceSet(data) : undefined;
    if (set?.ok !== true) add(bytesSource(`resource ${name}`, "resource", data));
    else
      for (const entry of set.value)
        add({
          ...bytesSource(`resource ${name}/${entry.name}`, "resource", entry.data),
          ...(entry.kind === "object" ? { type: entry.type } : {}),
        });
  }
  let asked = 0;
  for (const field of dotnet.fields) {
    if ((field.flags & FIELD_HAS_RVA) === 0 || asked++ >= MAX_FIELDS) continue;
    const data = dotnet.fieldData(field.rid);
    if (data !== undefined) add(bytesSource(`field ${printable(field.name)}`, "payload", data));
  }
  for (const { offset, text } of dotnet.userStrings()) {
    const [at] = text.at;
    if (text.value.length < MIN_TEXT || at === undefined) continue;
    const bytes = view.sub(at.offset - view.base, at.length);
    if (bytes !== undefined)
      add(textSource(`string 0x${(0x70000000 + offset).toString(16)}`, text.at, bytes));
  }
  return sources;
}

/** A text in one or more pieces of UTF-16LE. */
export function textSource(name: string, at: readonly Span[], view: View): Source {
  return { name, kind: "payload", at, steps: [{ op: "utf16le" }], view };
}

function bytesSource(name: string, kind: InnerKind, view: View): Source {
  return { name, kind, at: [view.span()], steps: [], view };
}

/** Obfuscated names are written as code points, so that a report stays readable. */
function printable(name: string): string {
  return /^[\x21-\x7e]{1,80}$/.test(name)
    ? name
    : [...name]
        .slice(0, 4)
        .map((char) => `U+${(char.codePointAt(0) as number).toString(16).padStart(4, "0")}`)
        .join("");
}
