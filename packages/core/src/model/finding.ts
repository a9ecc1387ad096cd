/** Builds a finding field by field, so that no value enters a config without its proof. */
import type { ArtifactId, Found, Span } from "../bytes/index.ts";
import type { Ledger } from "./ledger.ts";
import type { Category, Config, Connection, ConnUsage, Encryption, Http, Path, Registry } from "./maco.ts";
import type { Confidence, Evidence, Finding, ReadAs, Reason } from "./report.ts";

/** A network endpoint as a config states it. Scheme `tcp` where the protocol is the family's own. */
export interface Endpoint {
  readonly scheme: "http" | "https" | "tcp" | "udp";
  readonly host: string;
  readonly port?: number;
  /** With its leading slash; may carry a query. */
  readonly path?: string;
  readonly usage: ConnUsage;
  readonly userAgent?: string;
}

/** How the bytes of a value read, and the last steps of the way there (`field 0`). */
export interface Reading {
  readonly as: ReadAs;
  readonly steps?: readonly string[];
}

export interface FamilyIdentity {
  readonly id: string;
  readonly name: string;
  readonly aliases: readonly string[];
  readonly category: readonly Category[];
}

type TextField =
  | "capability_enabled"
  | "capability_disabled"
  | "campaign_id"
  | "identifier"
  | "decoded_strings"
  | "password"
  | "mutex"
  | "pipe"
  | "inject_exe";

/** Dotted decimal of four octets; what is not one is a host name, however much it looks like an address. */
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** `scheme://host[:port][/path]`, IPv6 hosts in brackets. */
export function endpointUrl(e: Pick<Endpoint, "scheme" | "host" | "port" | "path">): string {
  const host = e.host.includes(":") && !e.host.startsWith("[") ? `[${e.host}]` : e.host;
  return `${e.scheme}://${host}${e.port === undefined ? "" : `:${e.port}`}${e.path ?? ""}`;
}

/** The parts of `path[?query][#fragment]` (RFC 3986, 3). */
function splitPath(text: string): { path: string; query?: string; fragment?: string } {
  const hash = text.indexOf("#");
  const whole = hash < 0 ? text : text.slice(0, hash);
  const mark = whole.indexOf("?");
  return {
    path: mark < 0 ? whole : whole.slice(0, mark),
    ...(mark < 0 ? {} : { query: whole.slice(mark + 1) }),
    ...(hash < 0 ? {} : { fragment: text.slice(hash + 1) }),
  };
}

export class FindingBuilder {
  readonly #family: FamilyIdentity;
  readonly #layout: string;
  readonly #artifact: ArtifactId;
  readonly #config: Config;
  readonly #c2: string[] = [];
  readonly #evidence: { pointer: string; at: readonly Span[]; reading: Reading }[] = [];
  readonly #reasons: Reason[] = [];
  /** Index of each entry of each list of the config, by the field and the entry's JSON. */
  readonly #known = new Map<string, number>();

  constructor(family: FamilyIdentity, layout: string, artifact: ArtifactId) {
    this.#family = family;
    this.#layout = layout;
    this.#artifact = artifact;
    this.#config = { family: family.id, category: [...family.category] };
  }

  /** Number of C2 endpoints so far. */
  get c2Count(): number {
    return this.#c2.length;
  }

  /** An endpoint under `http`, `tcp` or `udp`; in `c2` too when that is its usage. Exact repeats fold into one. */
  endpoint(e: Endpoint, at: readonly Span[], reading: Reading): this {
    const url = endpointUrl(e);
    if (e.usage === "c2") {
      this.#prove(`/c2/${this.#indexIn("c2", this.#c2, url)}`, at, reading);
    }
    if (e.scheme === "http" || e.scheme === "https") {
      const { path, query, fragment } = splitPath(e.path ?? "");
      const entry: Http = { uri: url, protocol: e.scheme, hostname: e.host, usage: e.usage };
      if (e.port !== undefined) entry.port = e.port;
      if (path !== "") entry.path = path;
      if (query !== undefined) entry.query = query;
      if (fragment !== undefined) entry.fragment = fragment;
      if (e.userAgent !== undefined) entry.user_agent = e.userAgent;
      return this.#append("http", entry, at, reading);
    }
    const entry: Connection = { usage: e.usage };
    if (IPV4.test(e.host) || e.host.includes(":")) entry.server_ip = e.host;
    else entry.server_domain = e.host;
    if (e.port !== undefined) entry.server_port = e.port;
    return this.#append(e.scheme, entry, at, reading);
  }

