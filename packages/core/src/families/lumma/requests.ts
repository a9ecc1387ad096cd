/**
 * What Lumma sends, as it lies in memory before it is encrypted for the wire:
 *
 *     act=recive_message&ver=4.0&lid=<user>--<tag>&j=<sub-tag>     v4 (sic), in any order
 *     uid=<build id>&cid=  and  uid=<build id>&cid=&hwid=<32 hex>  v6
 *     name="lid" or name="uid" beside name="pid" and name="hwid"   parts of a form, both
 *
 * Sources: TheTrackerShow scripts 03, 06 and fakenet 01, 02; uky007/LummaStealer c2/lumma_c2_emulator.py (captured
 * traffic); CISA AA25-141B.
 */
import { type Found, found, indexesOf, latin1, latin1Bytes, type View } from "../../bytes/index.ts";

/** Strings that stand in or right behind a body. */
export const BODY_ANCHORS = [
  "act=recive_message",
  "act=get_message",
  "&cid=&hwid=",
  "&cid=\0\0",
  'name="lid"\r\n\r\n',
  'name="uid"\r\n\r\n',
].map((text) => latin1Bytes(text));

export interface Body {
  /** Of its first byte. */
  readonly offset: number;
  /** `lid` of v4, `uid` of v6. */
  readonly identifier: Found<string>;
  /** What stands behind `--` in `lid`, or `j`. */
  readonly tag: Found<string> | undefined;
  readonly whole: Found<string>;
  /** False for a form that others may use too: something else must know the id. */
  readonly own: boolean;
}

const MAX_BODY = 0x200;
const LID = /^([A-Za-z0-9]{4,32})(?:--([\w.@-]{0,64}))?$/;
const UID = /^[0-9a-f]{32,64}$/;
const HWID = /^[0-9A-Fa-f]{32}$/;
const TAG = /^[\w.@ -]{1,64}$/;
const VERBS: ReadonlySet<string> = new Set(["recive_message", "get_message"]);

/** The body that the anchor at `hit` is part of. */
export function bodyAt(view: View, hit: number): Body | undefined {
  return view.bytes[hit] === QUOTED ? formAround(view, hit) : pairsAround(view, hit);
}

/** `n` of `name="lid"`. */
const QUOTED = 0x6e;

function isPrintable(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x20 && byte < 0x7f;
}

/** `key=value&key=value` as a whole C string. */
function pairsAround(view: View, hit: number): Body | undefined {
  const { bytes } = view;
  let start = hit;
  while (hit - start < MAX_BODY && isPrintable(bytes[start - 1])) start--;
  let end = hit;
  while (end - hit < MAX_BODY && isPrintable(bytes[end])) end++;
  if (bytes[end] !== 0 || isPrintable(bytes[start - 1])) return undefined;
  const text = latin1(bytes.subarray(start, end));
  const values = new Map<string, Found<string>>();
  let at = start;
  for (const pair of text.split("&")) {
    const equals = pair.indexOf("=");
    if (equals < 1 || values.has(pair.slice(0, equals))) return undefined;
    const value = pair.slice(equals + 1);
    values.set(pair.slice(0, equals), found(value, view.span(at + equals + 1, value.length)));
    at += pair.length + 1;
  }
  const whole = found(text, view.span(start, end - start));
  const act = values.get("act");
  if (act !== undefined) {
    const lid = values.get("lid");
    return VERBS.has(act.value) && lid !== undefined && values.has("ver")
      ? userBody(start, whole, lid, values.get("j"))
      : undefined;
  }
  const [uid, cid, hwid] = [values.get("uid"), values.get("cid"), values.get("hwid")];
  if (uid === undefined || cid === undefined || !UID.test(uid.value)) return undefined;
  if (hwid !== undefined ? values.size !== 3 || !HWID.test(hwid.value) : values.size !== 2) return undefined;
  return { offset: start, identifier: uid, tag: nonEmpty(cid), whole, own: hwid !== undefined };
}

