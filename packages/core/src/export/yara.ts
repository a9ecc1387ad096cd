/** A YARA rule for each cluster: a skeleton of what its files share, for people to finish. */
import { utf8Bytes } from "../bytes/index.ts";
import type { Cluster } from "../model/index.ts";
import { compare, type ExportOptions, Omissions } from "./form.ts";
import type { Gathered } from "./gather.ts";
import type { Gleaned, Listed } from "./listed.ts";

/** Shorter texts are found everywhere. */
const MIN_TEXT = 6;
/** YARA's strings may be longer, but a scanner looks for four bytes of them. */
const MAX_TEXT = 512;
const MAX_STRINGS = 64;

export function toYara({ gathered, ties, options }: Gleaned): Listed {
  const omissions = new Omissions();
  const wanted = new Set(ties.clusters.flatMap(({ shared }) => shared));
  const byKey = new Map<string, Gathered>();
  for (const indicator of gathered) {
    const key = `${indicator.type}:${indicator.value}`;
    if (wanted.has(key)) byKey.set(key, indicator);
  }
  const names = new Set<string>();
  const rules = ties.clusters.flatMap((cluster) => ruleOf(cluster, byKey, names, options, omissions));
  const notes = [
    "skeletons: most families keep these texts encrypted on disk, so that the rules are for memory and unpacked configs",
  ];
  if (ties.clusters.length === 0) notes.push("no cluster in this report, so no rule");
  return {
    chunks: [
      "// Rule skeletons of what clusters share, by assay. Review before use: they were tried on no clean file.\n",
      ...rules,
    ],
    leftOut: omissions.list,
    notes,
  };
}

function ruleOf(
  cluster: Cluster,
  byKey: ReadonlyMap<string, Gathered>,
  names: Set<string>,
  { tlp }: ExportOptions,
  omissions: Omissions,
): string[] {
  const strings: string[] = [];
  for (const key of cluster.shared) {
    const value = key.slice(key.indexOf(":") + 1);
    const indicator = byKey.get(key);
    const why = whyNot(value, indicator, strings.length);
    if (why === undefined) strings.push(...stringsOf(value, strings.length));
    else omissions.add(value, why);
  }
  if (strings.length === 0) return [];
  const name = uniqueName(cluster.id, names);
  const meta: (readonly [string, string])[] = [
    ["description", "Skeleton: what the files of one cluster share"],
    ["author", "assay"],
    ["cluster", cluster.id],
    ["families", cluster.families.join(", ")],
    ...(tlp === undefined ? [] : [["tlp", `TLP:${tlp.toUpperCase()}`] as const]),
    ...[...cluster.samples].sort(compare).map((sha256) => ["hash", sha256] as const),
  ];
  return [
    [
      "",
      `rule ${name}`,
      "{",
      "  meta:",
      ...meta.map(([key, value]) => `    ${key} = ${yaraString(value)}`),
      "  strings:",
      ...strings.map((line) => `    ${line}`),
      "  condition:",
      strings.length === 1 ? "    any of them" : "    2 of them",
      "}",
      "",
    ].join("\n"),
  ];
}

function whyNot(value: string, indicator: Gathered | undefined, count: number): string | undefined {
  if (indicator === undefined) return "shared, but held by no file of the report";
  if (!indicator.linkable) return indicator.why ?? "not one operator's own";
  if (value.length < MIN_TEXT) return `shorter than ${MIN_TEXT} characters`;
  if (value.length > MAX_TEXT) return `longer than ${MAX_TEXT} characters`;
  return count >= MAX_STRINGS ? `beyond ${MAX_STRINGS} strings` : undefined;
}

/** Text of ASCII as itself; other text as the bytes of UTF-8 and of UTF-16LE, which `wide` cannot say. */
function stringsOf(value: string, index: number): string[] {
  if (/^[\0-\x7f]*$/.test(value)) return [`$s${index} = ${yaraString(value)} ascii wide`];
  const units = Array.from({ length: value.length }, (_, i) => value.charCodeAt(i));
  const wide = units.flatMap((unit) => [unit & 0xff, unit >> 8]);
  return [`$s${index} = ${hexString(utf8Bytes(value))}`, `$s${index + 1} = ${hexString(wide)}`];
}

function hexString(bytes: Iterable<number>): string {
  return `{ ${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0").toUpperCase()).join(" ")} }`;
}

/** All but printable ASCII as `\xNN` of its UTF-8 bytes. */
export function yaraString(text: string): string {
  let out = "";
  for (const byte of utf8Bytes(text)) {
    if (byte === 0x22 || byte === 0x5c) out += `\\${String.fromCharCode(byte)}`;
    else if (byte >= 0x20 && byte < 0x7f) out += String.fromCharCode(byte);
    else out += `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return `"${out}"`;
}

/** Identifiers have at most 128 characters; two clusters never share one. */
function uniqueName(id: string, names: Set<string>): string {
  const base = `assay_${id.replace(/[^A-Za-z0-9_]/g, "_")}`.slice(0, 100);
  let name = base;
  for (let n = 2; names.has(name); n++) name = `${base}_${n}`;
  names.add(name);
  return name;
}
