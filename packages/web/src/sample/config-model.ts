/**
 * A finding as an analyst reads it: C2s first, then who it is, how it installs itself, what it does, and all of the raw
 * fields last. Every value knows its place in the finding, and so its proof.
 */
import type { Evidence, Finding } from "../api-types.ts";

export interface Row {
  /** JSON Pointer within the finding. */
  readonly pointer: string;
  readonly label: string;
  readonly value: string;
  /** What it is for, when its name does not say. */
  readonly note: string;
  readonly evidence: readonly Evidence[];
}

export interface Section {
  readonly id: "c2" | "connections" | "identity" | "install" | "behaviour" | "secrets" | "raw";
  readonly title: string;
  readonly rows: readonly Row[];
}

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

const IDENTITY = ["version", "category", "campaign_id", "identifier", "mutex", "password"];
const INSTALL = ["paths", "registry", "pipe", "inject_exe"];
const BEHAVIOUR = [
  "capability_enabled",
  "capability_disabled",
  "attack",
  "sleep_delay",
  "sleep_delay_jitter",
];
const SECRETS = ["encryption"];
const CONNECTIONS = ["http", "tcp", "udp"];
/** Values of one finding that are drawn. */
export const MAX_ROWS = 5000;

export function sectionsOf(finding: Finding): Section[] {
  const proofs = proofIndex(finding.evidence);
  const config = finding.config as unknown as Readonly<Record<string, Json | undefined>>;
  const row = (pointer: string, label: string, value: string, note = ""): Row => ({
    ...{ pointer, label, value, note },
    evidence: proofs(pointer),
  });
  const fields = (names: readonly string[]) =>
    names.flatMap((name) =>
      valuesOf(name, config[name]).map(([at, value, note]) => row(`/config/${at}`, name, value, note)),
    );
  const sections: Section[] = [
    {
      id: "c2",
      title: "Command and control",
      rows: finding.c2.map((url, i) => row(`/c2/${i}`, "c2", url)),
    },
    {
      id: "connections",
      title: "Other connections",
      rows: CONNECTIONS.flatMap((name) =>
        listOf(config[name]).flatMap((one, i) => {
          const value = connectionText(name, one);
          const usage = textOf(one, "usage");
          return finding.c2.includes(value) || value === ""
            ? []
            : [row(`/config/${name}/${i}`, name, value, usage)];
        }),
      ),
    },
    { id: "identity", title: "Identity", rows: fields(IDENTITY) },
    { id: "install", title: "Install", rows: fields(INSTALL) },
    { id: "behaviour", title: "Behaviour", rows: fields(BEHAVIOUR) },
    { id: "secrets", title: "Encryption", rows: fields(SECRETS) },
    {
      id: "raw",
      title: "Raw fields",
      rows: leaves(config as Json, "/config").map(([pointer, value]) =>
        row(pointer, pointer.slice("/config/".length).split("/").map(unescapePart).join(" › "), value),
      ),
    },
  ];
  return sections.filter(({ rows }) => rows.length > 0);
}

/** Evidence of a value: its own, else that of what it is a part of, else that of its parts. */
function proofIndex(evidence: readonly Evidence[]): (pointer: string) => readonly Evidence[] {
  const exact = new Map<string, Evidence[]>();
  const below = new Map<string, Evidence[]>();
  const add = (map: Map<string, Evidence[]>, key: string, one: Evidence) => {
    const known = map.get(key);
    if (known === undefined) map.set(key, [one]);
    else known.push(one);
  };
  for (const one of evidence) {
    add(exact, one.pointer, one);
    for (const parent of parentsOf(one.pointer)) add(below, parent, one);
  }
  return (pointer) =>
    exact.get(pointer) ??
    parentsOf(pointer)
      .map((parent) => exact.get(parent))
      .find((found) => found !== undefined) ??
    below.get(pointer) ??
    [];
}

/** Nearest first; the whole finding and the whole config prove nothing. */
function parentsOf(pointer: string): string[] {
  const parts = pointer.split("/");
  const out: string[] = [];
  for (let n = parts.length - 1; n > 2; n--) out.push(parts.slice(0, n).join("/"));
  return out;
}

/** What is at a field: place, text, note. */
function valuesOf(name: string, value: Json | undefined): [at: string, value: string, note: string][] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) return [[name, scalarText(value as Json), ""]];
  return (value as readonly Json[]).map((one, i) => {
    const at = `${name}/${i}`;
    if (name === "paths") return [at, textOf(one, "path"), textOf(one, "usage")];
    if (name === "registry") return [at, textOf(one, "key"), textOf(one, "usage")];
    if (name === "encryption") return [at, encryptionText(one), textOf(one, "usage")];
    return [at, scalarText(one), ""];
  });
}

function encryptionText(one: Json): string {
  if (!isObject(one)) return scalarText(one);
  const { algorithm, usage: _usage, ...rest } = one;
  const parts = Object.entries(rest).map(([key, value]) => `${key} ${scalarText(value)}`);
  return [...(algorithm === undefined ? [] : [scalarText(algorithm)]), ...parts].join(", ");
}

/** As `c2` writes it: scheme://host[:port][/path]. */
export function connectionText(kind: string, one: Json): string {
  const uri = textOf(one, "uri");
  if (uri !== "") return uri;
  const host = textOf(one, "hostname") || textOf(one, "server_domain") || textOf(one, "server_ip");
  const port = textOf(one, "port") || textOf(one, "server_port");
  const path = textOf(one, "path");
  const scheme = textOf(one, "protocol") || (kind === "http" ? "http" : kind);
  if (host === "")
    return path === ""
      ? leaves(one, "")
          .map(([, value]) => value)
          .join(" ")
      : path;
  const name = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  return `${scheme}://${name}${port === "" ? "" : `:${port}`}${path}`;
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: Json, key: string): string {
  const found = isObject(value) ? value[key] : undefined;
  return found === undefined ? "" : scalarText(found);
}

function scalarText(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Every value that is no container, with its JSON Pointer. */
export function leaves(value: Json, pointer: string): [pointer: string, value: string][] {
  const out: [string, string][] = [];
  // Not by recursion: how deep `other` goes is the sample's affair.
  const open: [Json, string][] = [[value, pointer]];
  for (let next = open.pop(); next !== undefined && out.length < MAX_ROWS; next = open.pop()) {
    const [at, path] = next;
    if (typeof at !== "object" || at === null) {
      out.push([path, scalarText(at)]);
      continue;
    }
    const entries = Array.isArray(at)
      ? at.map((one, i) => [String(i), one] as const)
      : Object.entries(at as { readonly [key: string]: Json });
    for (const [key, one] of entries.reverse()) open.push([one, `${path}/${escapePart(key)}`]);
  }
  return out;
}

/** RFC 6901. */
function escapePart(part: string): string {
  return part.replaceAll("~", "~0").replaceAll("/", "~1");
}

function unescapePart(part: string): string {
  return part.replaceAll("~1", "/").replaceAll("~0", "~");
}
