/** Samples, configs, indicators and what ties them, as GraphML (graphml.graphdrawing.org), for Gephi, yEd and their kin. */
import type { Report } from "../model/index.ts";
import { familiesOf, filesOf } from "./files.ts";
import { type Exported, Omissions } from "./form.ts";
import { gather } from "./gather.ts";

/** Attributes of nodes and edges: key, whose, name, type. */
const KEYS = [
  ["kind", "node", "kind", "string"],
  ["label", "node", "label", "string"],
  ["families", "node", "families", "string"],
  ["usage", "node", "usage", "string"],
  ["confidence", "node", "confidence", "string"],
  ["names", "node", "names", "string"],
  ["relation", "edge", "relation", "string"],
  ["weight", "edge", "weight", "double"],
  ["why", "edge", "why", "string"],
] as const;

type Attributes = Readonly<Record<string, string>>;

/** XML 1.0 has no way to say these, not even escaped. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what we look for
const NOT_XML = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Surrogate}/u;

export function toGraphml(report: Report): Exported {
  const omissions = new Omissions();
  const nodes = new Map<string, { readonly id: string; readonly data: Attributes }>();
  const add = (key: string, label: string, data: Attributes): void => {
    if (nodes.has(key)) return;
    if (NOT_XML.test(label)) omissions.add(label, "holds characters that XML cannot");
    else nodes.set(key, { id: `n${nodes.size}`, data: { label, ...data } });
  };
  for (const file of filesOf(report)) {
    const names = file.names.filter((name) => {
      if (NOT_XML.test(name)) omissions.add(name, "holds characters that XML cannot");
      return !NOT_XML.test(name);
    });
    add(`sha256:${file.sha256}`, file.sha256, {
      kind: "sample",
      families: clean(familiesOf(file).join(" ")),
      names: names.join("; "),
    });
  }
  for (const { type, value, families, usage, confidence } of gather(report))
    add(`${type}:${value}`, value, { kind: type, families: clean(families.join(" ")), usage, confidence });
  const edges: string[] = [];
  for (const { from, to, kind, weight, why } of report.relations) {
    for (const key of [from, to]) {
      const colon = key.indexOf(":");
      add(key, key.slice(colon + 1), { kind: clean(key.slice(0, Math.max(colon, 0))) });
    }
    const [source, target] = [nodes.get(from), nodes.get(to)];
    if (source === undefined || target === undefined) continue;
    const data = { relation: kind, weight: String(weight), why: clean(why) };
    edges.push(
      `<edge id="e${edges.length}" source="${source.id}" target="${target.id}">${dataOf(data)}</edge>`,
    );
  }
  const body = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">',
    ...KEYS.map(
      ([id, owner, name, type]) => `<key id="${id}" for="${owner}" attr.name="${name}" attr.type="${type}"/>`,
    ),
    '<graph id="assay" edgedefault="undirected">',
    ...[...nodes.values()].map(({ id, data }) => `<node id="${id}">${dataOf(data)}</node>`),
    ...edges,
    "</graph>",
    "</graphml>",
    "",
  ].join("\n");
  return { body, leftOut: omissions.list, notes: [] };
}

function dataOf(data: Attributes): string {
  return Object.entries(data)
    .filter(([, value]) => value !== "")
    .map(([key, value]) => `<data key="${key}">${escapeXml(value)}</data>`)
    .join("");
}

/** Carriage returns as references, since parsers turn bare ones into newlines. */
function escapeXml(text: string): string {
  return text.replace(/[&<>"'\r\n\t]/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** Words of ours and of families, shown: what XML cannot hold becomes a question mark. */
function clean(text: string): string {
  return text.replace(new RegExp(NOT_XML, "gu"), "?");
}
