/** Reports for the tests of the forms. */
import { defangIndicator, indicatorsOf } from "../indicators/index.ts";
import {
  type Config,
  type Finding,
  type Indicator,
  REPORT_SCHEMA,
  type Relation,
  type Report,
  type Sample,
} from "../model/index.ts";

/** What a sample may hold to break whoever writes it down without care. */
export const HOSTILE: readonly string[] = [
  `quotes " ' \` and back\\slash`,
  "line\nbreak\r\nand\ttab\rend",
  "nul\0 and bell\x07 and escape\x1b[31m",
  "bidi \u202egnp.exe\u202c \u2066isolate\u2069 zero\u200bwidth",
  `=cmd|' /C calc'!A0`,
  `+1+1";=HYPERLINK("http://x")`,
  "@SUM(1,2)",
  "-2+3,comma",
  "'apostrophe",
  "<script>alert(1)</script><!--]]>&amp;",
  `"; sid:1; rev:1; content:"|41|`,
  `x"} $evil = "y`,
  "*?wild\\*card\\",
  "key: [yaml, {a: b}] # comment --- ...",
  "| pipe | table |",
  "' OR file:name LIKE '%'] AND [",
  "../../etc/passwd",
  "%APPDATA%\\a\\b.exe",
  "\u{1f600} \u00e9 \ufffe \u0085 \u2028 \x7f",
  "__proto__",
  "",
  " ",
];

export function hash(n: number): string {
  return n.toString(16).padStart(64, "0");
}

export function finding(config: Config, more: Partial<Finding> = {}): Finding {
  const c2 = (config.tcp ?? []).map(
    (entry) => `tcp://${entry.server_ip ?? entry.server_domain}:${entry.server_port}`,
  );
  return {
    family: config.family,
    aliases: ["Some Stealer", "SS"],
    layout: "L1",
    confidence: "structural",
    artifact: 0,
    subject: 0,
    c2,
    config,
    evidence: c2.map((_, index) => ({
      pointer: `/c2/${index}`,
      at: [{ artifact: 0, offset: 16 * index, length: 16 }],
      as: "latin1",
      steps: ["resource SETTINGS"],
    })),
    reasons: [],
    rules: [],
    ...more,
  };
}

export function sample(n: number, findings: readonly Finding[], more: Partial<Sample> = {}): Sample {
  return {
    sha256: hash(n),
    sha1: hash(n).slice(24),
    md5: hash(n).slice(32),
    size: 1000 + n,
    names: [`/home/somebody/case/sample-${n}.exe`],
    format: "PE32 exe",
    outcome: "config",
    families: [...new Set(findings.map((one) => one.family))],
    findings: [...findings],
    indicators: findings.flatMap((one) => indicatorsOf(one, {})),
    artifacts: [{ id: 0, kind: "sample", sha256: hash(n), size: 1000 + n, format: "PE32 exe" }],
    reasons: [],
    rules: [],
    elapsedMs: 1,
    ...more,
  };
}

export function reportOf(samples: readonly Sample[], relations: readonly Relation[] = []): Report {
  return {
    schema: REPORT_SCHEMA,
    engine: { name: "assay", version: "0.1.0", families: ["win.some"] },
    startedAt: "2026-03-01T12:00:00.000Z",
    elapsedMs: 5,
    samples: [...samples],
    relations: [...relations],
    clusters: [],
  };
}

/** One indicator by hand, for what no honest config gives. */
export function indicator(type: Indicator["type"], value: string, more: Partial<Indicator> = {}): Indicator {
  return {
    type,
    value,
    usage: "c2",
    family: "win.some",
    blockable: true,
    linkable: true,
    subject: 0,
    defanged: defangIndicator(type, value),
    at: [],
    ...more,
  };
}

