/** Objects in RTF: hex after \objdata, with whatever junk Word passes over in it. */
import { latin1, type Span, View } from "../../bytes/index.ts";
import type { Step } from "../../model/index.ts";
import type { InnerKind } from "../layer.ts";
import { ole1Object, ole10Native } from "./ole-objects.ts";

/** Objects of one document. */
const MAX_OBJECTS = 64;
/** Longest document that is searched. */
const MAX_RTF = 64 * 1024 * 1024;
/** Smaller objects hold nothing. */
const MIN_OBJECT = 32;
const OLE_MAGIC = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
/** Class names of the equation editor, at whose bugs exploits aim. */
const EQUATION = /^equation\./i;

type Add = (
  bytes: Uint8Array,
  from: readonly Span[],
  steps: readonly Step[],
  source: string,
  kind: InnerKind,
  name: string,
) => unknown;
type Say = (code: string, text: string, ...at: Span[]) => void;

export function peelRtf(view: View, add: Add, say: Say): void {
  const text = latin1(view.bytes.subarray(0, MAX_RTF)).toLowerCase();
  if (view.length > MAX_RTF) say("cut", "document cut off at a limit: text size");
  let at = text.indexOf("\\objdata");
  let objects = 0;
  let updated = false;
  while (at >= 0) {
    if (++objects > MAX_OBJECTS) {
      say("cut", "document cut off at a limit: objects");
      return;
    }
    updated ||= text.lastIndexOf("\\objupdate", at) > at - 4096 && text.lastIndexOf("\\objupdate", at) >= 0;
    const { bytes, end } = hexOf(view.bytes, at + 8, Math.min(view.length, MAX_RTF));
    if (bytes.length >= MIN_OBJECT) object(bytes, view.span(at, end - at), objects, add, say);
    at = text.indexOf("\\objdata", Math.max(end, at + 8));
  }
  if (updated) say("objupdate", "document updates an object when it is opened (\\objupdate)");
}

/**
 * Hex digits from `at` to the end of the group. Control words and their numbers, nested groups of destinations and any
 * other character are passed over, as Word does; `\bin` is raw data.
 */
function hexOf(rtf: Uint8Array, at: number, stop: number): { bytes: Uint8Array; end: number } {
  const out = new Uint8Array((stop - at) >> 1);
  let to = 0;
  let high = -1;
  let depth = 0;
  let i = at;
  while (i < stop) {
    const byte = rtf[i] as number;
    if (byte === 0x7b) depth++;
    else if (byte === 0x7d) {
      if (depth === 0) break;
      depth--;
    } else if (byte === 0x5c) {
      let end = i + 1;
      if (rtf[end] === 0x27) {
        // \'hh stands for one character: its digits do not count.
        i += 4;
        continue;
      }
      while (end < stop && isLetter(rtf[end] as number)) end++;
      const word = latin1(rtf.subarray(i + 1, Math.min(end, i + 9)));
      const digits = end;
      if (rtf[end] === 0x2d) end++;
      while (end < stop && isDigit(rtf[end] as number)) end++;
      if (word === "bin") {
        const size = Number(latin1(rtf.subarray(digits, Math.min(end, digits + 9))));
        const from = end + (rtf[end] === 0x20 ? 1 : 0);
        const raw = rtf.subarray(from, Math.min(from + (size > 0 ? size : 0), stop));
        if (to + raw.length <= out.length) {
          out.set(raw, to);
          to += raw.length;
        }
        i = from + raw.length;
        high = -1;
        continue;
      }
      i = Math.max(end, i + 2);
      continue;
    } else if (depth === 0 || high >= 0) {
      const value = digit(byte);
      if (value >= 0) {
        if (high < 0) high = value;
        else {
          out[to++] = (high << 4) | value;
          high = -1;
        }
      }
    }
    i++;
  }
  return { bytes: out.slice(0, to), end: Math.min(i, stop) };
}

function isLetter(byte: number): boolean {
  return (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122);
}

function isDigit(byte: number): boolean {
  return byte >= 48 && byte <= 57;
}

function digit(byte: number): number {
  if (isDigit(byte)) return byte - 48;
  if (byte >= 97 && byte <= 102) return byte - 87;
  return byte >= 65 && byte <= 70 ? byte - 55 : -1;
}

function object(bytes: Uint8Array, at: Span, n: number, add: Add, say: Say): void {
  const steps: Step[] = [{ op: "rtf-hex" }];
  const parsed = ole1Object(new View(bytes));
  const ole = startOf(bytes, OLE_MAGIC);
  if (!parsed.ok) {
    // Broken headers are common; the compound file in it shows by itself.
    if (ole >= 0)
      add(
        bytes.subarray(ole),
        [at],
        [...steps, { op: "skip", params: { bytes: ole } }],
        `object ${n}`,
        "member",
        `object-${n}.ole`,
      );
    return;
  }
  const { className, data } = parsed.value;
  if (EQUATION.test(className))
    say("exploit", `object of the equation editor (${className}): CVE-2017-11882 and its kin`, at);
  else say("object", `embedded object of class ${className.slice(0, 64)}`, at);
  if (ole >= 0) {
    add(
      bytes.subarray(ole),
      [at],
      [...steps, { op: "skip", params: { bytes: ole } }],
      `object ${n} ${className}`,
      "member",
      `object-${n}.ole`,
    );
    return;
  }
  const native = ole10Native(data, false);
  if (native.ok && native.value.data.length > 0) {
    const skip = native.value.data.base;
    add(
      native.value.data.bytes,
      [at],
      [...steps, { op: "skip", params: { bytes: skip } }],
      `object ${n} ${className}`,
      "member",
      native.value.name.slice(-120),
    );
  } else if (data.length >= MIN_OBJECT)
    add(
      data.bytes,
      [at],
      [...steps, { op: "skip", params: { bytes: data.base } }],
      `object ${n} ${className}`,
      "member",
      `object-${n}.bin`,
    );
}

function startOf(bytes: Uint8Array, magic: readonly number[]): number {
  let at = bytes.indexOf(magic[0] as number);
  while (at >= 0) {
    if (magic.every((byte, i) => bytes[at + i] === byte)) return at;
    at = bytes.indexOf(magic[0] as number, at + 1);
  }
  return -1;
}
