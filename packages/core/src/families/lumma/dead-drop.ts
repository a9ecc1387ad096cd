/**
 * Dead drops: a Steam profile or Telegram channel whose name is the C2 host under a Caesar shift of its letters. Builds
 * decode with +15, which write-ups also call ROT11 for the way there. Nothing is fetched: pages come saved.
 * Anchors: <span class="actual_persona_name"> and <div class="tgme_page_title"> [uky007/LummaStealer results]; the shift
 * [TheTrackerShow scripts/python/04].
 */
import { type Found, found, indexesOf, latin1, latin1Bytes, type View } from "../../bytes/index.ts";
import type { Image } from "../../formats/image.ts";
import type { DeadDropAnswer } from "../family.ts";
import { readAddress } from "./address.ts";
import { findDetails } from "./landmarks.ts";

/** Most likely first: what builds do, then its inverse, then the rest; 0 is a name that is not encoded. */
const SHIFTS: readonly number[] = [
  15,
  11,
  ...Array.from({ length: 26 }, (_, i) => i).filter((i) => i !== 15 && i !== 11 && i !== 0),
  0,
];

/** Letters move by `shift`, all else stays. */
export function caesar(text: string, shift: number): string {
  return text.replace(/[a-z]/gi, (letter) => {
    const base = letter <= "Z" ? 65 : 97;
    return String.fromCharCode(((letter.charCodeAt(0) - base + shift) % 26) + base);
  });
}

const ANCHORS = ['class="actual_persona_name"', 'class="tgme_page_title"'].map(latin1Bytes);
const MARKUP = /<(?:html|head|body|div|span|title|!doctype)\b/i;
/** Bytes behind an anchor in which the text must begin and end. */
const REACH = 512;
/** Of a page without anchors: only so much is looked at as bare text. */
const MAX_BARE = 4096;
const MAX_TEXTS = 16;

export function readDeadDrop(page: View): readonly DeadDropAnswer[] {
  const texts = markedTexts(page);
  if (texts.length === 0 && !MARKUP.test(latin1(page.bytes.subarray(0, MAX_BARE))))
    texts.push(...bareTexts(page));
  const answers: DeadDropAnswer[] = [];
  for (const text of texts) {
    for (const [rank, shift] of SHIFTS.entries()) {
      const value = caesar(text.value, shift);
      const address = readAddress(value);
      if (address === undefined || !address.knownSuffix || answers.some((known) => known.value === value))
        continue;
      answers.push({
        value,
        endpoint: {
          scheme: address.scheme ?? "https",
          host: address.host,
          ...(address.port === undefined ? {} : { port: address.port }),
          ...(address.path === undefined ? {} : { path: address.path }),
          usage: "c2",
        },
        method: shift === 0 ? "not encoded" : `Caesar +${shift}`,
        text,
        rank,
      });
    }
  }
  return answers.sort((a, b) => a.rank - b.rank);
}

/** First text behind each anchor, tags skipped. */
function markedTexts(page: View): Found<string>[] {
  const texts: Found<string>[] = [];
  for (const anchor of ANCHORS) {
    for (const at of indexesOf(page.bytes, anchor)) {
      if (texts.length === MAX_TEXTS) return texts;
      const from = page.bytes.indexOf(0x3e, at) + 1;
      if (from === 0) continue;
      const text = /^(?:\s|<[^<>]*>)*([^<>\s]+)/.exec(latin1(page.bytes.subarray(from, from + REACH)));
      const value = text?.[1];
      if (text === null || value === undefined) continue;
      texts.push(found(value, page.span(from + text[0].length - value.length, value.length)));
    }
  }
  return texts;
}

/** Words of a bare text that hold a dot. */
function bareTexts(page: View): Found<string>[] {
  const text = latin1(page.bytes.subarray(0, MAX_BARE));
  return [...text.matchAll(/[^\s"'<>|]+/g)]
    .filter((match) => match[0].includes("."))
    .slice(0, MAX_TEXTS)
    .map((match) => found(match[0], page.span(match.index, match[0].length)));
}

/** A dead-drop address that stands in clear in the image. */
export interface ClearDrop extends Found<string> {
  readonly wide: boolean;
}

export const DROP =
  /^(?:https?:\/\/)?(?:www\.)?(?:steamcommunity\.com\/profiles\/7656119\d{10}|t\.me\/\+?[A-Za-z]\w{3,31})$/;
const MAX_DROP = 80;

export function clearDrops(image: Image): readonly ClearDrop[] {
  const { view } = image;
  const details = findDetails(view.bytes);
  const drops: ClearDrop[] = [];
  const take = (offset: number, size: 1 | 2) => {
    const ok = (at: number) =>
      /[\w:/.+-]/.test(String.fromCharCode(view.u8(at) ?? 0)) && (size === 1 || view.u8(at + 1) === 0);
    let from = offset;
    while (from - size >= 0 && offset - from < MAX_DROP && ok(from - size)) from -= size;
    let to = offset;
    while (to - offset < MAX_DROP * size && ok(to)) to += size;
    const bytes = view.bytes.subarray(from, to);
    const value = latin1(size === 1 ? bytes : bytes.filter((_, i) => i % 2 === 0));
    if (DROP.test(value) && !drops.some((drop) => drop.value === value))
      drops.push({ ...found(value, view.span(from, to - from)), wide: size === 2 });
  };
  for (const offset of [...details.steam, ...details.telegram]) take(offset, 1);
  for (const offset of [...details.steamWide, ...details.telegramWide]) take(offset, 2);
  return drops;
}
