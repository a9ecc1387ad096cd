/**
 * Defanging: writing addresses so that nothing turns them into links, and reading back the forms people write.
 *
 * Ours are those of most reports: `hxxp`, `[.]` at every dot of a domain name (so that `a.co` is not left standing in
 * `a.co[.]uk`), at the last dot of an IPv4 address, `[:]` at the last colon of an IPv6 one, `[@]`.
 */
import { parse } from "tldts";
import { parseIpv4, parseIpv6 } from "./address.ts";

const SUFFIXES = { allowPrivateDomains: true, extractHostname: false, validateHostname: false } as const;
/** Text beyond this is no address list, and is defanged for schemes only. */
const MAX_TEXT = 1 << 20;

/** Runs of characters that stand in a host name, with a dot in them. Each starts where no such character precedes. */
const DOTTED = /(?<![\p{L}\p{N}_.-])[\p{L}\p{N}_-]+(?:\.[\p{L}\p{N}_-]+)+/gu;
/** Runs that may be IPv6 addresses. */
const COLONED = /(?<![\p{L}\p{N}:.\]])[0-9a-fA-F]{0,4}:[0-9a-fA-F:.]{1,44}(?![\p{L}\p{N}:.[])/gu;

/** Every address in `text` made harmless; other text stays. Doing it twice changes nothing more. */
export function defang(text: string): string {
  const schemes = text.replace(/\b(h)(tt)(ps?:\/\/)|\b(f)(t)(ps?:\/\/)/gi, (_all, h, tt, rest, f, t, ftp) =>
    h === undefined ? `${f}${crossed(t)}${ftp}` : `${h}${crossed(tt)}${rest}`,
  );
  if (schemes.length > MAX_TEXT) return schemes;
  return schemes
    .replace(COLONED, (run) => (parseIpv6(run) === undefined ? run : defangIpv6(run)))
    .replace(DOTTED, (run, at: number, whole: string) => (isHostAt(whole, run, at) ? defangName(run) : run))
    .replace(/(?<=[\w.-])@(?=[\w-]+\[\.\])/g, "[@]");
}

/** A host known to be one, also under a suffix that no list knows (`.bit`). */
export function defangHost(host: string): string {
  if (parseIpv6(host) !== undefined) return defangIpv6(host);
  return defangName(host);
}

/** The text of an indicator, defanged as its type wants; what no network resolves stays as it is. */
export function defangIndicator(type: string, value: string): string {
  if (type === "domain" || type === "ipv4" || type === "ipv6") return defangHost(value);
  if (type === "socket") {
    const colon = value.lastIndexOf(":");
    return `${defangHost(value.slice(0, colon))}${value.slice(colon)}`;
  }
  return type === "url" ? defang(value) : value;
}

function crossed(letters: string): string {
  return letters.replaceAll("t", "x").replaceAll("T", "X");
}

function defangName(name: string): string {
  if (parseIpv4(name) === undefined) return name.replaceAll(".", "[.]");
  const last = name.lastIndexOf(".");
  return `${name.slice(0, last)}[.]${name.slice(last + 1)}`;
}

function defangIpv6(address: string): string {
  const last = address.lastIndexOf(":");
  return `${address.slice(0, last)}[:]${address.slice(last + 1)}`;
}

/** Whether the dotted run at `at` is a host: by its place in a URL or before a port, or by its public suffix. */
function isHostAt(text: string, run: string, at: number): boolean {
  const before = text.slice(Math.max(0, at - 3), at);
  const after = text.charAt(at + run.length);
  // Half of something that is defanged already, or a name within a path.
  if (after === "[" || before.endsWith("[.]")) return false;
  if (/(?:\/\/|@|\\\\)$/.test(before) || /^:\d/.test(text.slice(at + run.length, at + run.length + 2)))
    return true;
  if (before.endsWith("/") || before.endsWith("\\") || before.endsWith("%")) return false;
  if (parseIpv4(run) !== undefined) return true;
  const { isIcann, isPrivate, domain } = parse(run.toLowerCase(), SUFFIXES);
  return domain !== null && (isIcann === true || isPrivate === true);
}

/** What people write, to what it stands for, in this order. */
const FORMS: readonly (readonly [form: RegExp, meaning: string])[] = [
  // Full-width and ideographic punctuation.
  [/[\uff0e\u3002\uff61]/g, "."],
  [/\uff1a/g, ":"],
  [/\uff0f/g, "/"],
  [/\uff20/g, "@"],
  [/\uff3b/g, "["],
  [/\uff3d/g, "]"],
  [/\uff08/g, "("],
  [/\uff09/g, ")"],
  // Dots: [.] (.) {.} <.> [dot] (dot) {dot}, with blanks around, and halves of brackets between letters.
  [/\s?(?:\[ ?(?:\.|dot) ?\]|\( ?(?:\.|dot) ?\)|\{ ?(?:\.|dot) ?\}|<(?:\.|dot)>)\s?/gi, "."],
  [/(?<=[\p{L}\p{N}])(?:\[\.|\.\])(?=[\p{L}\p{N}])/gu, "."],
  // At signs.
  [/\s?(?:\[ ?(?:@|at) ?\]|\( ?(?:@|at) ?\)|\{ ?(?:@|at) ?\})\s?/gi, "@"],
  // Colons and slashes: [:] (:) [:]// [://] [:/]/ [/]
  [/\[:\/\/\]|\(:\/\/\)|\{:\/\/\}/g, "://"],
  [/\[:\/\]/g, ":/"],
  [/\[:\]|\(:\)|\{:\}/g, ":"],
  [/\[\/\/\]/g, "//"],
  [/\[\/\]/g, "/"],
  [/(?<=\b[fh][a-z]{2,4}):\\\\(?=\S)/gi, "://"],
];

/** `http` and `ftp` as people cross them out. */
const SCHEMES: readonly (readonly [form: RegExp, meaning: string])[] = [
  [/\b(?:h(?:xx|tx|xt|\*\*)p|meow)(?=s?:\/\/)/gi, "http"],
  [/\bfxp(?=s?:\/\/)/gi, "ftp"],
];

/**
 * The addresses of `text` as they are used. ` dot ` in words counts only when all of the text is one name, since
 * elsewhere it is a word.
 */
export function refang(text: string): string {
  let out = text;
  if (out.length < 512 && /^[\p{L}\p{N}-]+(?: dot [\p{L}\p{N}-]+)+$/iu.test(out))
    out = out.replace(/ dot /gi, ".");
  for (const [form, meaning] of FORMS) out = out.replace(form, meaning);
  // The case of `hXXp` means nothing, that of `HXXP` does.
  for (const [form, meaning] of SCHEMES)
    out = out.replace(form, (scheme) => (/[a-z]/.test(scheme) ? meaning : meaning.toUpperCase()));
  return out;
}
