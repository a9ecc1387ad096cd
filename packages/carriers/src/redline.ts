/**
 * Harmless .NET programs with RedLine's config in each of its layouts. The code around the config is what the
 * malware has there too: the WCF client with its header, texts built of char arrays, the mark of an earlier visit.
 */
import { utf16leBytes } from "@assay/core/bytes/index";
import type { Carrier } from "./carrier.ts";
import {
  type AssemblySpec,
  buildAssembly,
  type Cil,
  defaultConstructor,
  type FieldSpec,
  type MethodSpec,
  type TypeSpec,
} from "./dotnet-writer.ts";

export interface RedlineConfig {
  /** `host:port` each, IPv6 in brackets. */
  readonly c2: readonly string[];
  readonly id: string;
  /** Plain texts when empty or absent. */
  readonly key?: string;
  readonly message?: string;
  /** 32 hex digits; no Authorization header when absent. */
  readonly token?: string;
  /** 1 when absent. */
  readonly version?: number;
  /** Names as the malware's obfuscator leaves them. */
  readonly renamed?: boolean;
  /**
   * How the config's texts are taken apart: `array`: a char array with initial data; `chars`: an array filled char by
   * char; `junk`: with a word all over it that Replace takes out. As they are when absent.
   */
  readonly apart?: "array" | "chars" | "junk";
}

const FAMILY = "win.redline_stealer";
const MASKS = ["*wallet*", "*.txt,*.doc*,*key*,*wallet*,*seed*", "%USERPROFILE%\\AppData\\Roaming"];

/** As the builder does it: base64, XOR with the key, base64. Plain without a key; an empty text stays empty. */
export function redlineEncrypt(text: string, key: string): string {
  if (text === "" || key === "") return text;
  const inner = Buffer.from(Buffer.from(text, "utf8").toString("base64"), "latin1");
  const bytes = Buffer.from(key, "latin1");
  for (let i = 0; i < inner.length; i++)
    inner[i] = (inner[i] as number) ^ (bytes[i % bytes.length] as number);
  return inner.toString("base64");
}

/** Static class Arguments, set in its type initialiser (2022 on). */
export function redlineArguments(config: RedlineConfig): Uint8Array {
  const owner = config.renamed ? "SystemNetCookieCollectionk" : "Arguments";
  const names = config.renamed ? ["a", "b", "c", "d", "e"] : ["IP", "ID", "Message", "Key", "Version"];
  const fields = names.map((name, i): FieldSpec => ({ name, type: i === 4 ? "int32" : "string" }));
  const code: Cil[] = [["nop"]];
  texts(config).forEach((text, i) => {
    code.push(...load(config, text), ["stsfld", `${owner}::${names[i]}`]);
  });
  code.push(["ldc.i4", config.version ?? 1], ["stsfld", `${owner}::${names[4]}`], ["ret"]);
  return program(config, [
    wcfClient(config, "net.tcp://"),
    { name: owner, fields, methods: [{ name: ".cctor", code }] },
  ]);
}

/** Instance fields of EntryPoint, set in its constructor (2020 to early 2022). */
export function redlineEntryPoint(config: RedlineConfig): Uint8Array {
  const names = config.renamed ? ["w", "x", "y", "z"] : ["IP", "ID", "Message", "Key"];
  return program(config, [
    visitMark(),
    wcfClient(config, config.token === undefined ? "http://" : "net.tcp://"),
    holder("EntryPoint", names, texts(config)),
  ]);
}

/** Local variables of the method that starts everything. */
export function redlineLocals(config: RedlineConfig): Uint8Array {
  const code: Cil[] = [];
  texts(config).forEach((text, i) => {
    code.push(["ldstr", text], [`stloc.${i}`]);
  });
  code.push(["ldloc.0"], ["ldloc.3"], ["call", "Program2::Use"], ["ret"]);
  const locals = ["string", "string", "string", "string"];
  return program(config, [
    wcfClient(config, "net.tcp://"),
    { name: "Program2", methods: [useMethod(), { name: "Run", locals, code }] },
  ]);
}

