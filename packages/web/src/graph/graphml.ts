/** What is drawn, as GraphML (graphml.graphdrawing.org) with its places, for Gephi, yEd and their kin. */
import type { Drawn } from "./filter.ts";

export interface Place {
  readonly x: number;
  readonly y: number;
}

const KEYS = [
  ["kind", "node", "string"],
  ["label", "node", "string"],
  ["key", "node", "string"],
  ["group", "node", "string"],
  ["samples", "node", "int"],
  ["firstSeen", "node", "string"],
  ["lastSeen", "node", "string"],
  ["x", "node", "double"],
  ["y", "node", "double"],
  ["relation", "edge", "string"],
  ["weight", "edge", "double"],
  ["why", "edge", "string"],
] as const;

/** XML 1.0 has no way to say these, not even escaped. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what we look for
const NOT_XML = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Surrogate}/gu;

export function toGraphml(
  { nodes, edges }: Drawn,
  groups: ReadonlyMap<string, string>,
  placeOf: (key: string) => Place | undefined,
): string {
  const ids = new Map([...nodes.keys()].map((key, i) => [key, `n${i}`]));
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">',
    ...KEYS.map(
      ([name, of, type]) => `<key id="${name}" for="${of}" attr.name="${name}" attr.type="${type}"/>`,
    ),
    '<graph id="assay" edgedefault="undirected">',
  ];
  for (const node of nodes.values()) {
    const place = placeOf(node.key);
    lines.push(
      `<node id="${ids.get(node.key)}">${dataOf({
        ...{ kind: node.type ?? node.kind, label: node.label, key: node.key, group: groups.get(node.key) },
        ...{ samples: node.samples, firstSeen: node.firstSeen, lastSeen: node.lastSeen },
        ...{ x: place?.x, y: place?.y },
      })}</node>`,
    );
  }
  let at = 0;
  for (const { from, to, kind, weight, why } of edges.values())
    lines.push(
      `<edge id="e${at++}" source="${ids.get(from)}" target="${ids.get(to)}">${dataOf({ relation: kind, weight, why })}</edge>`,
    );
  return [...lines, "</graph>", "</graphml>", ""].join("\n");
}

function dataOf(data: Readonly<Record<string, string | number | undefined>>): string {
  return Object.entries(data)
    .flatMap(([key, value]) =>
      value === undefined ? [] : [`<data key="${key}">${escapeXml(String(value))}</data>`],
    )
    .join("");
}

function escapeXml(text: string): string {
  return text.replace(NOT_XML, "\ufffd").replace(/[&<>"'\r]/g, (char) => `&#${char.charCodeAt(0)};`);
}
