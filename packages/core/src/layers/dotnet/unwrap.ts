/**
 * Coats that need no secret, taken off in every order that leads to a payload: gzip, zlib, deflate, reversal, base64,
 * hex and decimal text, also with characters put in to break them.
 */
import { latin1Bytes } from "../../bytes/index.ts";
import { applySteps, type Step } from "../../model/index.ts";
import {
  gzipAt,
  HEAD,
  inflatedHolds,
  PREFIX,
  prefixHolds,
  recognise,
  startsLikePayload,
  textUnit,
} from "./recognise.ts";

/** Coats within coats. */
const MAX_COATS = 5;
/** Shortest text that is taken for one of bytes. */
export const MIN_TEXT = 400;
/** Characters of a text from which its alphabet is judged. */
const SAMPLE = 8192;
/** Different characters that may have been put in. */
const MAX_JUNK = 2;

const BASE64 = membership("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\r\n\t ");
const HEX = membership("0123456789abcdefABCDEF");
const DECIMALS = membership("0123456789,;| \r\n\t-");

/** A text with each `find` replaced, as code does it. */
export interface Replacement {
  readonly find: string;
  readonly with: string;
}

export interface UnwrapContext {
  /** Most bytes that may come out of so many. */
  allowance(size: number): number;
  /** Called when a decompression was cut off. */
  onCut(): void;
  /** Replacements that the code makes. */
  readonly replacements: readonly Replacement[];
}

export interface Unwrapped {
  /** As `recognise` names it. */
  readonly kind: string;
  readonly steps: readonly Step[];
  readonly bytes: Uint8Array;
}

/** A text's bytes that are not a payload as they stand: perhaps encrypted. */
export interface Opaque {
  readonly steps: readonly Step[];
  readonly bytes: Uint8Array;
}

/** The payload in `bytes`; what base64 or hex text gave on the way without being one goes to `opaque`. */
export function unwrap(
  bytes: Uint8Array,
  context: UnwrapContext,
  opaque: Opaque[] = [],
  steps: readonly Step[] = [],
): Unwrapped | undefined {
  if (bytes.length < HEAD) return undefined;
  const kind = recognise(bytes);
  if (kind !== undefined) return { kind, steps, bytes };
  if (steps.length >= MAX_COATS) return undefined;
  return inflated(bytes, context, opaque, steps) ?? turned(bytes, context, opaque, steps);
}

/** Applies one more step, and goes on with what it gives. */
function onwards(
  bytes: Uint8Array,
  more: readonly Step[],
  context: UnwrapContext,
  opaque: Opaque[],
  steps: readonly Step[],
): Unwrapped | undefined {
  const next = applySteps(more, bytes);
  return next && unwrap(next, context, opaque, [...steps, ...more]);
}

function inflated(
  bytes: Uint8Array,
  context: UnwrapContext,
  opaque: Opaque[],
  steps: readonly Step[],
): Unwrapped | undefined {
  const gzip = gzipAt(bytes);
  const head = bytes.subarray(0, PREFIX);
  const found: Step[] = [];
  if (gzip !== undefined) {
    if (gzip > 0) found.push({ op: "skip", params: { bytes: gzip } });
    found.push({ op: "gunzip" });
  } else {
    for (const skipped of [0, 4]) {
      const rest = head.subarray(skipped);
      const kind = inflatedHolds("zlib", rest)
        ? "zlib"
        : inflatedHolds("deflate", rest)
          ? "inflate"
          : undefined;
      if (kind === undefined) continue;
      if (skipped > 0) found.push({ op: "skip", params: { bytes: skipped } });
      found.push({ op: kind });
      break;
    }
  }
  const last = found.at(-1);
  if (last === undefined) return undefined;
  const limit = context.allowance(bytes.length);
  const cut: Step = { op: last.op, params: { limit } };
  const next = applySteps([...found.slice(0, -1), cut], bytes);
  if (next === undefined) return undefined;
  const isCut = next.length >= limit;
  if (isCut) context.onCut();
  return unwrap(next, context, opaque, [...steps, ...found.slice(0, -1), isCut ? cut : last]);
}

function turned(
  bytes: Uint8Array,
  context: UnwrapContext,
  opaque: Opaque[],
  steps: readonly Step[],
): Unwrapped | undefined {
  const unit = textUnit(bytes.subarray(0, 2 * HEAD));
  if (unit === 2) {
    const even = bytes.length % 2 === 0;
    return even ? onwards(bytes, [{ op: "utf16le" }], context, opaque, steps) : undefined;
  }
  if (unit === 1) return decoded(bytes, context, opaque, steps);
  const tail = Uint8Array.from(bytes.subarray(-PREFIX)).reverse();
  if (tail.length >= HEAD && textUnit(tail.subarray(0, HEAD)) === 0 && startsLikePayload(tail, false))
    if (prefixHolds(tail, false)) return onwards(bytes, [{ op: "reverse" }], context, opaque, steps);
  return undefined;
}

