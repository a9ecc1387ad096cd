/**
 * Reads a saved dead-drop page: a Steam profile's name, a Telegram channel's title or description, a Mastodon bio
 * that holds `<tag> <http(s)://host[:port]>|` or `<tag> host[:port]|` (RussianPanda, Team Cymru, AviaB).
 */
import { type Found, latin1, type Span, type View } from "../../bytes/index.ts";
import type { DeadDropAnswer } from "../family.ts";
import { type Address, deadDropPlatform, isHost, isIpv4, parseUrl } from "./hosts.ts";

/** Bytes of a page that are read; profiles have some 50 KB. */
const MAX_PAGE = 1 << 20;
/** Bytes of one field. */
const MAX_FIELD = 0x1000;
/** Occurrences of one field in a page. */
const MAX_FIELDS = 64;
const MAX_ANSWERS = 32;

interface Place {
  /** Text that comes right before the field. */
  readonly start: string;
  readonly end: string;
  readonly name: string;
}

/** Where the three services print the name or text of the page's owner. */
const PLACES: readonly Place[] = [
  { start: 'class="actual_persona_name"', end: "</span>", name: "Steam profile name" },
  { start: 'class="tgme_page_title"', end: "</div>", name: "Telegram title" },
  { start: 'class="tgme_page_description', end: "</div>", name: "Telegram description" },
  { start: 'class="account__header__content', end: "</div>", name: "Mastodon bio" },
  { start: '"note":"', end: '",', name: "Mastodon bio" },
  { start: 'property="og:title"', end: ">", name: "page title" },
  { start: 'property="og:description"', end: ">", name: "page description" },
  { start: 'name="description"', end: ">", name: "page description" },
  { start: "<title", end: "</title>", name: "page title" },
];

/** Text of a field and the page offset of each of its characters. */
interface FieldText {
  readonly text: string;
  readonly offsets: readonly number[];
  readonly name: string;
  readonly rank: number;
}

