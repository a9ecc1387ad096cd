/**
 * Programs with Quasar's settings class and cipher class, as its builder leaves them: fields in the order of
 * Settings.cs at each tag, ciphertexts over the literals, 20 random characters for every name.
 */
import { createHash } from "node:crypto";
import { utf8Bytes } from "@assay/core/bytes/index";
import type { Carrier } from "./carrier.ts";
import {
  buildAssembly,
  byteArray,
  type Cil,
  type FieldSpec,
  type MethodSpec,
  type TypeSpec,
} from "./dotnet-writer.ts";
import { buildPe } from "./pe-writer.ts";
import { QUASAR_SALT, type SealOptions, sealer, sessionKeys } from "./quasar-seal.ts";

export type QuasarVersion = "xrat-2" | "1.0" | "1.2" | "1.3" | "1.4";

export interface QuasarOptions {
  readonly layout: QuasarVersion;
  readonly version?: string;
  /** `host:port;host:port;`; for xRAT 2 the one host. */
  readonly hosts: string;
  readonly port?: number;
  readonly password?: string;
  readonly subDirectory?: string;
  readonly installName?: string;
  readonly mutex?: string;
  readonly startupKey?: string;
  readonly tag?: string;
  readonly logDirectory?: string;
  readonly reconnectDelay?: number;
  /** System.Environment.SpecialFolder. */
  readonly folder?: number;
  /** Switches that are on; all others are off. */
  readonly on?: readonly string[];
  /** Random without: the thumbprint of the certificate (1.4), or 20 letters. */
  readonly encryptionKey?: string;
  /** DER, base64. */
  readonly certificate?: string;
  /** Salt, iterations, key size and mode of a fork. */
  readonly seal?: Partial<SealOptions>;
  /** A salt written as text in the code, not as a byte array. */
  readonly saltText?: string;
  /** Takes the shorter constructor of Rfc2898DeriveBytes, whose count is 1000. */
  readonly defaultCount?: boolean;
  /** Decrypts where the values are stored, in the static constructor itself. */
  readonly inline?: boolean;
  /** Where the key stands when the settings class does not hold it. */
  readonly keyAt?: "literal" | "another class";
  /** The salt is made where no constant shows it, and another secret's derivation stands beside. */
  readonly hiddenSalt?: boolean;
  /** Keeps Quasar's own names. */
  readonly named?: boolean;
  /** Further strings, encrypted, ahead of TAG: a fork's own fields. */
  readonly extra?: Readonly<Record<string, string>>;
}

/** A self-signed certificate of this repository, CN "Quasar Server CA" as Quasar's server makes them. */
export const QUASAR_CERTIFICATE =
  "MIIDGTCCAgGgAwIBAgIUWTx3ZFdK8uB5KpZPZ7+Z2c11MuAwDQYJKoZIhvcNAQELBQAwGzEZMBcGA1UEAwwQUXVhc2FyIFNlcnZlciBDQTAgFw0yNjExMjMwOTQxNTFaGA8yMTI2MTAzMDA5NDE1MVowGzEZMBcGA1UEAwwQUXVhc2FyIFNlcnZlciBDQTCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBAL3R5yShxLO5C6rmwxLjLeuz6gAlTR31cmzBWR8yMrVFoQ8BbP5KU9qX6Pw3F1TCnmshs4aEMHLwS18W804x3dPpkz+Arf/CUqW+CDeg9/NRTeOgcDbU9FcF+Nov7zbPq6R075DjbJ5k757xWOUXhBCANKyvIl0DxpCkSVX1UQghghCxXqMDN0WrkPy7eDcLmSw1qSjy/7l951L46liXAhbwNJcuDBlR9S6Inc2I3QBS9r7OrLTrSFr43ry5KwyLRJg79dsmm483be+NOa23iRJtV9eMsj8+nFDPFToXRmLFYNChSbjJBobPz78Yt78FJR3dS23wX+ak0Fa13bEIducCAwEAAaNTMFEwHQYDVR0OBBYEFDbmA4+uq/UMFn4lSm9uiU/2ACS/MB8GA1UdIwQYMBaAFDbmA4+uq/UMFn4lSm9uiU/2ACS/MA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADggEBAH1pIWOlG6soAIKDx6YiHph50iwMZ6GLfNh1WjKDIxBx1KI2cMXNxB3VSwaKEa1LvOcrWCyej2NBuZWP3OSKEfCs0tKKu+bcwst/KEmAc2aTyemwplyJ0cJ90M201ssiz2Bt6nXH/YcgpQ5cQXHg6CNBe6hHU7mAJ0ZpknA8OPDwuqk4kQ3h8wJcjuP2pxAEDFcFuNSWm0fJ1/O7VzpGLv07pSIf2Bpj8Ujy/wi7O0aqsF3K2HnbOC0XfLmJr7/acC20XmtACkXHsOevEu0+ZIsxhdpm+rrXGAETHDsrZ10H3i/XNZ2bMPQfxNGPuI0J9c8efc/MANS4SVUNhc+1FqQ=";

