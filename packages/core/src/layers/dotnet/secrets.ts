/**
 * What an assembly's code knows that could open a payload: the constants that its methods around decryption pass,
 * store and return. Which of them is a key, an IV or a salt is not decided here: trying decides.
 */
import { type Found, mapFound, utf8Bytes } from "../../bytes/index.ts";
import {
  type CallMade,
  type CilValue,
  constantBytes,
  constantText,
  type Dotnet,
  methodEffects,
  TABLE,
} from "../../formats/index.ts";
import type { Replacement } from "./unwrap.ts";
import { MIN_TEXT } from "./unwrap.ts";

/** Bytes of code searched for calls of decryption. */
const MAX_CODE = 1 << 25;
/** Methods followed, and instructions in them. */
const MAX_METHODS = 300;
const MAX_INSTRUCTIONS = 80_000;
/** An assembly with no more methods than this is followed whole. */
const SMALL = 250;
const MAX_TEXTS = 160;
const MAX_ARRAYS = 100;
const MAX_JOINED = 64;
const MAX_DERIVATIONS = 16;
/** Longest constant that is taken for a key, an IV, a salt or a password. */
const MAX_SECRET = 256;
/** Values within values. */
const MAX_DEPTH = 6;
/** A heap of so few strings is taken whole: where obfuscated code hides what it loads, they are all there is. */
const FEW_STRINGS = 160;

/** Calls that the decoding of a payload is made of. */
const TELLING =
  /^(System\.(Security\.Cryptography\.|IO\.Compression\.|Convert::FromBase64|Reflection\.Assembly::(Load|GetManifest)|AppDomain::Load|Resources\.ResourceManager::Get|String::Replace|Text\.Encoding::GetBytes|Drawing\.Bitmap::GetPixel)|Microsoft\.VisualBasic\.Strings::StrReverse)/;

/** A key derivation: what it gets, as far as it is known. */
export interface Derivation {
  readonly kind: "pbkdf2" | "pbkdf1";
  readonly password: Found<Uint8Array> | undefined;
  readonly salt: Found<Uint8Array> | undefined;
  readonly iterations: number | undefined;
  readonly hash: string | undefined;
}

export interface Secrets {
  readonly texts: readonly Found<string>[];
  readonly arrays: readonly Found<Uint8Array>[];
  /** Single bytes that something is XORed with. */
  readonly bytes: readonly number[];
  readonly derivations: readonly Derivation[];
  readonly replacements: readonly Replacement[];
  /** Long texts that code joins of several. */
  readonly joined: readonly Found<string>[];
  /** Classes of System.Security.Cryptography, without it: `RijndaelManaged`. */
  readonly classes: ReadonlySet<string>;
  /** CipherMode values that are set. */
  readonly modes: ReadonlySet<number>;
  readonly inflates: boolean;
}

interface Collected {
  readonly texts: Map<string, Found<string>>;
  readonly arrays: Map<string, Found<Uint8Array>>;
  readonly bytes: Set<number>;
  readonly derivations: Derivation[];
  readonly replacements: Map<string, Replacement>;
  readonly joined: Map<string, Found<string>>;
  readonly modes: Set<number>;
}