/** Two instance fields, set behind the call of the base constructor; plain when there is no key. */
export function redlineTwoField(config: RedlineConfig): Uint8Array {
  const [ip = "", id = "", , key = ""] = texts(config);
  const ctor: Cil[] = [["ldarg.0"], ["call", "instance void [mscorlib]System.Object::.ctor()"]];
  for (const [name, text] of [["a", ip] as const, ["b", id] as const])
    ctor.push(["ldarg.0"], ["ldstr", text], ["stfld", `Visitor::${name}`]);
  ctor.push(["ret"]);
  const fields = ["a", "b"].map((name) => ({ name, type: "string", static: false }));
  const use: readonly Cil[] = [["ldstr", ip], ["ldstr", key], ["call", "Visitor::Use"], ["ret"]];
  return program(config, [
    visitMark(),
    wcfClient(config, "http://"),
    {
      name: "Visitor",
      fields,
      methods: [
        { name: ".ctor", code: ctor },
        useMethod(),
        ...(key === "" ? [] : [{ name: "Start", code: use }]),
      ],
    },
  ]);
}

/** No fields at all: address and ID are arguments of a call, plain, beside the mark of an earlier visit. */
export function redlinePlain(config: RedlineConfig): Uint8Array {
  const code: Cil[] = [
    ["ldstr", ""],
    ["pop"],
    ["ldstr", config.c2.join("|")],
    ["ldstr", config.id],
    ["call", "Scanner::Use"],
  ];
  for (const mask of [",", ...MASKS]) code.push(["ldstr", mask], ["pop"]);
  code.push(["ret"]);
  return program(config, [
    wcfClient(config, "http://"),
    visitMark(),
    { name: "Scanner", methods: [useMethod(), { name: "Scan", code }] },
  ]);
}

/** Encrypted texts that no code stores: each is loaded by another method. */
export function redlineUserStrings(config: RedlineConfig): Uint8Array {
  const methods = texts(config)
    .filter((text) => text !== "")
    .map((text, i): MethodSpec => ({ name: `Get${i}`, returns: "string", code: [["ldstr", text], ["ret"]] }));
  return program(config, [wcfClient(config, "net.tcp://"), { name: "Texts", methods }]);
}

export function redlineCarriers(): Carrier[] {
  const token = "5f3b0c1d9e8a47726b1f0d2c3e4a5b6c";
  const key = "Harmless";
  const carrier = (
    name: string,
    layout: string,
    confidence: Carrier["expected"]["confidence"],
    config: RedlineConfig,
    build: (config: RedlineConfig) => Uint8Array,
    scheme = "tcp",
  ): Carrier => ({
    name: `${name}.exe`,
    family: FAMILY,
    layout,
    bytes: build(config),
    expected: { c2: config.c2.map((host) => `${scheme}://${host}`), confidence, values: values(config) },
  });
  const c2 = ["192.0.2.10:19071"];
  const many = ["192.0.2.10:19071", "panel.example.net:6677", "[2001:db8::7]:443", "198.51.100.3:80"];
  const http = "http";
  return [
    carrier("redline-arguments", "arguments", "proved", { c2, id: "krona", key, token }, redlineArguments),
    carrier(
      "redline-arguments-many",
      "arguments",
      "proved",
      { c2: many, id: "@лог бот", key, token, message: "A file is missing.", version: 2, renamed: true },
      redlineArguments,
    ),
    carrier(
      "redline-arguments-plain",
      "arguments",
      "structural",
      { c2: many, id: "1", token },
      redlineArguments,
    ),
    ...(["array", "chars", "junk"] as const).map((apart) =>
      carrier(
        `redline-arguments-${apart}`,
        "arguments",
        "proved",
        { c2: many, id: "apart", key, token, renamed: true, apart },
        redlineArguments,
      ),
    ),
    carrier("redline-entrypoint", "entrypoint", "proved", { c2, id: "build", key }, redlineEntryPoint, http),
    carrier(
      "redline-entrypoint-plain",
      "entrypoint",
      "structural",
      { c2, id: "build", renamed: true },
      redlineEntryPoint,
      http,
    ),
    carrier("redline-locals", "locals", "proved", { c2: many, id: "loc", key, token }, redlineLocals),
    carrier("redline-two-field", "two-field", "structural", { c2, id: "two" }, redlineTwoField, http),
    carrier("redline-two-field-key", "two-field", "proved", { c2, id: "two", key }, redlineTwoField, http),
    carrier(
      "redline-user-strings",
      "user-strings",
      "proved",
      { c2: many, id: "us", key, token },
      redlineUserStrings,
    ),
    carrier("redline-plain", "plain", "heuristic", { c2, id: "mix 2" }, redlinePlain, http),
  ];
}

