/**
 * The vocabulary of configs: the field names and meanings of MACO (CybercentreCanada/Maco, maco/model/model.py),
 * cut to what configs of our families hold. What MACO has no place for goes to `other`, under the family's own name.
 */
import Type, { type Static } from "typebox";

export const ConnUsage = Type.Union(
  [
    Type.Literal("c2"),
    Type.Literal("upload"),
    Type.Literal("dead_drop_resolver"),
    Type.Literal("download"),
    Type.Literal("propagate"),
    Type.Literal("tunnel"),
    Type.Literal("ransom"),
    Type.Literal("decoy"),
    Type.Literal("other"),
  ],
  { description: "Purpose of a connection (MACO ConnUsageEnum)" },
);
export type ConnUsage = Static<typeof ConnUsage>;
export const CONN_USAGES: readonly ConnUsage[] = ConnUsage.anyOf.map((one) => one.const);

const strings = () => Type.Optional(Type.Array(Type.String()));
const string = () => Type.Optional(Type.String());
const integer = () => Type.Optional(Type.Integer());

export const Http = Type.Object(
  {
    uri: string(),
    protocol: string(),
    username: string(),
    password: string(),
    hostname: string(),
    port: integer(),
    path: string(),
    query: string(),
    fragment: string(),
    user_agent: string(),
    method: string(),
    headers: Type.Optional(Type.Record(Type.String(), Type.String())),
    max_size: integer(),
    usage: Type.Optional(ConnUsage),
  },
  { additionalProperties: false },
);
export type Http = Static<typeof Http>;

export const Connection = Type.Object(
  {
    client_ip: string(),
    client_port: integer(),
    server_ip: string(),
    server_domain: string(),
    server_port: integer(),
    usage: Type.Optional(ConnUsage),
  },
  { additionalProperties: false },
);
export type Connection = Static<typeof Connection>;

export const Encryption = Type.Object(
  {
    algorithm: string(),
    public_key: string(),
    key: string(),
    provider: string(),
    mode: string(),
    iv: string(),
    seed: string(),
    nonce: string(),
    password: string(),
    salt: string(),
    constants: strings(),
    usage: Type.Optional(
      Type.Union([
        Type.Literal("config"),
        Type.Literal("communication"),
        Type.Literal("binary"),
        Type.Literal("ransom"),
        Type.Literal("other"),
      ]),
    ),
  },
  { additionalProperties: false },
);
export type Encryption = Static<typeof Encryption>;

export const Path = Type.Object(
  {
    path: Type.String(),
    usage: Type.Optional(
      Type.Union([
        Type.Literal("c2"),
        Type.Literal("config"),
        Type.Literal("install"),
        Type.Literal("plugins"),
        Type.Literal("logs"),
        Type.Literal("storage"),
        Type.Literal("other"),
      ]),
    ),
  },
  { additionalProperties: false },
);
export type Path = Static<typeof Path>;

export const Registry = Type.Object(
  {
    key: Type.String(),
    usage: Type.Optional(
      Type.Union([
        Type.Literal("persistence"),
        Type.Literal("store_data"),
        Type.Literal("store_payload"),
        Type.Literal("read"),
        Type.Literal("other"),
      ]),
    ),
  },
  { additionalProperties: false },
);
export type Registry = Static<typeof Registry>;

export const Category = Type.Union([
  Type.Literal("backdoor"),
  Type.Literal("bot"),
  Type.Literal("downloader"),
  Type.Literal("infostealer"),
  Type.Literal("keylogger"),
  Type.Literal("loader"),
  Type.Literal("ransomware"),
  Type.Literal("rat"),
]);
export type Category = Static<typeof Category>;

/** A config as the malware holds it, under MACO's names. Binary values are lower-case hex unless their name says otherwise. */
export const Config = Type.Object(
  {
    family: Type.String(),
    version: string(),
    category: Type.Optional(Type.Array(Category)),
    attack: strings(),
    capability_enabled: strings(),
    capability_disabled: strings(),
    campaign_id: strings(),
    identifier: strings(),
    decoded_strings: strings(),
    password: strings(),
    mutex: strings(),
    pipe: strings(),
    sleep_delay: integer(),
    sleep_delay_jitter: integer(),
    inject_exe: strings(),
    other: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    http: Type.Optional(Type.Array(Http)),
    tcp: Type.Optional(Type.Array(Connection)),
    udp: Type.Optional(Type.Array(Connection)),
    encryption: Type.Optional(Type.Array(Encryption)),
    paths: Type.Optional(Type.Array(Path)),
    registry: Type.Optional(Type.Array(Registry)),
  },
  { additionalProperties: false, description: "MACO-shaped config" },
);
export type Config = Static<typeof Config>;