const FOLDER_TYPE = "valuetype [mscorlib]System.Environment/SpecialFolder";
const ALL_BOOLS = {
  "xrat-2": "INSTALL STARTUP HIDEFILE ENABLEUACESCALATION ENABLELOGGER",
  "1.0": "INSTALL STARTUP HIDEFILE ENABLELOGGER",
  "1.2": "INSTALL STARTUP HIDEFILE ENABLELOGGER HIDELOGDIRECTORY",
  "1.3": "INSTALL STARTUP HIDEFILE ENABLELOGGER HIDELOGDIRECTORY HIDEINSTALLSUBDIRECTORY",
  "1.4": "INSTALL STARTUP HIDEFILE ENABLELOGGER HIDELOGDIRECTORY HIDEINSTALLSUBDIRECTORY UNATTENDEDMODE",
} as const;

/** The order of Settings.cs: `S` sealed, `P` plain, `B` switch, `I` number; `F` the folder and what comes of it. */
const ORDER: Readonly<Record<QuasarVersion, string>> = {
  "xrat-2":
    "S:VERSION S:HOST I:PORT I:RECONNECTDELAY S:PASSWORD D:DIR S:SUBFOLDER S:INSTALLNAME B:INSTALL B:STARTUP S:MUTEX S:STARTUPKEY B:HIDEFILE B:ENABLEUACESCALATION B:ENABLELOGGER P:ENCRYPTIONKEY",
  "1.0":
    "S:VERSION S:HOSTS I:RECONNECTDELAY S:PASSWORD D:DIR S:SUBFOLDER S:INSTALLNAME B:INSTALL B:STARTUP S:MUTEX S:STARTUPKEY B:HIDEFILE B:ENABLELOGGER P:ENCRYPTIONKEY S:TAG",
  "1.2":
    "S:VERSION S:HOSTS I:RECONNECTDELAY S:PASSWORD F:DIR S:SUBFOLDER S:INSTALLNAME B:INSTALL B:STARTUP S:MUTEX S:STARTUPKEY B:HIDEFILE B:ENABLELOGGER P:ENCRYPTIONKEY S:TAG S:LOGDIRECTORYNAME B:HIDELOGDIRECTORY",
  "1.3":
    "S:VERSION S:HOSTS I:RECONNECTDELAY P:KEY P:AUTHKEY F:DIRECTORY S:SUBDIRECTORY S:INSTALLNAME B:INSTALL B:STARTUP S:MUTEX S:STARTUPKEY B:HIDEFILE B:ENABLELOGGER P:ENCRYPTIONKEY S:TAG S:LOGDIRECTORYNAME B:HIDELOGDIRECTORY B:HIDEINSTALLSUBDIRECTORY",
  "1.4":
    "S:VERSION S:HOSTS I:RECONNECTDELAY F:DIRECTORY S:SUBDIRECTORY S:INSTALLNAME B:INSTALL B:STARTUP S:MUTEX S:STARTUPKEY B:HIDEFILE B:ENABLELOGGER P:ENCRYPTIONKEY S:TAG S:LOGDIRECTORYNAME S:SERVERSIGNATURE S:SERVERCERTIFICATESTR B:HIDELOGDIRECTORY B:HIDEINSTALLSUBDIRECTORY P:INSTALLPATH P:LOGSPATH B:UNATTENDEDMODE",
};

