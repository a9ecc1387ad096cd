/**
 * Indicators of a text that people wrote: an article, a mail, a list. What somebody defanged was meant as an indicator.
 * What stands there whole may as well be a reference, a program's name or a version, so that it counts only in a list:
 * a text whose lines hold one word each. Hashes of files are hashes anywhere.
 *
 * One pass; no step looks back further than a word, whatever the text.
 */
import { parse } from "tldts";
import { normaliseHost, parseIpv4, refang } from "../indicators/index.ts";
import { addressesOf, Draft, hashOf, type Reading } from "./claim.ts";

/** Longer runs without a blank are no words. */
const MAX_WORD = 4096;
const SUFFIXES = { allowPrivateDomains: true, extractHostname: false, validateHostname: false } as const;

/** Signs that somebody defanged: a bracketed dot, colon or at sign, a crossed-out scheme. */
const DEFANGED =
  /[[({<]\s?(?:\.|dot|:|:\/\/|\/|@|at)\s?[\])}>]|(?<=[\p{L}\p{N}])(?:\[\.|\.\])(?=[\p{L}\p{N}])|\b(?:h(?:xx|tx|xt|\*\*)p|meow|fxp)s?(?::|\[:)/iu;
/** Bracketed signs with blanks around or within, put together so that the words around them are one. */
const SPACED = /[ \t]?([[({<])[ \t]?(\.|dot|:|@|at)[ \t]?([\])}>])[ \t]?/gi;
/** Marks that stand before and behind a word. */
const BEFORE = /^[\s"'`“”‘’«»([{<*_•·–—-]+/u;
const BEHIND = /[\s"'`“”‘’«»)\]}>*_,;:.!?…]+$/u;

/** Suffixes of the DNS that files end in as well: a name of two parts with one of them is a file's, unless it is in a URL. */
const FILE_SUFFIXES: ReadonlySet<string> = new Set(
  "zip py sh md rs pl ps so mov app bz vi cab js java bat inc lua mm pub doc dat ini".split(" "),
);

export function readText(text: string, reading: Reading): void {
  const draft = new Draft(reading);
  const isList = looksLikeList(text);
  const hashes = new Set<string>();
  for (const line of linesOf(text)) {
    const whole = line.replace(
      SPACED,
      (_all, open: string, sign: string, close: string) => `${open}${sign}${close}`,
    );
    for (const word of wordsOf(whole)) takeWord(draft, word, isList, hashes, reading);
  }
  for (const hash of hashes) draft.subject(hash);
  reading.add(draft);
}

/** Most lines are one word: then what stands there was put there to be taken. */
function looksLikeList(text: string): boolean {
  let lines = 0;
  let words = 0;
  for (const line of linesOf(text.slice(0, 256 * 1024))) {
    const trimmed = line.replace(/(?:^|\s)[#;].*$/s, "").trim();
    if (trimmed === "") continue;
    lines++;
    if (!/\s/.test(trimmed)) words++;
  }
  return lines > 0 && words >= lines * 0.8;
}

function* linesOf(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf("\n", at);
    const end = newline < 0 ? text.length : newline;
    // A line without end is taken in parts, of which one may cut a word in two.
    for (; at < end; at += 16 * MAX_WORD) yield text.slice(at, Math.min(end, at + 16 * MAX_WORD));
    at = end + 1;
  }
}

/** Cells of tables and entries of lists are words of their own. */
function* wordsOf(line: string): Generator<string> {
  for (const run of line.split(/[\s|"`“”<>]+/)) {
    if (run === "" || run.length > MAX_WORD) continue;
    // A comma stands within URLs, but not before the scheme of the next.
    yield* run.includes("/")
      ? run.split(/[,;](?=(?:h[tx*]{2}p|fxp|ftp|meow)s?(?::|\[))/i)
      : run.split(/[,;]/);
  }
}

function takeWord(draft: Draft, raw: string, isList: boolean, hashes: Set<string>, reading: Reading): void {
  const bare = raw.replace(BEFORE, "").replace(BEHIND, "");
  if (bare.length < 4) return;
  const hash = hashOf(bare.replace(/^(?:sha-?256|sha-?1|md5)[:=]/i, ""));
  if (hash !== undefined) {
    hashes.add(hash);
    return;
  }
  const isDefanged = DEFANGED.test(raw);
  // A bracket that was cut off at the end may have been a sign's: `evil[.]com]`.
  const text = refang(bare);
  if (!/[.:]/.test(text)) return;
  const found = addressesOf(text);
  const [first] = found;
  if (first === undefined) {
    if (isDefanged) reading.leaveOut(raw, "defanged, but no address");
    return;
  }
  const why = whyNot(text, first, isDefanged, isList);
  if (why === "") return;
  if (why !== undefined) reading.leaveOut(raw, why);
  else for (const { type, value } of found) draft.add({ type, value, usage: "other" });
}

/** Undefined for an indicator; empty for a word that nobody would take for one. */
function whyNot(
  text: string,
  first: { readonly type: string; readonly value: string },
  isDefanged: boolean,
  isList: boolean,
): string | undefined {
  const host = hostOf(first);
  if (host === undefined) return "";
  if (host.type === "domain") {
    const { isIcann, isPrivate, domain, publicSuffix } = parse(host.value, SUFFIXES);
    const isKnown = domain !== null && (isIcann === true || isPrivate === true);
    const isUrl = first.type === "url" || /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
    if (!isKnown && !isUrl) return isDefanged ? "no domain: its suffix is none" : "";
    const parts = host.value.split(".").length;
    if (!isUrl && first.type === "domain" && parts === 2 && FILE_SUFFIXES.has(publicSuffix ?? ""))
      return "reads as the name of a file";
  }
  if (isDefanged || isList) return undefined;
  if (
    first.type === "domain" ||
    first.type === "url" ||
    parseIpv4(host.value) !== undefined ||
    first.type === "socket"
  )
    return "not defanged: it may be a reference, not an indicator";
  return "";
}

function hostOf({ type, value }: { readonly type: string; readonly value: string }) {
  if (type === "url") {
    const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]+)/i.exec(value)?.[1] ?? "";
    return normaliseHost(authority.replace(/^[^@]*@/, "").replace(/:\d+$/, ""));
  }
  return normaliseHost(type === "socket" ? value.slice(0, value.lastIndexOf(":")) : value);
}