/** Text of bytes: every way to read it whose result starts like a payload. */
function decoded(
  text: Uint8Array,
  context: UnwrapContext,
  opaque: Opaque[],
  steps: readonly Step[],
): Unwrapped | undefined {
  if (text.length < MIN_TEXT) return undefined;
  for (const way of waysOf(text, context.replacements)) {
    const bytes = applySteps(way, text);
    if (bytes === undefined || bytes.length < HEAD) continue;
    const all = [...steps, ...way];
    const got = all.length > MAX_COATS + 2 ? undefined : unwrap(bytes, context, opaque, all);
    if (got !== undefined) return got;
    if (textUnit(bytes.subarray(0, HEAD)) === 0) opaque.push({ steps: all, bytes });
  }
  return undefined;
}

/** Steps that could turn a text into bytes; those of plain texts first. */
function waysOf(text: Uint8Array, replacements: readonly Replacement[]): Step[][] {
  const foreign = foreignTo(text, BASE64);
  if (foreign.length === 0) {
    const isHex = foreignTo(text, HEX).length === 0;
    const isDecimal = foreignTo(text, DECIMALS).length === 0;
    const codec: Step = isHex ? { op: "hex" } : isDecimal ? { op: "decimals" } : BASE64_STEP;
    // Padding stands at the end, so at the start of what was reversed; hex and unpadded text tell by what comes out.
    const backwards: Step[] = [{ op: "reverse" }, codec];
    if (text[0] === 0x3d) return [backwards];
    const junk = replacements.map((replacement) => [replaceStep(replacement), codec]);
    return [[codec], backwards, ...junk].filter((way) => leads(text, way));
  }
  const ways: Step[][] = replacements
    .filter(({ find }) => find !== "")
    .flatMap((replacement) => both(replaceStep(replacement)));
  if (foreignTo(text, DECIMALS).length === 0) ways.push([{ op: "decimals" }]);
  if (foreign.length <= MAX_JUNK) {
    const remove = foreign.map((byte) => replaceStep({ find: String.fromCharCode(byte), with: "" }));
    const isHex = foreignTo(text, HEX).every((byte) => foreign.includes(byte));
    ways.push([...remove, isHex ? { op: "hex" } : BASE64_STEP]);
    ways.push([{ op: "reverse" }, ...remove, isHex ? { op: "hex" } : BASE64_STEP]);
    // A loader that swaps one letter for a rare character mostly takes the most frequent one.
    if (foreign.length === 1)
      ways.push(...both(replaceStep({ find: String.fromCharCode(foreign[0] as number), with: "A" })));
  }
  return ways.filter((way) => leads(text, way));
}

const BASE64_STEP: Step = { op: "base64", params: { dialect: "dotnet" } };

function both(step: Step): Step[][] {
  return [
    [step, BASE64_STEP],
    [step, { op: "reverse" }, BASE64_STEP],
  ];
}

function replaceStep({ find, with: by }: Replacement): Step {
  return { op: "replace", params: by === "" ? { find } : { find, with: by } };
}

/** Whether the way reads the start of a text (the end, when it reverses), before the whole is turned. */
function leads(text: Uint8Array, way: readonly Step[]): boolean {
  if (text.length <= 2 * SAMPLE) return true;
  const reverses = way.some((step) => step.op === "reverse");
  const part = reverses ? text.subarray(-SAMPLE) : text.subarray(0, SAMPLE);
  const codec = way.at(-1) as Step;
  const bare = applySteps(way.slice(0, -1), part);
  if (bare === undefined) return false;
  const units = bare.subarray(0, bare.length - (bare.length % 4));
  const lax: Step = codec.op === "base64" ? { op: "base64", params: { dialect: "unpadded" } } : codec;
  const clean = lax.op === "base64" ? without(units, " \t\r\n") : units;
  return applySteps([lax], clean.subarray(0, clean.length - (clean.length % 4))) !== undefined;
}

function without(bytes: Uint8Array, chars: string): Uint8Array {
  const out = latin1Bytes(chars);
  return bytes.filter((byte) => !out.includes(byte));
}

/** The different bytes of a text's sample that are not in the set, up to one more than matter. */
function foreignTo(text: Uint8Array, set: Uint8Array): number[] {
  const seen: number[] = [];
  for (const part of text.length <= 2 * SAMPLE ? [text] : [text.subarray(0, SAMPLE), text.subarray(-SAMPLE)])
    for (let i = 0; i < part.length && seen.length <= MAX_JUNK; i++) {
      const byte = part[i] as number;
      if (set[byte] === 0 && !seen.includes(byte)) seen.push(byte);
    }
  return seen;
}

function membership(chars: string): Uint8Array {
  const set = new Uint8Array(256);
  for (const char of chars) set[char.charCodeAt(0)] = 1;
  return set;
}