const PRODUCT: Readonly<Record<QuasarVersion, string>> = {
  "xrat-2": "2.0.0.0",
  "1.0": "1.0.0.0",
  "1.2": "1.2.0.0",
  "1.3": "1.3.0.0",
  "1.4": "1.4.1",
};

/** Thumbprint as .NET gives it: SHA-1 of the DER, upper-case hex. */
export function thumbprint(certificate: string): string {
  return createHash("sha1").update(Buffer.from(certificate, "base64")).digest("hex").toUpperCase();
}

/** The values that the client's class holds, sealed or not, by field name. */
export function quasarValues(options: QuasarOptions): {
  readonly texts: Readonly<Record<string, string>>;
  readonly sealed: Readonly<Record<string, string>>;
  readonly ints: Readonly<Record<string, number>>;
  readonly bools: Readonly<Record<string, boolean>>;
} {
  const certificate = options.certificate ?? QUASAR_CERTIFICATE;
  const encryptionKey =
    options.encryptionKey ?? (options.layout === "1.4" ? thumbprint(certificate) : "aB3dE6gH9jK2mN5pQ8sT");
  const session = sessionKeys(options.password ?? "1234");
  const texts: Record<string, string> = {
    VERSION: options.version ?? PRODUCT[options.layout],
    HOST: options.hosts,
    HOSTS: options.hosts,
    PASSWORD: options.password ?? "1234",
    KEY: session.key,
    AUTHKEY: session.authKey,
    SUBFOLDER: options.subDirectory ?? "SubDir",
    SUBDIRECTORY: options.subDirectory ?? "SubDir",
    INSTALLNAME: options.installName ?? "Client.exe",
    MUTEX: options.mutex ?? "QSR_MUTEX_0123456789abcdefGH",
    STARTUPKEY: options.startupKey ?? "Quasar Client Startup",
    ENCRYPTIONKEY: encryptionKey,
    TAG: options.tag ?? "Office04",
    LOGDIRECTORYNAME: options.logDirectory ?? "Logs",
    SERVERSIGNATURE: Buffer.from(utf8Bytes("signature ".repeat(25))).toString("base64"),
    SERVERCERTIFICATESTR: certificate,
    INSTALLPATH: "",
    LOGSPATH: "",
    ...options.extra,
  };
  const seal = sealer({
    scheme: options.layout === "1.3" || options.layout === "1.4" ? "hmac" : "md5",
    keySize: options.layout === "1.3" ? 16 : 32,
    ...(options.saltText === undefined ? {} : { salt: utf8Bytes(options.saltText) }),
    ...(options.defaultCount === true ? { iterations: 1000 } : {}),
    ...options.seal,
    password: encryptionKey,
  });
  const sealed: Record<string, string> = {};
  for (const [kind, name] of entries(options)) if (kind === "S") sealed[name] = seal(texts[name] ?? "");
  const on = new Set(options.on ?? ["INSTALL", "STARTUP"]);
  return {
    texts,
    sealed,
    ints: { PORT: options.port ?? 4782, RECONNECTDELAY: options.reconnectDelay ?? 3000 },
    bools: Object.fromEntries(ALL_BOOLS[options.layout].split(" ").map((name) => [name, on.has(name)])),
  };
}

/** `[kind, field]` in the class's order, a fork's own fields ahead of TAG. */
function entries(options: QuasarOptions): (readonly [string, string])[] {
  const own = Object.keys(options.extra ?? {}).map((name) => ["S", name] as const);
  return ORDER[options.layout].split(" ").flatMap((entry) => {
    const [kind = "", name = ""] = entry.split(":");
    return name === "TAG" ? [...own, [kind, name] as const] : [[kind, name] as const];
  });
}