/** A word, an address, a bar. Character classes do not overlap where they meet, so it runs in linear time. */
const MARKED =
  /(?:^|[\s"'>])([A-Za-z0-9_-]{2,32})[ \t]+((?:https?:\/\/)?(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9.-]{3,253})(?::\d{1,5})?(?:\/[^\s|"'<>]{0,200})?)\s?\|/g;
/** What counts outside of a named field, where any site's name may stand before a bar. */
const STRICT = /^(?:https?:\/\/|\d{1,3}(?:\.\d{1,3}){3}(?::\d|$))/;
/** An older form without the bar: an IPv4 address as the end of the field. */
const BARE =
  /(?:^|\s)([A-Za-z0-9_-]{2,32})[ \t]+((?:https?:\/\/)?\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?)\/?\s*$/;
/** A tag before something that is no address, closed by the bar: coded in a way that is not published. */
const CODED = /^\s*([A-Za-z0-9_-]{2,32})[ \t]+([\x21-\x7b\x7d\x7e]{8,512})\|/;

/** C2s that the page gives, best first. */
export function readDeadDrop(page: View): readonly DeadDropAnswer[] {
  const answers = new Map<string, DeadDropAnswer>();
  for (const field of fieldsOf(page)) {
    for (const match of field.text.matchAll(MARKED))
      if (field.rank === 0 || STRICT.test(match[2] as string)) add(answers, page, field, match, 0);
    const bare = field.rank === 0 && field.text.length <= MAX_FIELD ? BARE.exec(field.text) : null;
    if (bare !== null) add(answers, page, field, bare, 1);
  }
  return [...answers.values()].sort((a, b) => a.rank - b.rank);
}

/** Marked texts of the named fields that hold no address: the tag is known, its coding is not. */
export function unresolvedDrop(page: View): readonly Found<string>[] {
  const found = new Map<string, Found<string>>();
  for (const field of fieldsOf(page)) {
    const match = field.rank === 0 ? CODED.exec(field.text) : null;
    if (match === null || addressOf(match[2] as string) !== undefined) continue;
    const text = match[0].trimStart();
    const start = match.index + match[0].length - text.length;
    if (!found.has(text)) found.set(text, { value: text, at: spansOf(page, field, start, text.length) });
  }
  return [...found.values()];
}

function add(
  answers: Map<string, DeadDropAnswer>,
  page: View,
  field: FieldText,
  match: RegExpExecArray,
  penalty: number,
): void {
  const [whole, tag, value] = match as unknown as [string, string, string];
  const address = addressOf(value);
  if (address === undefined || answers.has(value) || answers.size >= MAX_ANSWERS) return;
  const start = match.index + whole.indexOf(tag);
  const text = whole.slice(whole.indexOf(tag));
  answers.set(value, {
    value,
    endpoint: { ...address, usage: "c2" },
    method: `text behind tag "${tag}" in ${field.name}`,
    text: { value: text, at: spansOf(page, field, start, text.length) },
    rank: field.rank + penalty,
  });
}

/** A URL, or a bare host, for which Vidar speaks http (https on port 443). A page of a dead-drop service is no C2. */
function addressOf(value: string): Address | undefined {
  if (/^https?:/.test(value)) {
    const url = parseUrl(value);
    return url === undefined || deadDropPlatform(url) !== undefined ? undefined : url;
  }
  const url = parseUrl(`http://${value}`);
  if (url === undefined || !isHost(url.host) || (!isIpv4(url.host) && !/\.[a-z]{2,}$/i.test(url.host)))
    return undefined;
  if (!isIpv4(url.host) && !url.host.includes(".")) return undefined;
  return { ...url, scheme: url.port === 443 ? "https" : "http" };
}

/** The named fields, then the page's whole text for what has none (bare text, another service). */
function fieldsOf(page: View): FieldText[] {
  const source = latin1(page.clip(0, MAX_PAGE).bytes);
  const fields: FieldText[] = [];
  for (const place of PLACES) {
    let at = source.indexOf(place.start);
    for (let n = 0; at >= 0 && n < MAX_FIELDS; n++, at = source.indexOf(place.start, at + 1)) {
      const from = at + place.start.length;
      const window = source.slice(from, from + MAX_FIELD);
      const end = window.indexOf(place.end);
      const to = from + (end < 0 ? window.length : end);
      if (place.end === ">") {
        fields.push(attributeText(source, at, to, place.name));
        continue;
      }
      // `start` lies inside the element's tag: its text begins behind the tag.
      const skip = place.end.startsWith("<") ? window.indexOf(">") + 1 : 0;
      if (from + skip < to && (skip > 0 || place.end === '",'))
        fields.push(visibleText(source, from + skip, to, place.name, 0));
    }
  }
  const bare = !/<[a-z!]/i.test(source.slice(0, MAX_FIELD));
  fields.push(visibleText(source, 0, source.length, bare ? "text" : "page", bare ? 0 : 2));
  return fields;
}

/** The value of a meta tag's content attribute, which may stand on either side of its name. */
function attributeText(source: string, at: number, to: number, name: string): FieldText {
  const floor = Math.max(at - MAX_FIELD, 0);
  const open = floor + Math.max(source.slice(floor, at).lastIndexOf("<"), 0);
  const tag = source.slice(open, to);
  const start = tag.indexOf(CONTENT);
  if (start < 0) return { text: "", offsets: [], name, rank: 0 };
  const value = start + CONTENT.length;
  const end = tag.indexOf('"', value);
  return visibleText(source, open + value, open + (end < 0 ? tag.length : end), name, 0);
}

const CONTENT = 'content="';

const ENTITIES: readonly (readonly [string, string])[] = [
  ["&#124;", "|"],
  ["&vert;", "|"],
  ["&amp;", "&"],
  ["&#x2F;", "/"],
  ["&#47;", "/"],
  ["&nbsp;", " "],
  ["\\u003c", "<"],
  ["\\u003e", ">"],
];

/** What a reader sees of [from, to): tags taken out, the few entities that matter decoded, titles cut from "::". */
function visibleText(source: string, from: number, to: number, name: string, rank: number): FieldText {
  let text = "";
  const offsets: number[] = [];
  let inTag = false;
  for (let i = from; i < to; i++) {
    let char = source[i] as string;
    let step = 1;
    if (char === "&" || char === "\\") {
      const entity = ENTITIES.find(([code]) => source.startsWith(code, i));
      if (entity !== undefined) [char, step] = [entity[1], entity[0].length];
    }
    if (char === "<") inTag = true;
    else if (char === ">" && inTag) inTag = false;
    else if (!inTag) {
      text += char;
      offsets.push(i);
    }
    i += step - 1;
  }
  return { text, offsets, name, rank };
}

/** The page's bytes behind [start, start + length) of a field, as few runs as they are. */
function spansOf(page: View, field: FieldText, start: number, length: number): Span[] {
  const spans: Span[] = [];
  let from = -1;
  let previous = -2;
  for (let i = start; i < start + length; i++) {
    const at = field.offsets[i] as number;
    if (at !== previous + 1) {
      if (from >= 0) spans.push(page.span(from, previous + 1 - from));
      from = at;
    }
    previous = at;
  }
  if (from >= 0) spans.push(page.span(from, previous + 1 - from));
  return spans;
}