function userBody(
  offset: number,
  whole: Found<string>,
  lid: Found<string>,
  j: Found<string> | undefined,
): Body | undefined {
  const match = LID.exec(lid.value);
  const at = lid.at[0];
  if (match === null || at === undefined) return undefined;
  const [, user = "", tag = ""] = match;
  return {
    offset,
    identifier: found(user, { ...at, length: user.length }),
    tag:
      nonEmpty(j) ?? nonEmpty(found(tag, { ...at, offset: at.offset + user.length + 2, length: tag.length })),
    whole,
    own: true,
  };
}

function nonEmpty(text: Found<string> | undefined): Found<string> | undefined {
  return text !== undefined && TAG.test(text.value) ? text : undefined;
}

/** Bytes on either side of a part in which the others of its form stand. */
const FORM = 0x300;
const PART = /name="(lid|uid|hwid|pid)"\r\n\r\n([^\r\n\0]{1,128})\r\n/g;

/** Parts of a form that together only Lumma sends. */
function formAround(view: View, hit: number): Body | undefined {
  const start = Math.max(0, hit - FORM);
  const text = latin1(view.bytes.subarray(start, hit + FORM));
  const parts = new Map<string, Found<string>>();
  let first = hit;
  let last = hit;
  for (const match of text.matchAll(PART)) {
    const [whole, name = "", value = ""] = match;
    const at = start + match.index;
    if (parts.has(name)) continue;
    parts.set(name, found(value, view.span(at + whole.length - 2 - value.length, value.length)));
    first = Math.min(first, at);
    last = Math.max(last, at + whole.length);
  }
  const [lid, uid] = [parts.get("lid"), parts.get("uid")];
  if (!HWID.test(parts.get("hwid")?.value ?? "") || !/^\d$/.test(parts.get("pid")?.value ?? ""))
    return undefined;
  const whole = found(latin1(view.bytes.subarray(first, last)), view.span(first, last - first));
  if (lid !== undefined) return userBody(first, whole, lid, undefined);
  return uid !== undefined && UID.test(uid.value)
    ? { offset: first, identifier: uid, tag: undefined, whole, own: true }
    : undefined;
}

/** Where the id of a body stands as a C string of its own. */
export function idElsewhere(view: View, { identifier }: Body): Found<string> | undefined {
  const id = latin1Bytes(identifier.value);
  for (const at of indexesOf(view.bytes, id))
    if (!isPrintable(view.bytes[at - 1]) && view.bytes[at + id.length] === 0)
      return found(identifier.value, view.span(at, id.length));
  return undefined;
}

export interface Request {
  readonly host: Found<string>;
  readonly path: Found<string>;
}

const POST = latin1Bytes("POST /");
/** From the method to the empty line. */
const MAX_HEAD = 0x800;
const HEAD = /^POST (\/[!-~]*) HTTP\/1\.[01]\r\n/;
const FORM_TYPE = /\r\nContent-Type: (?:application\/x-www-form-urlencoded|multipart\/form-data; boundary=)/i;
const HOST = /\r\nHost: ([!-~]+)\r\n/i;

/** Heads of requests that send a form, in [start, end). */
export function requestsIn(view: View, start: number, end: number): readonly Request[] {
  const requests: Request[] = [];
  for (const at of indexesOf(view.bytes, POST, start, end)) {
    const text = latin1(view.bytes.subarray(at, at + MAX_HEAD));
    const head = text.slice(0, text.indexOf("\r\n\r\n") + 2);
    const [line, host] = [HEAD.exec(head), HOST.exec(head)];
    if (line === null || host === null || !FORM_TYPE.test(head)) continue;
    const [path = "", name = ""] = [line[1], host[1]];
    requests.push({
      host: found(name, view.span(at + host.index + "\r\nHost: ".length, name.length)),
      path: found(path, view.span(at + "POST ".length, path.length)),
    });
  }
  return requests;
}