function values({ id, key, message, token }: RedlineConfig): Readonly<Record<string, unknown>> {
  return {
    "/config/campaign_id/0": id,
    ...(key === undefined ? {} : { "/config/encryption/0/key": key }),
    ...(message === undefined ? {} : { "/config/other/message": message }),
    ...(token === undefined ? {} : { "/config/other/authorization_token": token }),
  };
}

/** IP, ID, Message and Key as the builder writes them. */
function texts({ c2, id, message = "", key = "" }: RedlineConfig): readonly string[] {
  return [...[c2.join("|"), id, message].map((text) => redlineEncrypt(text, key)), key];
}

function program(config: RedlineConfig, types: readonly TypeSpec[]): Uint8Array {
  const apart =
    config.apart === "array" ? [...texts(config), config.token ?? "", "Authorization", "ns1"] : [];
  const arrays = ["Cookies", ...apart.filter((text) => text !== "")];
  const spec: AssemblySpec = {
    name: config.renamed ? "Reynards" : "Happy",
    types: [...types, charArrays()],
    arrays: Object.fromEntries(arrays.map((text) => [arrayName(text), utf16leBytes(text)])),
    attributes: [{ type: "[mscorlib]System.Reflection.AssemblyTitleAttribute", value: "Carrier, harmless" }],
  };
  return buildAssembly(spec);
}

function holder(name: string, names: readonly string[], values: readonly string[]): TypeSpec {
  const sets = values.flatMap((text, i): Cil[] => [
    ["ldarg.0"],
    ["ldstr", text],
    ["stfld", `${name}::${names[i]}`],
  ]);
  const fields = names.map((field) => ({ name: field, type: "string", static: false }));
  return { name, fields, methods: [defaultConstructor(sets)] };
}

/** Opens a channel to `<transport>address/` and adds the header, as the malware's ConnectionProvider does. */
function wcfClient(config: RedlineConfig, transport: string): TypeSpec {
  const wcf = "[System.ServiceModel]System.ServiceModel";
  const code: Cil[] = [
    ["ldarg.0"],
    ["ldstr", transport],
    ["ldarg.1"],
    ["ldstr", "/"],
    ["call", "string [mscorlib]System.String::Concat(string,string,string)"],
    ["newobj", "instance void [System]System.Uri::.ctor(string)"],
    ["pop"],
    ["ldfld", "ConnectionProvider::factory"],
    [
      "callvirt",
      `instance class ${wcf}.Description.ClientCredentials ${wcf}.ChannelFactory::get_Credentials()`,
    ],
    ["pop"],
    ["ldstr", "localhost"],
    ["call", `class ${wcf}.EndpointIdentity ${wcf}.EndpointIdentity::CreateDnsIdentity(string)`],
    ["pop"],
  ];
  if (config.token !== undefined)
    code.push(
      ...load(config, config.token),
      ["stloc.0"],
      ...load(config, "Authorization"),
      ...load(config, "ns1"),
      ["ldloc.0"],
      [
        "call",
        `class ${wcf}.Channels.MessageHeader ${wcf}.Channels.MessageHeader::CreateHeader(string,string,object)`,
      ],
      ["pop"],
    );
  code.push(["ldc.i4", 1], ["ret"]);
  return {
    name: "ConnectionProvider",
    fields: [{ name: "factory", type: `class ${wcf}.ChannelFactory`, static: false }],
    methods: [
      defaultConstructor(),
      { name: "Connect", static: false, returns: "bool", parameters: ["string"], locals: ["string"], code },
    ],
  };
}

