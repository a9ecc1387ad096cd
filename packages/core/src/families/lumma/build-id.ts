/** Who built it: `<user id>--<tag>` in L0 to L2, a run of hex digits in L3, and in L2 where one stands in its place. */
import { cString, type Found, found, indexesOf, latin1, latin1Bytes, type View } from "../../bytes/index.ts";
import type { Image } from "../../formats/image.ts";
import type { Range } from "./ranges.ts";

export interface BuildId {
  /** L0 to L2: `lid` of the protocol, the customer. L3: the build. */
  readonly identifier: Found<string>;
  /** L0 to L2: `j` of the protocol, the customer's own sub-tag; may be empty. */
  readonly tag: Found<string> | undefined;
  readonly by: string;
}

/** Digits table of the C runtime's number printer; in L3 builds the linker put the build id behind it. */
const DIGITS = latin1Bytes("123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ\0");
const HEX_ID = /^[0-9a-f]{32,64}$/;

/** The build id, where it is a run of hex digits. CAPE-parsers take any text that the code names, in L2 too. */
export function findBuild(image: Image, ranges: readonly Range[]): BuildId | undefined {
  const { view } = image;
  for (const at of indexesOf(view.bytes, DIGITS)) {
    const id = cString(view, at + DIGITS.length, 64);
    if (id !== undefined && HEX_ID.test(id.value))
      return { identifier: id, tag: undefined, by: "text behind the digits table" };
  }
  for (const { target, next } of pointedTo(image, ranges)) {
    const id = view.bytes[next] === STORE ? cString(view, target, 64) : undefined;
    if (id !== undefined && HEX_ID.test(id.value))
      return { identifier: id, tag: undefined, by: "text that code points to" };
  }
  return undefined;
}

/** `mov [..], imm`: the code that names the id goes on with a row of these. */
const STORE = 0xc7;

/** Error text of the ZIP writer that Lumma links; in L1 builds the id stands behind it. */
const ZIP_ERROR = latin1Bytes("finding central directory\0");
/** Constants of SHA-1 (bytes of H1 to H4 as stored); in L2 builds the id stands four bytes behind them. */
const SHA1_TAIL = Uint8Array.of(0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10, 0xf0, 0xe1, 0xd2, 0xc3);
const ANCHORED_ID = /^([A-Za-z0-9]{4,32})(?:--([\w.@ -]{0,64}))?$/;
const PAIR = /^([A-Za-z0-9]{4,32})--([\w.@ -]{0,64})$/;
/** Six characters in every published id: what an id without any reference to it must look like. */
const BARE_PAIR = /^([A-Za-z0-9]{6})--([\w.@-]{0,64})$/;
const MAX_ID = 128;

/** The user id and tag of an L0, L1 or L2 image; the most certain finder first. */
export function findUser(image: Image, ranges: readonly Range[]): BuildId | undefined {
  return byCode(image, ranges) ?? behind(image.view) ?? bare(image.view, ranges);
}

function byCode(image: Image, ranges: readonly Range[]): BuildId | undefined {
  for (const { target } of pointedTo(image, ranges)) {
    const id = idAt(image.view, target, PAIR, "text that code points to");
    if (id !== undefined) return id;
  }
  return undefined;
}

const MOV_EAX_MEMORY = 0xa1;
const MOV_REGISTER = 0x8b;

interface Pointed {
  readonly target: number;
  /** Offset of the instruction behind. */
  readonly next: number;
}

/** Targets of `mov reg, [VA]` where the dword at VA points to them (CAPE-parsers get_build_id), whatever the register. */
function* pointedTo(image: Image, ranges: readonly Range[]): Generator<Pointed> {
  const { view } = image;
  for (const range of ranges) {
    for (const op of [MOV_REGISTER, MOV_EAX_MEMORY]) {
      let at = view.bytes.indexOf(op, range.start);
      for (; at >= 0 && at < range.end; at = view.bytes.indexOf(op, at + 1)) {
        const length = op === MOV_REGISTER ? 2 : 1;
        if (length === 2 && ((view.bytes[at + 1] as number) & 0xc7) !== 0x05) continue;
        const pointer = image.offsetOfVa(view.u32(at + length) ?? 0);
        const target = pointer === undefined ? undefined : image.offsetOfVa(view.u32(pointer) ?? 0);
        if (target !== undefined) yield { target, next: at + length + 4 };
      }
    }
  }
}

function behind(view: View): BuildId | undefined {
  for (const at of indexesOf(view.bytes, ZIP_ERROR)) {
    const id = idAt(view, at + ZIP_ERROR.length, ANCHORED_ID, "text behind the ZIP writer's error text");
    if (id !== undefined) return id;
  }
  for (const at of indexesOf(view.bytes, SHA1_TAIL)) {
    const id = idAt(view, at + SHA1_TAIL.length + 4, PAIR, "text behind the SHA-1 constants");
    if (id !== undefined) return id;
  }
  return undefined;
}

/** The only text of its shape in the data of the image. */
function bare(view: View, ranges: readonly Range[]): BuildId | undefined {
  let only: BuildId | undefined;
  const dashes = latin1Bytes("--");
  for (const range of ranges) {
    for (const at of indexesOf(view.bytes, dashes, range.start, range.end)) {
      const id =
        view.bytes[at - 7] === 0 ? idAt(view, at - 6, BARE_PAIR, "only text of its shape") : undefined;
      if (id === undefined) continue;
      if (only !== undefined && only.identifier.value !== id.identifier.value) return undefined;
      only = id;
    }
  }
  return only;
}

function idAt(view: View, offset: number, shape: RegExp, by: string): BuildId | undefined {
  const end = view.bytes.subarray(offset, offset + MAX_ID + 1).indexOf(0);
  if (end <= 0) return undefined;
  const match = shape.exec(latin1(view.bytes.subarray(offset, offset + end)));
  const user = match?.[1];
  if (user === undefined) return undefined;
  const tag = match?.[2];
  return {
    identifier: found(user, view.span(offset, user.length)),
    tag: tag === undefined ? undefined : found(tag, view.span(offset + user.length + 2, tag.length)),
    by,
  };
}