/** Three files of two families with a dead drop, a CDN address, a private one and a decoy; two share their C2. */
export function ordinaryReport(): Report {
  const some = finding({
    family: "win.some",
    version: "1.2",
    category: ["infostealer", "rat"],
    tcp: [
      { server_ip: "77.105.132.70", server_port: 4782, usage: "c2" },
      { server_domain: "c2.bad-example.ru", server_port: 443, usage: "c2" },
      { server_ip: "192.168.1.7", server_port: 80, usage: "c2" },
    ],
    http: [
      { uri: "http://128.140.69.37:80/gate.php?a=1#x", usage: "c2" },
      { uri: "https://steamcommunity.com/profiles/76561199588685141", usage: "dead_drop_resolver" },
      { uri: "https://decoy.bad-example.com/x", usage: "decoy" },
    ],
    mutex: ["Global\\QSR_MUTEX_77"],
    campaign_id: ["spring"],
    password: ["hunter2hunter2", "second-password"],
    paths: [{ path: "%APPDATA%\\SubDir\\Cl'ient.exe", usage: "install" }],
    registry: [
      { key: "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Run\\My Client", usage: "persistence" },
      { key: "HKLM\\Software\\Rmc-5P0XQ1" },
    ],
    encryption: [{ algorithm: "rc4", key: "00ff", usage: "config" }],
    other: { certificate_sha256: hash(77), user_agent: "Mozilla/5.0 (X)" },
  });
  const other = finding(
    {
      family: "win.other",
      tcp: [
        { server_ip: "77.105.132.70", server_port: 4782, usage: "c2" },
        { server_ip: "104.21.32.12", server_port: 443, usage: "c2" },
        { server_ip: "2a01:4f8::1", server_port: 8080, usage: "c2" },
      ],
      mutex: ["Global\\QSR_MUTEX_77"],
    },
    { confidence: "proved", aliases: ["Other Loader"] },
  );
  const weak = finding(
    { family: "win.some", tcp: [{ server_domain: "weak.bad-example.org", server_port: 80, usage: "c2" }] },
    { confidence: "heuristic", subject: 1 },
  );
  const samples = [
    sample(1, [some]),
    sample(2, [other]),
    sample(3, [weak], {
      names: ["/cases/archive.zip"],
      artifacts: [
        { id: 0, kind: "sample", sha256: hash(3), size: 9, format: "zip" },
        {
          id: 1,
          kind: "member",
          name: "inner.exe",
          sha256: hash(31),
          size: 7,
          format: "PE32 exe",
          from: [{ artifact: 0, offset: 0, length: 9 }],
        },
      ],
    }),
    sample(4, [], { outcome: "failed", sha256: null, sha1: null, md5: null, size: null, families: [] }),
  ];
  const relations: Relation[] = [
    {
      from: `sha256:${hash(1)}`,
      to: "ipv4:77.105.132.70",
      kind: "has-indicator",
      weight: 0.5,
      why: "in its config",
    },
    {
      from: `sha256:${hash(2)}`,
      to: "ipv4:77.105.132.70",
      kind: "has-indicator",
      weight: 0.5,
      why: "in its config",
    },
  ];
  return {
    ...reportOf(samples, relations),
    clusters: [
      {
        id: "cluster-1a2b",
        samples: [hash(1), hash(2)],
        families: ["win.other", "win.some"],
        shared: ["ipv4:77.105.132.70", "mutex:Global\\QSR_MUTEX_77"],
      },
    ],
  };
}

/** Every field that a sample fills, filled with the same hostile text. */
export function hostileReport(text: string): Report {
  const config: Config = {
    family: "win.some",
    version: text,
    campaign_id: [text],
    identifier: [text],
    decoded_strings: [text],
    password: [text, `${text}2`],
    mutex: [text],
    pipe: [text],
    inject_exe: [text],
    capability_enabled: [text],
    attack: [text],
    http: [
      {
        uri: text,
        hostname: text,
        path: text,
        user_agent: text,
        method: text,
        headers: { [text]: text },
        usage: "c2",
      },
      { uri: `http://www.bad-example.ru/${text.replaceAll(/\s/g, "")}`, usage: "c2" },
    ],
    tcp: [
      { server_ip: text, server_port: 1, usage: "c2" },
      { server_domain: text, server_port: 2, usage: "c2" },
      { server_domain: "www.bad-example.ru", server_port: 443, usage: "c2" },
    ],
    encryption: [{ algorithm: text, key: text, public_key: text }],
    paths: [{ path: text }, { path: `C:\\${text}` }],
    registry: [{ key: text }, { key: `HKCU\\Software\\${text}` }],
    other: {
      [text]: text,
      certificate_sha256: text,
      license: text,
      dead_drop_tag: text,
      nested: { [text]: [text] },
    },
  };
  const hostile = finding(config, {
    c2: [text, `https://${text}`],
    layout: text,
    version: text,
    aliases: [text, `a ${text}`],
    evidence: [{ pointer: `/config/${text}`, at: [], as: "utf8", steps: [text] }],
    reasons: [{ stage: text, code: text, text }],
    rules: [text],
  });
  const types = [
    "domain",
    "ipv4",
    "ipv6",
    "url",
    "socket",
    "mutex",
    "file",
    "registry",
    "certificate",
    "token",
    "licence",
    "campaign_id",
    "identifier",
    "password",
    "user_agent",
  ] as const;
  const one = sample(1, [hostile], {
    ...{ names: [text, `/x/${text}`], rules: [text], format: text },
    sandbox: {
      ...{ name: text, task: text, artefacts: 1, families: [text] },
      configs: [{ family: text, values: [{ name: text, value: text }] }],
      differences: [
        { in: "sandbox", value: text, theirs: "/configs/0/values/0" },
        { in: "both", value: text, theirs: text },
        { in: "assay", value: text, ours: `/findings/0/config/${text}` },
      ],
    },
  });
  return {
    ...reportOf(
      [{ ...one, indicators: [...one.indicators, ...types.map((type) => indicator(type, text))] }],
      [
        { from: `mutex:${text}`, to: `sha256:${hash(1)}`, kind: "shares", weight: 1, why: text },
        { from: `domain:${text}`, to: `domain:${text}`, kind: "near-duplicate", weight: 1, why: text },
        { from: text, to: text, kind: "shares", weight: 1, why: text },
      ],
    ),
    engine: { name: "assay", version: text, families: [text] },
    clusters: [
      {
        id: text,
        samples: [hash(1), text],
        families: [text],
        shared: [`mutex:${text}`, `file:${text}`, text],
      },
    ],
  };
}