/** Looks for the folder that tells a machine visited before, behind the list's separator. */
function visitMark(): TypeSpec {
  const code: readonly Cil[] = [
    ["ldstr", "|"],
    ["pop"],
    ["ldc.i4", 28],
    [
      "call",
      "string [mscorlib]System.Environment::GetFolderPath(valuetype [mscorlib]System.Environment/SpecialFolder)",
    ],
    ["ldstr", "Yandex\\YaAddon"],
    ["call", "string [mscorlib]System.IO.Path::Combine(string,string)"],
    ["call", "bool [mscorlib]System.IO.Directory::Exists(string)"],
    ["ret"],
  ];
  return { name: "SeenBefore", methods: [{ name: "Visible", returns: "bool", code }] };
}

/** A type that builds a text of a char array, as the malware's obfuscator has it nearly everywhere. */
function charArrays(): TypeSpec {
  const code = [...charArray("Cookies"), NEW_STRING, ["ret"] as const];
  return { name: "Names", methods: [{ name: "Get", returns: "string", code }] };
}

const CHAR = "[mscorlib]System.Char";
const NEW_STRING: Cil = ["newobj", "instance void [mscorlib]System.String::.ctor(char[])"];
const JUNK = "Handler";

/** Name of the field that holds a text's UTF-16LE bytes: as long as csc's, and told by the text. */
function arrayName(text: string): string {
  return Buffer.from(text.padEnd(20, "-").slice(0, 20), "latin1").toString("hex").toUpperCase() + text.length;
}

/** The initialised char array that spells `text`. */
function charArray(text: string): readonly Cil[] {
  return [
    ["ldc.i4", text.length],
    ["newarr", CHAR],
    ["dup"],
    ["ldtoken", `<PrivateImplementationDetails>::${arrayName(text)}`],
    [
      "call",
      "void [mscorlib]System.Runtime.CompilerServices.RuntimeHelpers::InitializeArray(class [mscorlib]System.Array,valuetype [mscorlib]System.RuntimeFieldHandle)",
    ],
  ];
}

/** Leaves `text` on the stack, taken apart as the config says. */
function load({ apart }: RedlineConfig, text: string): readonly Cil[] {
  if (apart === undefined || text === "") return [["ldstr", text]];
  if (apart === "array") return [...charArray(text), NEW_STRING];
  if (apart === "junk") {
    const junked = text.replace(/.{3}/g, `$&${JUNK}`);
    return [
      ["ldstr", junked],
      ["ldstr", JUNK],
      ["ldsfld", "string [mscorlib]System.String::Empty"],
      ["callvirt", "instance string [mscorlib]System.String::Replace(string,string)"],
    ];
  }
  const items = [...text].flatMap((char, i): Cil[] => [
    ["dup"],
    ["ldc.i4", i],
    ["ldc.i4", char.charCodeAt(0)],
    ["stelem.i2"],
  ]);
  return [["ldc.i4", text.length], ["newarr", CHAR], ...items, NEW_STRING];
}

/** Takes two texts and does nothing with them. */
function useMethod(): MethodSpec {
  return { name: "Use", parameters: ["string", "string"], code: [["ret"]] };
}
