/**
 * Sigma rules for what logs of an infected machine show: DNS queries, connections, files and registry values. There is
 * none for mutexes: no log source of Sigma's taxonomy records them, and a rule that never fires would be a promise.
 */
import { compare, type ExportOptions, Omissions } from "./form.ts";
import { type Gathered, NETWORK_TYPES } from "./gather.ts";
import type { Gleaned, Listed } from "./listed.ts";
import { whyNotBlock } from "./policy.ts";
import { momentOf } from "./times.ts";
import { ASSAY_NAMESPACE, canonicalJson, uuid5 } from "./uuid.ts";
import { type Yaml, yaml } from "./yaml.ts";

/** A rule of thousands of values is one that no backend takes. */
const VALUES_A_RULE = 500;

interface Kind {
  readonly id: string;
  readonly title: string;
  readonly category: string;
  readonly field: string;
  /** As the field holds it, wildcards escaped; or why it cannot be looked for. */
  readonly value: (value: string) => { readonly is: string } | { readonly why: string };
  readonly falsePositives: string;
}

const DOMAIN: Kind = {
  id: "dns",
  title: "DNS query of a C2 domain",
  category: "dns_query",
  field: "QueryName|endswith",
  value: (value) => ({ is: literal(value) }),
  falsePositives: "Names that have changed hands",
};

const ADDRESS: Kind = {
  id: "connection",
  title: "Connection to a C2 address",
  category: "network_connection",
  field: "DestinationIp",
  value: (value) => ({ is: literal(value) }),
  falsePositives: "Addresses that have changed hands",
};

const FILE: Kind = {
  id: "file",
  title: "File name of a config",
  category: "file_event",
  field: "TargetFilename|endswith",
  value: fileEnd,
  falsePositives: "Programs that chose the same name",
};

const REGISTRY: Kind = {
  id: "registry",
  title: "Registry key of a config",
  category: "registry_event",
  field: "TargetObject|contains",
  value: registryPart,
  falsePositives: "Programs that chose the same name",
};

const KINDS: Readonly<Partial<Record<Gathered["type"], Kind>>> = {
  domain: DOMAIN,
  ipv4: ADDRESS,
  ipv6: ADDRESS,
  file: FILE,
  registry: REGISTRY,
};

const LEVELS = { proved: "high", structural: "high", heuristic: "medium" } as const;

export function toSigma({ gathered, head, options }: Gleaned): Listed {
  const omissions = new Omissions();
  const groups = new Map<string, Group>();
  for (const indicator of gathered) {
    const kind = KINDS[indicator.type];
    const why = kind === undefined ? whyNoKind(indicator.type) : whyNotWatch(indicator, options);
    if (kind === undefined || why !== undefined) {
      if (why !== undefined) omissions.add(indicator.value, why);
      continue;
    }
    const looked = kind.value(indicator.value);
    if ("why" in looked) {
      omissions.add(indicator.value, looked.why);
      continue;
    }
    for (const family of indicator.families) {
      const key = canonicalJson([family, kind.id, LEVELS[indicator.confidence]]);
      const group = groups.get(key) ?? { family, kind, level: LEVELS[indicator.confidence], values: [] };
      group.values.push(looked.is);
      groups.set(key, group);
    }
  }
  const date = momentOf(head.startedAt).slice(0, 10);
  const rules = [...groups.entries()]
    .sort(([a], [b]) => compare(a, b))
    .flatMap(([, group]) => rulesOf(group, date, options));
  return { chunks: rules.map((rule) => `---${yaml(rule)}`), leftOut: omissions.list, notes: [] };
}

interface Group {
  readonly family: string;
  readonly kind: Kind;
  readonly level: string;
  readonly values: string[];
}

function whyNoKind(type: Gathered["type"]): string | undefined {
  if (type === "mutex") return "mutexes stand in no log source of Sigma";
  if (type === "socket" || type === "url") return undefined;
  return `Sigma has no field for it (${type})`;
}

function whyNotWatch(indicator: Gathered, options: ExportOptions): string | undefined {
  if (NETWORK_TYPES.has(indicator.type)) return whyNotBlock(indicator, options);
  return indicator.linkable ? undefined : (indicator.why ?? "not one operator's own");
}

function rulesOf({ family, kind, level, values }: Group, date: string, { tlp }: ExportOptions): Yaml[] {
  const sorted = [...new Set(values)].sort(compare);
  const rules: Yaml[] = [];
  for (let at = 0; at < sorted.length; at += VALUES_A_RULE) {
    const part = sorted.slice(at, at + VALUES_A_RULE);
    rules.push({
      title: `${kind.title} of ${oneLine(family)}${at === 0 ? "" : ` (${at / VALUES_A_RULE + 1})`}`,
      id: uuid5(ASSAY_NAMESPACE, canonicalJson(["sigma", family, kind.id, level, ...part])),
      status: "experimental",
      description: "Made by assay from malware configurations",
      author: "assay",
      date,
      ...(tlp === undefined ? {} : { tags: [`tlp.${tlp.replace("+", "-")}`] }),
      logsource: { category: kind.category, product: "windows" },
      detection: { selection: selectionOf(kind, part), condition: "selection" },
      falsepositives: [kind.falsePositives],
      level,
    });
  }
  return rules;
}

/** A name itself or what is under it; not another that ends alike. */
function selectionOf(kind: Kind, values: readonly string[]): Yaml {
  if (kind !== DOMAIN) return { [kind.field]: values };
  return [{ QueryName: values }, { [kind.field]: values.map((value) => `.${value}`) }];
}

/** Titles have one line of at most 256 characters; only the family in them is not ours. */
function oneLine(family: string): string {
  return family.replace(/[^\p{L}\p{N} ._+-]+/gu, " ").slice(0, 100);
}

/** Sigma's wildcards and its escape, each with a backslash before it (Sigma specification, `Escaping`). */
export function literal(text: string): string {
  return text.replace(/[\\*?]/g, (char) => `\\${char}`);
}

/** A path behind its variables: logs show `C:\Users\…` where the config says `%APPDATA%`. */
function fileEnd(path: string): { readonly is: string } | { readonly why: string } {
  const rest = path.replace(/^(?:%[^%\\/]*%|<[^>\\/]*>)/, "");
  const text = /^[\\/]|^[A-Za-z]:/.test(rest) ? rest : `\\${rest}`;
  if (/%[^%\\/]+%|<[^>\\/]*>/.test(text)) return { why: "a variable within the path, whose value logs show" };
  if (/[\\/]$/.test(text)) return { why: "a folder, not a file" };
  return { is: literal(text.replaceAll("/", "\\")) };
}

/** A key behind its hive: logs write hives in their own ways. */
function registryPart(key: string): { readonly is: string } | { readonly why: string } {
  const slash = key.indexOf("\\");
  if (slash < 0 || slash === key.length - 1) return { why: "a hive without a key" };
  return { is: literal(key.slice(slash)) };
}