/** A client program. */
export function quasarClient(options: QuasarOptions): Uint8Array {
  const name = namer(options.named === true);
  const settings = name("Quasar.Client.Config.Settings");
  const cipher = name("Quasar.Common.Cryptography.Aes256");
  const values = quasarValues(options);
  const fields: FieldSpec[] = [];
  const code: Cil[] = [];
  const store = (field: string, type: string, ...load: Cil[]) => {
    fields.push({ name: name(field), type });
    code.push(...load, ["stsfld", `${settings}::${name(field)}`]);
  };
  const getFolder: Cil = ["call", `string [mscorlib]System.Environment::GetFolderPath(${FOLDER_TYPE})`];
  const folder = options.folder ?? 26;
  for (const [kind, field] of entries(options)) {
    if (field === "ENCRYPTIONKEY" && options.keyAt !== undefined) continue;
    const literal: Cil = ["ldstr", values.sealed[field] ?? ""];
    if (kind === "S" && options.inline === true)
      store(field, "string", literal, ["call", `${cipher}::${name("Decrypt")}`]);
    else if (kind === "S") store(field, "string", literal);
    else if (kind === "P") store(field, "string", ["ldstr", values.texts[field] ?? ""]);
    else if (kind === "I")
      store(field, field === "PORT" ? "uint16" : "int32", ["ldc.i4", values.ints[field] ?? 0]);
    else if (kind === "B") store(field, "bool", ["ldc.i4", values.bools[field] === true ? 1 : 0]);
    else if (kind === "D") store(field, "string", ["ldc.i4", folder], getFolder);
    else {
      store("SPECIALFOLDER", FOLDER_TYPE, ["ldc.i4", folder]);
      store(field, "string", ["ldsfld", `${settings}::${name("SPECIALFOLDER")}`], getFolder);
    }
  }
  const isMacced = options.layout === "1.3" || options.layout === "1.4";
  const secrets = name("Quasar.Client.Helper.Secrets");
  const holder = options.keyAt === "another class" ? secrets : settings;
  const keyField = `${holder}::${name("ENCRYPTIONKEY")}`;
  const key: Cil = ["ldstr", values.texts.ENCRYPTIONKEY ?? ""];
  const initialize: Cil[] = [
    options.keyAt === "literal" ? key : ["ldsfld", keyField],
    ["call", `${cipher}::${name("SetDefaultKey")}`],
  ];
  for (const [kind, field] of entries(options)) {
    if (kind !== "S") continue;
    const target = `${settings}::${name(field)}`;
    initialize.push(["ldsfld", target], ["call", `${cipher}::${name("Decrypt")}`], ["stsfld", target]);
  }
  const types: TypeSpec[] = [
    decoys(name),
    {
      ...typeName(settings),
      fields,
      methods: [
        { name: name("Initialize"), code: [...initialize, ["ret"]] },
        { name: ".cctor", code: [...code, ["ret"]] },
      ],
    },
    cipherClass(cipher, name, options, isMacced),
  ];
  if (holder === secrets)
    types.push({
      ...typeName(secrets),
      fields: [{ name: name("ENCRYPTIONKEY"), type: "string" }],
      methods: [{ name: ".cctor", code: [key, ["stsfld", keyField], ["ret"]] }],
    });
  if (options.hiddenSalt === true) types.push(otherDerivation(name));
  const salt = options.seal?.salt ?? QUASAR_SALT;
  return buildAssembly({
    name: "Client",
    version: [1, 4, 1, 0],
    types,
    ...(isMacced && options.saltText === undefined ? { arrays: { A5F2: salt } } : {}),
  });
}

/** A class with literals of its own, as a client has hundreds of: long base64 that is no setting among them. */
function decoys(name: (original: string) => string): TypeSpec {
  const type = name("Quasar.Client.Helper.Decoys");
  const field = `${type}::${name("ICON")}`;
  return {
    ...typeName(type),
    fields: [{ name: name("ICON"), type: "string" }],
    methods: [
      {
        name: ".cctor",
        code: [
          ["ldstr", Buffer.alloc(180, 0x5a).toString("base64")],
          ["stsfld", field],
          ["ldstr", "ping -n 10 localhost > nul"],
          ["stsfld", field],
          ["ldstr", "echo DONT CLOSE THIS WINDOW!"],
          ["stsfld", field],
          ["ret"],
        ],
      },
    ],
  };
}

const AES = "[System.Core]System.Security.Cryptography.AesCryptoServiceProvider";
const SYMMETRIC = "[mscorlib]System.Security.Cryptography.SymmetricAlgorithm";
const RFC2898 = "[mscorlib]System.Security.Cryptography.Rfc2898DeriveBytes";
const CIPHER_MODE = { cbc: 1, ecb: 2, cfb8: 4, cfb: 4 } as const;