  /** A second version, as of any single value, replaces the first and its evidence. */
  version(value: Found<string>, reading: Reading): this {
    this.#retract(this.#config.version, value.value, "/config/version", "/version");
    this.#config.version = value.value;
    this.#prove("/config/version", value.at, reading);
    return this.#prove("/version", value.at, reading);
  }

  /** A value of a list of texts; repeats add evidence only. Empty texts are left out. */
  text(field: TextField, value: Found<string>, reading: Reading): this {
    if (value.value === "") return this;
    const index = this.#indexIn(field, (this.#config[field] ??= []), value.value);
    return this.#prove(`/config/${field}/${index}`, value.at, reading);
  }

  /** Milliseconds, as MACO wants them. */
  sleepDelay(value: Found<number>, reading: Reading): this {
    this.#retract(this.#config.sleep_delay, value.value, "/config/sleep_delay");
    this.#config.sleep_delay = value.value;
    return this.#prove("/config/sleep_delay", value.at, reading);
  }

  /** What MACO has no place for. `name` is from the family's own table, never from the sample. */
  other(name: string, value: Found<unknown>, reading: Reading): this {
    const other = (this.#config.other ??= {});
    const pointer = `/config/other/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    this.#retract(other[name], value.value, pointer);
    other[name] = value.value;
    return this.#prove(pointer, value.at, reading);
  }

  path(entry: Path, at: readonly Span[], reading: Reading): this {
    return this.#append("paths", entry, at, reading);
  }

  registry(entry: Registry, at: readonly Span[], reading: Reading): this {
    return this.#append("registry", entry, at, reading);
  }

  encryption(entry: Encryption, at: readonly Span[], reading: Reading): this {
    return this.#append("encryption", entry, at, reading);
  }

  /** Something that the reader of the config should know: a field of unknown meaning, a check that does not hold. */
  reason(code: string, text: string, at: readonly Span[] = []): this {
    this.#reasons.push({ stage: this.#family.id, code, text, ...(at.length > 0 ? { at: [...at] } : {}) });
    return this;
  }

  build(confidence: Confidence, ledger: Ledger): Finding {
    const evidence: Evidence[] = this.#evidence.map(({ pointer, at, reading }) => ({
      pointer,
      at: [...at],
      as: reading.as,
      steps: [...(at[0] === undefined ? [] : ledger.chain(at[0].artifact)), ...(reading.steps ?? [])],
    }));
    const version = this.#config.version;
    return {
      family: this.#family.id,
      aliases: [this.#family.name, ...this.#family.aliases],
      layout: this.#layout,
      ...(version === undefined ? {} : { version }),
      confidence,
      artifact: this.#artifact,
      subject: this.#artifact,
      c2: this.#c2,
      config: this.#config,
      evidence,
      reasons: this.#reasons,
      rules: [],
    };
  }

  #append<K extends "http" | "tcp" | "udp" | "paths" | "registry" | "encryption">(
    field: K,
    entry: NonNullable<Config[K]>[number],
    at: readonly Span[],
    reading: Reading,
  ): this {
    const index = this.#indexIn(field, (this.#config[field] ??= []) as unknown[], entry);
    return this.#prove(`/config/${field}/${index}`, at, reading);
  }

  /** Index of `entry` in `list`, at whose end it is put when it is not there yet. */
  #indexIn<T>(field: string, list: T[], entry: T): number {
    const key = `${field} ${JSON.stringify(entry)}`;
    let index = this.#known.get(key);
    if (index === undefined) {
      index = list.push(entry) - 1;
      this.#known.set(key, index);
    }
    return index;
  }

  /** Drops the evidence of a value that another is about to replace. */
  #retract(old: unknown, value: unknown, ...pointers: readonly string[]): void {
    if (old === undefined || JSON.stringify(old) === JSON.stringify(value)) return;
    for (let i = this.#evidence.length - 1; i >= 0; i--)
      if (pointers.includes((this.#evidence[i] as { pointer: string }).pointer)) this.#evidence.splice(i, 1);
  }

  #prove(pointer: string, at: readonly Span[], reading: Reading): this {
    this.#evidence.push({ pointer, at, reading });
    return this;
  }
}