/** Reads the code; costs milliseconds, so it is asked only where there is something to open. */
export function secretsOf(dotnet: Dotnet): Secrets {
  const telling = new Set<number>();
  const classes = new Set<string>();
  let inflates = false;
  for (let rid = 1; rid <= dotnet.rowCount(TABLE.MemberRef); rid++) {
    const token = ((TABLE.MemberRef << 24) | rid) >>> 0;
    const name = dotnet.nameOf(token);
    if (name === undefined || !TELLING.test(name)) continue;
    telling.add(token);
    const type = /^System\.Security\.Cryptography\.([A-Za-z0-9]+)::/.exec(name)?.[1];
    if (type !== undefined) classes.add(type);
    inflates ||= name.startsWith("System.IO.Compression.");
  }
  const out: Collected = {
    texts: new Map(),
    arrays: new Map(),
    bytes: new Set(),
    derivations: [],
    replacements: new Map(),
    joined: new Map(),
    modes: new Set(),
  };
  let left = MAX_INSTRUCTIONS;
  for (const rid of methodsAround(dotnet, telling, out.bytes)) {
    left -= dotnet.instructions(rid).length;
    if (left < 0) break;
    const { calls, stores, returns } = methodEffects(dotnet, rid);
    for (const call of calls) readCall(call, out);
    for (const store of stores) readValue(store.value, out, 0);
    for (const value of returns) readValue(value, out, 0);
  }
  const strings = dotnet.userStrings();
  if (strings.length <= FEW_STRINGS) for (const { text } of strings) addText(text, out);
  for (const field of dotnet.fields) {
    if ((field.flags & 0x100) === 0 || out.arrays.size >= MAX_ARRAYS) continue;
    const data = dotnet.fieldData(field.rid);
    if (data !== undefined && data.length <= 64) addArray({ value: data.bytes, at: [data.span()] }, out);
  }
  return {
    texts: [...out.texts.values()],
    arrays: [...out.arrays.values()],
    bytes: [...out.bytes],
    derivations: out.derivations,
    replacements: [...out.replacements.values()],
    joined: [...out.joined.values()],
    classes,
    modes: out.modes,
    inflates,
  };
}

/**
 * Methods that call what decodes, then those that call them, then the constructors of the types of both. Found by the
 * bytes of the code: a token that stands there by chance costs a look at one method more.
 */
function methodsAround(dotnet: Dotnet, telling: ReadonlySet<number>, bytes: Set<number>): Iterable<number> {
  const methods = dotnet.methods;
  const direct = new Set<number>();
  const callees = new Map<number, number[]>();
  let left = MAX_CODE;
  for (const method of methods) {
    const code = method.rva === 0 ? undefined : dotnet.body(method.rid)?.code.bytes;
    if (code === undefined) continue;
    left -= code.length;
    if (left < 0) break;
    const own: number[] = [];
    for (let at = 0; at < code.length; at++) {
      const op = code[at] as number;
      if (op === XOR) {
        if (!NARROWS.has(code[at + 1] ?? 0)) continue;
        direct.add(method.rid);
        const key = constantBefore(code, at);
        if (key !== undefined && bytes.size < MAX_ARRAYS) bytes.add(key);
      } else if (op === CALL || op === CALLVIRT || op === NEWOBJ) {
        if (at + 4 >= code.length) break;
        const token = readToken(code, at + 1);
        if (token >>> 24 === TABLE.MethodDef) own.push(token & 0xffffff);
        else if (telling.has(token)) direct.add(method.rid);
      }
    }
    callees.set(method.rid, own);
  }
  const order = new Set(direct);
  for (let level = 0; level < 2; level++) {
    const before = new Set(order);
    for (const [rid, own] of callees)
      if (order.size < MAX_METHODS && own.some((callee) => before.has(callee))) order.add(rid);
  }
  const types = new Set(methods.filter(({ rid }) => order.has(rid)).map(({ typeRid }) => typeRid));
  const isSmall = methods.length <= SMALL;
  for (const { rid, name, typeRid } of methods) {
    if (order.size >= MAX_METHODS) break;
    if (isSmall || (types.has(typeRid) && (name === ".cctor" || name === ".ctor"))) order.add(rid);
  }
  return order;
}

const XOR = 0x61;
const CALL = 0x28;
const CALLVIRT = 0x6f;
const NEWOBJ = 0x73;
const LDC_I4_S = 0x1f;
const LDC_I4 = 0x20;
/** conv.u1, stelem.i1, conv.ovf.u1, conv.ovf.u1.un: a XOR of bytes is followed by one of them. */
const NARROWS: ReadonlySet<number> = new Set([0xd2, 0x9c, 0xb4, 0x86]);

