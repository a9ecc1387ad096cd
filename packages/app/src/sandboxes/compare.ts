/** The sandbox's own config beside ours: which values both say, and which only one of the two. */
import type { Finding, Sample, Sandbox as SandboxReport } from "@assay/core/model/index";
import { flatten } from "./json-value.ts";
import type { Said, SaidConfig } from "./sandbox.ts";

type Difference = SandboxReport["differences"][number];

/** Values of one sample that are compared. */
const MAX_VALUES = 4000;
/** Parts of a config that say what the family is or does by nature, not what this build holds. */
const NOT_COMPARED = /^(?:family|category|capability_|.*usage$|.*protocol$)/;

/** `families` and `configs` as the report has them, with the differences to the sample's findings. */
export function sandboxReport(
  name: string,
  task: string,
  artefacts: number,
  said: Said,
  findings: readonly Finding[],
): NonNullable<Sample["sandbox"]> {
  return {
    name,
    task,
    artefacts,
    families: [...said.families],
    configs: said.configs.map(({ family, values }) => ({
      family,
      values: values.map((value) => ({ ...value })),
    })),
    differences: said.configs.length === 0 ? [] : differences(said.configs, findings),
  };
}

/** Fields that other tools report too: what one of ours adds is worth a line. The rest is compared, and not listed. */
const TELLING =
  /^(?:version|campaign_id|identifier|mutex|password|pipe|encryption\.\d+\.(?:key|public_key|password|seed))$/;

interface Ours {
  readonly pointer: string;
  readonly value: string;
  readonly forms: readonly string[];
  readonly telling: boolean;
  said: boolean;
}

/**
 * Both sides as single values, compared in the forms that tools write addresses in: `tcp://h:1`, `h:1`, `h` and `1`
 * side by side are one address. A value of ours that no one of theirs says is only ours, and the other way round.
 */
export function differences(configs: readonly SaidConfig[], findings: readonly Finding[]): Difference[] {
  const ours = findings.flatMap(valuesOf).slice(0, MAX_VALUES);
  const byForm = new Map<string, Ours[]>();
  for (const value of ours)
    for (const form of value.forms) {
      const same = byForm.get(form) ?? [];
      if (same.length === 0) byForm.set(form, same);
      same.push(value);
    }
  const both: Difference[] = [];
  const theirs: Difference[] = [];
  for (const [i, config] of configs.entries())
    for (const [j, { value }] of config.values.entries()) {
      if (both.length + theirs.length >= MAX_VALUES) break;
      const pointer = `/configs/${i}/values/${j}`;
      const same = formsOf(value).flatMap((form) => byForm.get(form) ?? []);
      for (const one of same) one.said = true;
      const [first] = same;
      if (first === undefined) theirs.push({ in: "sandbox", value, theirs: pointer });
      else both.push({ in: "both", value, ours: first.pointer, theirs: pointer });
    }
  const left = ours
    .filter(({ said, telling }) => telling && !said)
    .map(({ pointer, value }) => ({ in: "assay" as const, value, ours: pointer }));
  return [...both, ...theirs, ...left];
}

/** Each value once: addresses as `c2` has them, the rest of the config as it stands. */
function valuesOf(finding: Finding, index: number): Ours[] {
  const c2 = finding.c2.map((value, i) => one(`/findings/${index}/c2/${i}`, value));
  const known = new Set(c2.flatMap(({ forms }) => forms));
  const { http, tcp, udp, ...config } = finding.config;
  // Connections that are no C2, by their address.
  const addresses = [...(http ?? []), ...(tcp ?? []), ...(udp ?? [])].flatMap((entry) => {
    if (entry.usage === "c2") return [];
    if ("uri" in entry && entry.uri !== undefined) return [entry.uri];
    if (!("server_port" in entry || "server_ip" in entry || "server_domain" in entry)) return [];
    const host = entry.server_ip ?? entry.server_domain;
    return host === undefined
      ? []
      : [entry.server_port === undefined ? host : `${host}:${entry.server_port}`];
  });
  const rest = flatten(config).filter(({ name }) => !NOT_COMPARED.test(name));
  const values = [
    ...addresses.map((value) => one(`/findings/${index}/config`, value)),
    ...rest.map(({ name, value }) =>
      one(`/findings/${index}/config/${pointer(name)}`, value, TELLING.test(name)),
    ),
  ].filter(({ forms, value }) => value !== "" && !forms.some((form) => known.has(form)));
  const once = new Map(values.map((value) => [value.forms[0], value]));
  return [...c2, ...once.values()];
}

function one(at: string, value: string, telling = true): Ours {
  return { pointer: at, value, forms: formsOf(value), telling, said: false };
}

/** `other.keys.0` → `other/keys/0`. A name with a dot in it points at what stands above. */
function pointer(name: string): string {
  return name
    .split(".")
    .map((part) => part.replaceAll("~", "~0").replaceAll("/", "~1"))
    .join("/");
}

const ADDRESS = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::(\d{1,5}))?(\/.*)?$/i;
/** Ports that go without saying. */
const USUAL_PORT: Readonly<Record<string, string>> = { http: "80", https: "443" };

/** The forms under which a value may be met; the first is its own. */
export function formsOf(value: string): string[] {
  const own = value.trim();
  const match = ADDRESS.exec(own);
  const [, scheme, host, port, path] = match ?? [];
  // Hex is written in either case; a mutex or a password is not.
  if (host === undefined || !(host.includes(".") || host.startsWith("[")))
    return [/^[0-9a-f]+$/i.test(own) ? own.toLowerCase() : own];
  const name = host.toLowerCase();
  const place = path === undefined || path === "/" ? "" : path;
  const usual = USUAL_PORT[scheme?.toLowerCase() ?? ""];
  const full = port ?? usual;
  return [
    ...new Set([
      `${scheme === undefined ? "" : `${scheme.toLowerCase()}://`}${name}${port === undefined ? "" : `:${port}`}${place}`,
      `${name}${full === undefined ? "" : `:${full}`}${place}`,
      // Without a port, or with the usual one, the name alone is the same address.
      ...(port === undefined || port === usual ? [`${name}${place}`] : []),
    ]),
  ];
}