function cipherClass(
  cipher: string,
  name: (original: string) => string,
  options: QuasarOptions,
  isMacced: boolean,
): TypeSpec {
  const keySize = options.layout === "1.3" ? 16 : (options.seal?.keySize ?? 32);
  const [salt, key, authKey] = ["Salt", "_key", "_authKey"].map((field) => `${cipher}::${name(field)}`) as [
    string,
    string,
    string,
  ];
  const derive: Cil[] = isMacced
    ? [
        ["ldarg.0"],
        ["ldsfld", salt],
        ...deriveCode(options),
        ["stloc.0"],
        ["ldloc.0"],
        ["ldc.i4", keySize],
        ["callvirt", "instance uint8[] [mscorlib]System.Security.Cryptography.DeriveBytes::GetBytes(int32)"],
        ["stsfld", key],
        ["ldloc.0"],
        ["ldc.i4", 64],
        ["callvirt", "instance uint8[] [mscorlib]System.Security.Cryptography.DeriveBytes::GetBytes(int32)"],
        ["stsfld", authKey],
        ["ret"],
      ]
    : [
        ["newobj", "instance void [mscorlib]System.Security.Cryptography.MD5CryptoServiceProvider::.ctor()"],
        ["call", "class [mscorlib]System.Text.Encoding [mscorlib]System.Text.Encoding::get_UTF8()"],
        ["ldarg.0"],
        ["callvirt", "instance uint8[] [mscorlib]System.Text.Encoding::GetBytes(string)"],
        [
          "callvirt",
          "instance uint8[] [mscorlib]System.Security.Cryptography.HashAlgorithm::ComputeHash(uint8[])",
        ],
        ["stsfld", key],
        ["ret"],
      ];
  const decrypt: Cil[] = [
    ["newobj", `instance void ${AES}::.ctor()`],
    ["stloc.0"],
    ["ldloc.0"],
    ["ldc.i4", keySize * 8],
    ["callvirt", `instance void ${SYMMETRIC}::set_KeySize(int32)`],
    ["ldloc.0"],
    ["ldc.i4", 128],
    ["callvirt", `instance void ${SYMMETRIC}::set_BlockSize(int32)`],
    ["ldloc.0"],
    ["ldc.i4", CIPHER_MODE[options.seal?.mode ?? "cbc"]],
    [
      "callvirt",
      `instance void ${SYMMETRIC}::set_Mode(valuetype [mscorlib]System.Security.Cryptography.CipherMode)`,
    ],
    ["ldarg.0"],
    ["ret"],
  ];
  const methods: MethodSpec[] = [
    { name: name("SetDefaultKey"), parameters: ["string"], locals: [`class ${RFC2898}`], code: derive },
    {
      name: name("Decrypt"),
      returns: "string",
      parameters: ["string"],
      locals: [`class ${AES}`],
      code: isMacced ? decrypt : [["ldarg.0"], ["ret"]],
    },
  ];
  if (isMacced && options.hiddenSalt !== true)
    methods.push({ name: ".cctor", code: [...saltCode(options), ["stsfld", salt], ["ret"]] });
  return {
    ...typeName(cipher),
    fields: ["_key", "_authKey", "Salt"].map((field) => ({ name: name(field), type: "uint8[]" })),
    methods,
  };
}

/** A class that derives the key of another secret: a browser's, say. */
function otherDerivation(name: (original: string) => string): TypeSpec {
  return {
    ...typeName(name("Quasar.Client.Recovery.Other")),
    methods: [
      {
        name: name("Derive"),
        parameters: ["string"],
        code: [
          ["ldarg.0"],
          ["call", "class [mscorlib]System.Text.Encoding [mscorlib]System.Text.Encoding::get_UTF8()"],
          ["ldstr", "saltysalt"],
          ["callvirt", "instance uint8[] [mscorlib]System.Text.Encoding::GetBytes(string)"],
          ["ldc.i4", 1003],
          ["newobj", `instance void ${RFC2898}::.ctor(string,uint8[],int32)`],
          ["pop"],
          ["ret"],
        ],
      },
    ],
  };
}

function deriveCode(options: QuasarOptions): readonly Cil[] {
  if (options.defaultCount === true) return [["newobj", `instance void ${RFC2898}::.ctor(string,uint8[])`]];
  return [
    ["ldc.i4", options.seal?.iterations ?? 50_000],
    ["newobj", `instance void ${RFC2898}::.ctor(string,uint8[],int32)`],
  ];
}

