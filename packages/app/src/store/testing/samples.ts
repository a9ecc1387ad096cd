/** Samples as an analysis would report them. */
import { createHash } from "node:crypto";
import { indicatorsOf } from "@assay/core/indicators/index";
import { type Endpoint, FindingBuilder, Ledger, type Sample } from "@assay/core/model/index";

const TEXT = { as: "latin1" as const };

export function sha256Of(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

export interface Made {
  readonly family?: string;
  /** `host`, `host:port` (tcp) or an https URL; each a C2. */
  readonly c2?: readonly string[];
  readonly mutex?: readonly string[];
  readonly campaign?: string;
  readonly version?: string;
  readonly other?: Readonly<Record<string, unknown>>;
}

/** A sample called `name` with one finding; its hashes follow from its name. */
export function made(name: string, what: Made = {}): Sample {
  const family = what.family ?? "win.test";
  const b = new FindingBuilder({ id: family, name: family, aliases: [], category: ["rat"] }, "L1", 0);
  for (const c2 of what.c2 ?? []) b.endpoint(endpoint(c2), [], TEXT);
  for (const mutex of what.mutex ?? []) b.text("mutex", { value: mutex, at: [] }, TEXT);
  if (what.campaign !== undefined) b.text("campaign_id", { value: what.campaign, at: [] }, TEXT);
  if (what.version !== undefined) b.version({ value: what.version, at: [] }, TEXT);
  for (const [key, value] of Object.entries(what.other ?? {})) b.other(key, { value, at: [] }, TEXT);
  const finding = b.build("proved", new Ledger(new Uint8Array(0)));
  return {
    ...empty(name),
    outcome: "config",
    families: [family],
    findings: [finding],
    indicators: indicatorsOf(finding, {}),
  };
}

/** A sample in which nothing was found. */
export function empty(name: string): Sample {
  const hash = (algorithm: string) => createHash(algorithm).update(name).digest("hex");
  const sha256 = sha256Of(name);
  return {
    ...{ sha256, sha1: hash("sha1"), md5: hash("md5"), size: name.length, names: [name], format: "pe32" },
    ...{
      outcome: "unknown",
      families: [],
      findings: [],
      indicators: [],
      reasons: [],
      rules: [],
      elapsedMs: 1,
    },
    artifacts: [{ id: 0, kind: "sample", sha256, size: name.length, format: "pe32" }],
  };
}

/** An archive that holds these samples. */
export function archive(name: string, members: readonly Sample[]): Sample {
  const outer = empty(name);
  const all = members.map((member, i) => ({ member, subject: i + 1 }));
  return {
    ...outer,
    format: "zip",
    outcome: "config",
    families: [...new Set(members.flatMap(({ families }) => families))],
    findings: all.flatMap(({ member, subject }) =>
      member.findings.map((finding) => ({ ...finding, artifact: subject, subject })),
    ),
    indicators: all.flatMap(({ member, subject }) => member.indicators.map((one) => ({ ...one, subject }))),
    artifacts: [
      ...outer.artifacts,
      ...all.map(({ member, subject }) => ({
        ...{ id: subject, kind: "member", name: member.names[0] ?? "", by: "unzip" },
        from: [{ artifact: 0, offset: 0, length: 1 }],
        ...{ sha256: member.sha256 ?? "", size: member.size ?? 0, format: member.format },
      })),
    ],
  };
}

function endpoint(text: string): Endpoint {
  const url = /^(https?):\/\/([^/:]+)(\/.*)?$/.exec(text);
  if (url !== null)
    return {
      scheme: url[1] as "http",
      host: url[2] as string,
      ...(url[3] === undefined ? {} : { path: url[3] }),
      usage: "c2",
    };
  const [host, port] = text.split(":");
  return port === undefined
    ? { scheme: "https", host: host as string, usage: "c2" }
    : { scheme: "tcp", host: host as string, port: Number(port), usage: "c2" };
}
