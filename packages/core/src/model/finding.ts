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

const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/;

/** `scheme://host[:port][/path]`, IPv6 hosts in brackets. */
export function endpointUrl(e: Pick<Endpoint, "scheme" | "host" | "port" | "path">): string {
  const host = e.host.includes(":") && !e.host.startsWith("[") ? `[${e.host}]` : e.host;
  return `${e.scheme}://${host}${e.port === undefined ? "" : `:${e.port}`}${e.path ?? ""}`;
}

export class FindingBuilder {
  readonly #family: FamilyIdentity;
  readonly #layout: string;
  readonly #artifact: ArtifactId;
  readonly #config: Config;
  readonly #c2: string[] = [];
  readonly #evidence: { pointer: string; at: readonly Span[]; reading: Reading }[] = [];
  readonly #reasons: Reason[] = [];

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
      const known = this.#c2.indexOf(url);
      if (known >= 0) return this.#prove(`/c2/${known}`, at, reading);
      this.#c2.push(url);
      this.#prove(`/c2/${this.#c2.length - 1}`, at, reading);
    }
    if (e.scheme === "http" || e.scheme === "https") {
      const [path, query] = (e.path ?? "").split("?", 2) as [string, string | undefined];
      const entry: Http = { uri: url, protocol: e.scheme, hostname: e.host, usage: e.usage };
      if (e.port !== undefined) entry.port = e.port;
      if (path !== "") entry.path = path;
      if (query !== undefined) entry.query = query;
      if (e.userAgent !== undefined) entry.user_agent = e.userAgent;
      return this.#append("http", entry, at, reading);
    }
    const entry: Connection = { usage: e.usage };
    if (IPV4.test(e.host) || e.host.includes(":")) entry.server_ip = e.host;
    else entry.server_domain = e.host;
    if (e.port !== undefined) entry.server_port = e.port;
    return this.#append(e.scheme, entry, at, reading);
  }

  version(value: Found<string>, reading: Reading): this {
    this.#config.version = value.value;
    this.#prove("/config/version", value.at, reading);
    return this.#prove("/version", value.at, reading);
  }

  /** A value of a list of texts; repeats add evidence only. Empty texts are left out. */
  text(field: TextField, value: Found<string>, reading: Reading): this {
    if (value.value === "") return this;
    const list = (this.#config[field] ??= []);
    let index = list.indexOf(value.value);
    if (index < 0) index = list.push(value.value) - 1;
    return this.#prove(`/config/${field}/${index}`, value.at, reading);
  }

  /** Milliseconds, as MACO wants them. */
  sleepDelay(value: Found<number>, reading: Reading): this {
    this.#config.sleep_delay = value.value;
    return this.#prove("/config/sleep_delay", value.at, reading);
  }

  /** What MACO has no place for. `name` is from the family's own table, never from the sample. */
  other(name: string, value: Found<unknown>, reading: Reading): this {
    const other = (this.#config.other ??= {});
    other[name] = value.value;
    return this.#prove(`/config/other/${name}`, value.at, reading);
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
    const list = (this.#config[field] ??= []) as unknown[];
    const key = JSON.stringify(entry);
    let index = list.findIndex((old) => JSON.stringify(old) === key);
    if (index < 0) index = list.push(entry) - 1;
    return this.#prove(`/config/${field}/${index}`, at, reading);
  }

  #prove(pointer: string, at: readonly Span[], reading: Reading): this {
    this.#evidence.push({ pointer, at, reading });
    return this;
  }
}