function saltCode(options: QuasarOptions): readonly Cil[] {
  if (options.saltText === undefined) return byteArray("A5F2", (options.seal?.salt ?? QUASAR_SALT).length);
  return [
    ["call", "class [mscorlib]System.Text.Encoding [mscorlib]System.Text.Encoding::get_ASCII()"],
    ["ldstr", options.saltText],
    ["callvirt", "instance uint8[] [mscorlib]System.Text.Encoding::GetBytes(string)"],
  ];
}

function typeName(full: string): { readonly namespace?: string; readonly name: string } {
  const dot = full.lastIndexOf(".");
  return dot < 0 ? { name: full } : { namespace: full.slice(0, dot), name: full.slice(dot + 1) };
}

/** Names as they are, or 20 CJK characters for each, as Quasar's renamer draws them. */
function namer(keep: boolean): (original: string) => string {
  const given = new Map<string, string>();
  return (original) => {
    if (keep) return original;
    let renamed = given.get(original);
    if (renamed === undefined) {
      const hash = createHash("sha256").update(original).digest();
      renamed = Array.from({ length: 20 }, (_, i) =>
        String.fromCharCode(0x4e00 + ((hash[i] as number) << 5) + (hash[i + 8] as number)),
      ).join("");
      given.set(original, renamed);
    }
    return renamed;
  };
}

export interface Xrat1Options {
  readonly domain: string;
  readonly port: number;
  readonly password?: string;
  readonly campaign?: string;
  readonly installName?: string;
  readonly installDir?: string;
  readonly hkcuKey?: string;
  readonly mutex?: string;
}

/** A native program with the resource of xRAT 1.x. */
export function xrat1Client(options: Xrat1Options): Uint8Array {
  const sections = [
    "xRAT",
    options.domain,
    String(options.port),
    options.password ?? "1234",
    options.campaign ?? "Campaign",
    options.installName ?? "client.exe",
    options.hkcuKey ?? "Windows Update",
    options.installDir ?? "Sub",
    "TRUE",
    "FALSE",
    options.mutex ?? "xRAT-Mutex-1",
  ];
  const hexed = sections.map((text, i) => xorHex(text, i === 3 ? "eY11PWD24K" : "eY11K"));
  const data = Buffer.from(xorHex(hexed.join("|//\\\\|"), "RAT11x"), "latin1");
  return buildPe({
    sections: [
      { name: ".text", data: Uint8Array.of(0xc3) },
      // The keys as the client's literals spell them; its XOR starts at their second character.
      { name: ".rdata", data: Uint8Array.from(Buffer.from("xRAT11\0KeY11\0KeY11PWD24\0", "utf16le")) },
    ],
    resources: [{ type: 10, name: "0", language: 0, data: Uint8Array.from(data) }],
  });
}

function xorHex(text: string, key: string): string {
  const bytes = Buffer.from(text, "latin1").map((byte, i) => byte ^ key.charCodeAt(i % key.length));
  return Buffer.from(bytes).toString("hex");
}

/** A client in clear, as a debug build has it. */
export function quasarPlain(options: Omit<QuasarOptions, "layout">): Uint8Array {
  const values = quasarValues({ ...options, layout: "1.4" });
  const settings = "Quasar.Client.Config.Settings";
  const fields: FieldSpec[] = [];
  const code: Cil[] = [];
  const store = (name: string, type: string, load: Cil) => {
    fields.push({ name, type });
    code.push(load, ["stsfld", `${settings}::${name}`]);
  };
  for (const [kind, name] of entries({ ...options, layout: "1.4" })) {
    if (name === "SERVERSIGNATURE" || name === "SERVERCERTIFICATESTR") store(name, "string", ["ldstr", ""]);
    else if (kind === "S" || kind === "P") store(name, "string", ["ldstr", values.texts[name] ?? ""]);
    else if (kind === "I") store(name, "int32", ["ldc.i4", values.ints[name] ?? 0]);
    else if (kind === "B") store(name, "bool", ["ldc.i4", values.bools[name] === true ? 1 : 0]);
    else store("SPECIALFOLDER", FOLDER_TYPE, ["ldc.i4", options.folder ?? 26]);
  }
  return buildAssembly({
    name: "Client",
    types: [
      {
        namespace: "Quasar.Client.Config",
        name: "Settings",
        fields,
        methods: [{ name: ".cctor", code: [...code, ["ret"]] }],
      },
    ],
  });
}