function readToken(code: Uint8Array, at: number): number {
  return (
    ((code[at] as number) |
      ((code[at + 1] as number) << 8) |
      ((code[at + 2] as number) << 16) |
      ((code[at + 3] as number) << 24)) >>>
    0
  );
}

/** The constant byte that is loaded right before an instruction. */
function constantBefore(code: Uint8Array, at: number): number | undefined {
  if (code[at - 2] === LDC_I4_S) return code[at - 1] as number;
  if (code[at - 5] === LDC_I4 && code[at - 3] === 0 && code[at - 2] === 0 && code[at - 1] === 0)
    return code[at - 4] as number;
  const short = (code[at - 1] ?? 0) - 0x16;
  return short > 0 && short <= 8 ? short : undefined;
}

function readCall({ method, args, isNew }: CallMade, out: Collected): void {
  if (isNew && method.endsWith("DeriveBytes::.ctor")) addDerivation(method, args, out);
  else if (method.endsWith("::set_Mode") && method.startsWith("System.Security.")) {
    const mode = args.at(-1);
    if (mode?.kind === "int") out.modes.add(mode.value);
  } else if (method === "System.String::Replace") {
    const [find, by] = args.slice(1).map((arg) => constantText(arg)?.value);
    if (find !== undefined && find !== "" && by !== undefined && out.replacements.size < MAX_JOINED)
      out.replacements.set(`${find}\0${by}`, { find, with: by });
  }
  for (const arg of args) readValue(arg, out, 0);
}

function readValue(value: CilValue, out: Collected, depth: number): void {
  if (depth > MAX_DEPTH) return;
  if (value.kind === "string") addText(value.text, out);
  else if (value.kind === "array") {
    if (value.length !== undefined && value.length <= MAX_SECRET) {
      const bytes = constantBytes(value);
      if (bytes !== undefined) addArray(bytes, out);
    }
  } else if (value.kind === "field") {
    if (value.known !== undefined) readValue(value.known, out, depth + 1);
  } else if (value.kind === "call" || value.kind === "new") {
    const text = value.kind === "call" || value.type === "System.String" ? constantText(value) : undefined;
    if (text !== undefined) {
      if (text.value.length >= MIN_TEXT && out.joined.size < MAX_JOINED) out.joined.set(text.value, text);
      addText(text, out);
    }
    for (const arg of value.args) readValue(arg, out, depth + 1);
  }
}

function addText(text: Found<string>, out: Collected): void {
  const { value } = text;
  if (value.length > 0 && value.length <= MAX_SECRET && out.texts.size < MAX_TEXTS && !out.texts.has(value))
    out.texts.set(value, text);
}

function addArray(bytes: Found<Uint8Array>, out: Collected): void {
  const { length } = bytes.value;
  if (length > 0 && length <= MAX_SECRET && out.arrays.size < MAX_ARRAYS)
    out.arrays.set(bytes.value.join(), bytes);
}

function addDerivation(method: string, args: readonly CilValue[], out: Collected): void {
  if (out.derivations.length >= MAX_DERIVATIONS) return;
  const kind = method.includes("Rfc2898") ? "pbkdf2" : "pbkdf1";
  const [first, second, ...rest] = args;
  const hash = rest.map((arg) => constantText(arg)?.value).find((text) => text !== undefined);
  const iterations = rest.find((arg) => arg.kind === "int");
  out.derivations.push({
    kind,
    password: first && bytesOf(first),
    salt: second && bytesOf(second),
    iterations: iterations?.kind === "int" ? iterations.value : undefined,
    hash,
  });
}

/** Bytes of a password or salt: of an array, or UTF-8 of a text. */
function bytesOf(value: CilValue): Found<Uint8Array> | undefined {
  const text = constantText(value);
  return text === undefined ? constantBytes(value) : mapFound(text, utf8Bytes);
}
