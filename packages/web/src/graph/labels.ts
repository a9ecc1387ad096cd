/** What a node is called: text of samples, made visible and defanged. */
import { shorten } from "@assay/core/export/escape";
import { short } from "../format.ts";
import { defanged, plain } from "../hostile-text.ts";
import { familyName } from "../ui/badge.tsx";
import type { GraphNode, Kind } from "./board.ts";

/** In the order in which they are offered. */
export const KINDS: readonly Kind[] = [
  "sample",
  "config",
  "indicator",
  "certificate",
  "campaign",
  "family",
  "cluster",
  "community",
  "group",
];

/** Families that a cluster is called after. */
const MAX_FAMILIES = 3;
/** Longer ones hide others; the details have all of it. */
const MAX_LABEL = 44;

const TYPES: Readonly<Record<string, string>> = {
  ipv4: "IPv4",
  ipv6: "IPv6",
  url: "URL",
  campaign_id: "campaign",
  user_agent: "user agent",
};

export function typeName(type: string): string {
  return TYPES[type] ?? type.replaceAll("_", " ");
}

export function kindName({ kind, type }: Pick<GraphNode, "kind" | "type">): string {
  if (kind === "group") return "more samples";
  return type === undefined ? kind : typeName(type);
}

/** One line, safe to draw anywhere. */
export function labelOf({
  kind,
  label,
  defanged: safe,
  names,
  families,
  samples,
  atLeast,
}: GraphNode): string {
  switch (kind) {
    case "sample": {
      const name = names?.[0]?.replace(/^.*[/\\]/s, "");
      const family = families?.[0] === undefined ? "" : `${familyName(families[0].family)} · `;
      return `${family}${name === undefined || name === "" ? short(label) : plain(name, 40)}`;
    }
    case "config":
      return `config ${short(label)}`;
    case "family":
      return familyName(label);
    case "cluster":
    case "community": {
      const most = (families ?? []).slice(0, MAX_FAMILIES).map(({ family }) => familyName(family));
      const others = (families?.length ?? 0) > MAX_FAMILIES ? " …" : "";
      return most.length === 0 ? label : `${most.join(" + ")}${others} · ${samples ?? "?"}`;
    }
    case "group":
      return `${atLeast ? "≥ " : ""}${samples ?? "?"} more`;
    default:
      return shorten(plain(safe ?? defanged(label), 400), MAX_LABEL);
  }
}

/** What a list says of it, so that it can be told from others by ear. */
export function describe(node: GraphNode): string {
  const { samples, linkable, excludedBy, outcome } = node;
  return [
    kindName(node),
    samples === undefined || node.kind === "group"
      ? ""
      : `${samples} ${samples === 1 ? "sample" : "samples"}`,
    outcome ?? "",
    linkable === false ? "ties nothing" : "",
    excludedBy === undefined ? "" : "excluded",
  ]
    .filter((part) => part !== "")
    .join(" · ");
}