const C2 = "c2.quasar.example:4782;[2001:db8::77]:8443;203.0.113.9:1604;";
const C2_URLS = [
  "tcp://c2.quasar.example:4782",
  "tcp://[2001:db8::77]:8443",
  "tcp://203.0.113.9:1604",
] as const;

/** At least one program for every layout. */
export function quasarCarriers(): Carrier[] {
  const list: Carrier[] = [];
  const add = (
    name: string,
    layout: string,
    confidence: Carrier["expected"]["confidence"],
    bytes: Uint8Array,
    c2: readonly string[],
    values: Readonly<Record<string, unknown>> = {},
  ) => {
    list.push({ name, family: "win.quasar_rat", layout, bytes, expected: { c2, confidence, values } });
  };
  add(
    "quasar-1.4.exe",
    "1.4",
    "proved",
    quasarClient({ layout: "1.4", hosts: C2, tag: "Spring", on: ["INSTALL", "UNATTENDEDMODE"] }),
    C2_URLS,
    {
      "/version": "1.4.1",
      "/config/campaign_id/0": "Spring",
      "/config/sleep_delay": 3000,
      "/config/capability_enabled": ["install", "unattended_mode"],
      "/config/paths/0/path": "%APPDATA%\\SubDir\\Client.exe",
      "/config/other/certificate_sha1": thumbprint(QUASAR_CERTIFICATE).toLowerCase(),
      "/config/other/certificate_matches_key": true,
    },
  );
  add("quasar-1.3.exe", "1.3", "proved", quasarClient({ layout: "1.3", hosts: C2, folder: 42 }), C2_URLS, {
    "/version": "1.3.0.0",
    "/config/mutex/0": "QSR_MUTEX_0123456789abcdefGH",
    "/config/paths/0/path": "%PROGRAMFILES(X86)%\\SubDir\\Client.exe",
    "/config/other/KEY": "1WvgEMPjdwfqIMeM9MclyQ==",
  });
  add(
    "quasar-1.2.exe",
    "1.2",
    "structural",
    quasarClient({ layout: "1.2", hosts: C2, logDirectory: "Journal" }),
    C2_URLS,
    {
      "/version": "1.2.0.0",
      "/config/paths/1/path": "%APPDATA%\\Journal",
      "/config/password/0": "1234",
    },
  );
  add(
    "quasar-1.0.exe",
    "1.0",
    "structural",
    quasarClient({ layout: "1.0", hosts: C2, tag: "Büro" }),
    C2_URLS,
    {
      "/version": "1.0.0.0",
      "/config/campaign_id/0": "Büro",
    },
  );
  add(
    "xrat-2.exe",
    "xrat-2",
    "structural",
    quasarClient({ layout: "xrat-2", hosts: "old.quasar.example", port: 5552, on: ["ENABLEUACESCALATION"] }),
    ["tcp://old.quasar.example:5552"],
    { "/version": "2.0.0.0", "/config/capability_enabled": ["uac_escalation"] },
  );
  add(
    "xrat-1.exe",
    "xrat-1",
    "structural",
    xrat1Client({ domain: "older.quasar.example", port: 81 }),
    ["tcp://older.quasar.example:81"],
    {
      "/config/campaign_id/0": "Campaign",
      "/config/mutex/0": "xRAT-Mutex-1",
    },
  );
  add(
    "quasar-fork.exe",
    "fork",
    "proved",
    quasarClient({
      layout: "1.4",
      hosts: C2,
      version: "2.7.1",
      saltText: "NotTheUsualSalt",
      seal: { iterations: 12_345, keySize: 24, mode: "cfb8" },
    }),
    C2_URLS,
    { "/version": "2.7.1", "/config/encryption/0/mode": "CFB8", "/config/encryption/0/algorithm": "AES-192" },
  );
  add("quasar-plain.exe", "plain", "heuristic", quasarPlain({ hosts: C2, tag: "DEBUG" }), C2_URLS, {
    "/version": "1.4.1",
    "/config/campaign_id/0": "DEBUG",
  });
  return list;
}
