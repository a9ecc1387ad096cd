/** Suricata rules (6 and later) for what may be blocked: DNS queries, TLS server names, HTTP hosts, addresses with ports. */
import { utf8Bytes } from "../bytes/index.ts";
import { sha256 } from "../codecs/index.ts";
import { hostText, normaliseUrl } from "../indicators/index.ts";
import { tlpLabel } from "./form.ts";
import type { Gathered } from "./gather.ts";
import type { Gleaned, Listed } from "./listed.ts";
import { blockingOf } from "./policy.ts";
import { hostOf } from "./user-list.ts";

/**
 * Our rules' sids: 1,000,000,000 to 1,999,999,999, far from the ranges of the known publishers and within 31 bits. A
 * rule's sid is a digest of what it matches, so that the same rule has the same sid in every export.
 */
export const SID_FIRST = 1_000_000_000;
export const SID_COUNT = 1_000_000_000;
/** To be raised when what a rule of the same sid says changes. */
const REVISION = 1;

interface Rule {
  /** What it matches: the sid is made from this. */
  readonly key: string;
  readonly head: string;
  readonly what: string;
  readonly match: string;
}

export function toSuricata({ gathered, ties, options }: Gleaned): Listed {
  const { block, omissions, notes } = blockingOf(gathered, ties.relations, options);
  const blocked = new Set(
    block.filter((one) => one.type !== "url" && one.type !== "socket").map((one) => one.value),
  );
  const withPort = new Set(
    block.filter((one) => one.type === "socket").map((one) => hostOf("socket", one.value)?.value ?? ""),
  );
  const head = [
    "# Rules from malware configs, by assay",
    `# sids ${SID_FIRST} to ${SID_FIRST + SID_COUNT - 1}`,
  ];
  if (options.tlp !== undefined) head.push(`# ${tlpLabel(options.tlp)}`);
  const chunks = function* () {
    for (const line of head) yield `${line}\n`;
    const sids = new Set<number>();
    for (const indicator of block) {
      const rules = rulesOf(indicator, blocked, withPort);
      if (typeof rules === "string") omissions.add(indicator.value, rules);
      else for (const rule of rules) yield `${lineOf(rule, indicator, sids)}\n`;
    }
  };
  return { chunks: chunks(), leftOut: omissions.list, notes };
}

/** A text is the reason why there is none. Empty: another indicator's rule sees it already. */
function rulesOf(
  { type, value }: Gathered,
  blocked: ReadonlySet<string>,
  withPort: ReadonlySet<string>,
): readonly Rule[] | string {
  switch (type) {
    case "domain":
      return domainRules(value);
    case "ipv4":
    case "ipv6": {
      if (withPort.has(value)) return [];
      const address = type === "ipv6" ? `[${value}]` : value;
      return [
        {
          key: `ip ${value}`,
          head: `ip $HOME_NET any -> ${address} any`,
          what: "address",
          match: "threshold:type limit, track by_src, seconds 3600, count 1;",
        },
      ];
    }
    case "socket":
      return socketRules(value, blocked);
    default:
      return urlRules(value, blocked);
  }
}

/** The name and everything under it. Suricata's own lower-case buffers want no `nocase`. */
function domainRules(name: string): Rule[] {
  const dotted = `dotprefix; content:"${contentOf(`.${name}`)}"; `;
  return [
    {
      key: `dns ${name}`,
      head: "dns $HOME_NET any -> any any",
      what: "DNS query",
      match: `dns.query; ${dotted}nocase; endswith;`,
    },
    {
      key: `tls ${name}`,
      head: "tls $HOME_NET any -> any any",
      what: "TLS server name",
      match: `flow:established,to_server; tls.sni; ${dotted}nocase; endswith;`,
    },
    {
      key: `http ${name}`,
      head: "http $HOME_NET any -> any any",
      what: "HTTP host",
      match: `flow:established,to_server; http.host; ${dotted}endswith;`,
    },
  ];
}

function socketRules(value: string, blocked: ReadonlySet<string>): readonly Rule[] | string {
  const host = hostOf("socket", value);
  const port = value.slice(value.lastIndexOf(":") + 1);
  if (host === undefined) return "no address in normal form";
  if (host.type === "domain")
    return blocked.has(host.value)
      ? []
      : "a port of a name: its address is not known, and its name serves others";
  return [
    {
      key: `tcp ${value}`,
      head: `tcp $HOME_NET any -> ${hostText(host)} ${port}`,
      what: "address and port",
      match: "flow:to_server; flags:S,CE; threshold:type limit, track by_src, seconds 3600, count 1;",
    },
  ];
}

/** The host's own rules see a URL too. Where the host must not be blocked, only clear HTTP shows the path. */
function urlRules(value: string, blocked: ReadonlySet<string>): readonly Rule[] | string {
  const url = normaliseUrl(value);
  if (url === undefined) return "no URL";
  if (blocked.has(url.host.value)) return [];
  if (url.scheme !== "http") return "its host serves others, and TLS hides the path";
  const path = url.rest.replace(/#.*$/, "") || "/";
  return [
    {
      key: `url ${value}`,
      head: "http $HOME_NET any -> any any",
      what: "URL",
      match:
        `flow:established,to_server; http.host; content:"${contentOf(url.host.value)}"; startswith; endswith; ` +
        `http.uri.raw; content:"${contentOf(path.startsWith("/") ? path : `/${path}`)}"; startswith;`,
    },
  ];
}

/** A content's text: all but plain characters as hex between bars, so that nothing ends it early. */
export function contentOf(text: string): string {
  let out = "";
  let open = false;
  for (const byte of utf8Bytes(text)) {
    const plain = /[A-Za-z0-9._~/=&?%+,@-]/.test(String.fromCharCode(byte)) && byte < 0x80;
    if (plain === open) out += "|";
    else if (open) out += " ";
    open = !plain;
    out += plain ? String.fromCharCode(byte) : byte.toString(16).padStart(2, "0").toUpperCase();
  }
  return open ? `${out}|` : out;
}

/** What a message may hold: a family's name comes from the report. */
function plain(text: string): string {
  return text
    .replace(/[^A-Za-z0-9._+-]+/g, " ")
    .trim()
    .slice(0, 80);
}

function lineOf(
  { key, head, what, match }: Rule,
  { families, usage, confidence }: Gathered,
  sids: Set<number>,
): string {
  const sid = sidOf(key, sids);
  const names = families.map(plain).join(" ");
  const metadata = `assay_confidence ${confidence}, assay_usage ${usage}`;
  return `alert ${head} (msg:"assay ${names} ${what}"; ${match} classtype:trojan-activity; sid:${sid}; rev:${REVISION}; metadata:${metadata};)`;
}

/** Two rules of one export never share a sid: the later takes the next free one. */
function sidOf(key: string, taken: Set<number>): number {
  const digest = sha256(utf8Bytes(key));
  let offset = new DataView(digest.buffer, digest.byteOffset).getUint32(0) % SID_COUNT;
  while (taken.has(SID_FIRST + offset)) offset = (offset + 1) % SID_COUNT;
  taken.add(SID_FIRST + offset);
  return SID_FIRST + offset;
}
