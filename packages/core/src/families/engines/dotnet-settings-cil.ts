/** Reading a settings class and its key derivation out of a .NET module's code. */
import { type Found, found, indexOf } from "../../bytes/index.ts";
import type { AesMode } from "../../codecs/index.ts";
import {
  type CilValue,
  constantBytes,
  type Dotnet,
  type FieldDef,
  type FieldStore,
  type Instruction,
  type MethodDef,
  methodEffects,
  methodsOf,
  staticFieldStores,
  TABLE,
  type Token,
} from "../../formats/dotnet/index.ts";
import type { SettingsNumber, SettingsSource, SettingsText } from "./dotnet-settings.ts";
import { ciphertextOf, type Kdf } from "./dotnet-settings-crypto.ts";

/** Methods that derive keys or set a cipher up, looked at in one module. */
const MAX_CRYPTO_METHODS = 32;
/** Different derivations handed out. */
const MAX_KDFS = 4;
/** Rfc2898DeriveBytes without a count. */
const DEFAULT_ITERATIONS = 1000;
/** Texts outside the class that are kept of one. */
const MAX_HANDED_ON = 4;
/** Bytes of code that fill one field: ldstr and stsfld. */
const STORE_SIZE = 10;
/** static, specialname, rtspecialname: without them the runtime calls no static constructor (II.10.5.3). */
const CONSTRUCTOR_FLAGS = 0x1810;

/** System.Security.Cryptography.CipherMode; CFB there has segments of 8 bits unless FeedbackSize says otherwise. */
const CIPHER_MODES: Readonly<Record<number, AesMode>> = { 1: "cbc", 2: "ecb", 4: "cfb8" };

/** Classes whose static constructor stores at least `minimum` texts that could be ciphertexts, or is named like one. */
export function settingsFromCode(
  dotnet: Dotnet,
  minimum: number,
  isName: (name: string) => boolean,
): SettingsSource[] {
  const sources: SettingsSource[] = [];
  for (const method of dotnet.methods) {
    // The flags cost less to ask than the name, and a count of literals less than following the code.
    if ((method.flags & CONSTRUCTOR_FLAGS) !== CONSTRUCTOR_FLAGS || method.name !== ".cctor") continue;
    const body = dotnet.body(method.rid);
    if (body === undefined || body.code.length < minimum * STORE_SIZE) continue;
    if (dotnet.instructions(method.rid).filter(({ op }) => op === "ldstr").length < minimum) continue;
    const stores = staticFieldStores(dotnet, method.rid).filter((store) => store.isStatic);
    const texts = stores.flatMap((store) => {
      const text = storedText(store.value);
      return text === undefined ? [] : [{ name: fieldOf(dotnet, store)?.name, text }];
    });
    if (
      texts.filter(({ text }) => ciphertextOf(text) !== undefined).length >= minimum ||
      texts.filter(({ name }) => isName(name ?? "")).length >= minimum
    )
      sources.push(readClass(dotnet, method, stores));
  }
  return sources;
}

function fieldOf(dotnet: Dotnet, store: FieldStore): FieldDef | undefined {
  return dotnet.fields[store.fieldRid - 1];
}

/** A literal, or a literal that goes through one call first, as clients have it that decrypt where they store. */
function storedText(value: CilValue): Found<string> | undefined {
  if (value.kind === "string") return value.text;
  const only = value.kind === "call" && value.args.length === 1 ? value.args[0] : undefined;
  return only?.kind === "string" ? only.text : undefined;
}

function readClass(dotnet: Dotnet, method: MethodDef, stores: readonly FieldStore[]): SettingsSource {
  const texts: SettingsText[] = [];
  const numbers: SettingsNumber[] = [];
  const byField = new Map<Token, Found<string>>();
  for (const store of stores) {
    const definition = fieldOf(dotnet, store);
    const name = definition?.name;
    const { value } = store;
    const text = storedText(value);
    if (text !== undefined) {
      texts.push({ name, text });
      byField.set(store.token, text);
    } else if (value.kind === "int")
      numbers.push({
        name,
        kind: kindOf(definition?.signature?.bytes, value.value),
        value: found(value.value, ...value.at),
      });
    else if (value.kind === "call" && value.method === "System.Environment::GetFolderPath") {
      // Environment.GetFolderPath(SpecialFolder.ApplicationData), before there was a field for the folder.
      const folder = value.args[0];
      if (folder?.kind === "int")
        numbers.push({ name, kind: "enum", value: found(folder.value, ...folder.at) });
    }
  }
  return {
    origin: "cctor",
    texts,
    numbers,
    password: passwordOf(dotnet, method.typeRid, byField),
    handedOn: handedOnBy(dotnet, method.typeRid),
  };
}

/** II.23.2.4 FieldSig: 0x06, then the type. */
function kindOf(signature: Uint8Array | undefined, value: number): SettingsNumber["kind"] {
  switch (signature?.[1]) {
    case 0x02:
      return "bool";
    case 0x11:
      return "enum";
    case undefined:
      return value === 0 || value === 1 ? "bool" : "int";
    default:
      return "int";
  }
}

/** The text of the class that its methods hand straight to another class's method or constructor first. */
function passwordOf(
  dotnet: Dotnet,
  typeRid: number,
  texts: ReadonlyMap<Token, Found<string>>,
): Found<string> | undefined {
  for (const method of methodsOf(dotnet, typeRid)) {
    if (method.name === ".cctor") continue;
    const code = dotnet.instructions(method.rid);
    for (let i = 0; i + 1 < code.length; i++) {
      const [load, use, store] = [code[i], code[i + 1], code[i + 2]];
      if (load?.op !== "ldsfld" || typeof use?.operand !== "number") continue;
      const isOwn = use.operand >>> 24 === TABLE.MethodDef && ownerOf(dotnet, use.operand) !== typeRid;
      // What decrypts a field stores it again; what takes the password either returns nothing or an object.
      const takes = use.op === "newobj" || (use.op === "call" && store?.op !== "stsfld");
      const text = isOwn && takes ? texts.get(Number(load.operand)) : undefined;
      if (text !== undefined) return text;
    }
  }
  return undefined;
}

/** Literals, and texts of other classes' fields, that methods of the class hand straight to another class's. */
function handedOnBy(dotnet: Dotnet, typeRid: number): readonly Found<string>[] {
  const texts = new Map<string, Found<string>>();
  for (const method of methodsOf(dotnet, typeRid)) {
    if (method.name === ".cctor") continue;
    const code = dotnet.instructions(method.rid);
    for (let i = 0; i + 1 < code.length && texts.size < MAX_HANDED_ON; i++) {
      const [load, use] = [code[i], code[i + 1]];
      if (typeof load?.operand !== "number" || typeof use?.operand !== "number") continue;
      if ((use.op !== "call" && use.op !== "newobj") || use.operand >>> 24 !== TABLE.MethodDef) continue;
      if (ownerOf(dotnet, use.operand) === typeRid) continue;
      const text =
        load.op === "ldstr" ? dotnet.userString(load.operand)?.text : textOfField(dotnet, load, typeRid);
      if (text !== undefined && text.value !== "") texts.set(text.value, text);
    }
  }
  return [...texts.values()];
}

function textOfField(
  dotnet: Dotnet,
  { op, operand }: Instruction,
  typeRid: number,
): Found<string> | undefined {
  const token = Number(operand);
  if (op !== "ldsfld" || token >>> 24 !== TABLE.Field) return undefined;
  const owner = dotnet.fields[(token % 0x1000000) - 1]?.typeRid ?? 0;
  const value = owner === typeRid ? undefined : storedIn(dotnet, token, owner);
  return value?.kind === "string" ? value.text : undefined;
}

function ownerOf(dotnet: Dotnet, token: Token): number {
  return dotnet.methods[(token % 0x1000000) - 1]?.typeRid ?? 0;
}

export interface CryptoFacts {
  /** In code order, without repeats. */
  readonly kdfs: readonly Kdf[];
  readonly mode: AesMode | undefined;
}

/** Salts and iteration counts that code gives to Rfc2898DeriveBytes, and the mode it gives to a cipher. */
export function cryptoFacts(dotnet: Dotnet): CryptoFacts {
  const derive = new Set<Token>();
  const modes = new Set<Token>();
  for (let rid = 1; rid <= dotnet.rowCount(TABLE.MemberRef); rid++) {
    const token = TABLE.MemberRef * 0x1000000 + rid;
    const name = dotnet.nameOf(token) ?? "";
    if (name === "System.Security.Cryptography.Rfc2898DeriveBytes::.ctor") derive.add(token);
    else if (name.startsWith("System.Security.Cryptography.") && name.endsWith("::set_Mode"))
      modes.add(token);
  }
  const kdfs = new Map<string, Kdf>();
  let mode: AesMode | undefined;
  for (const rid of methodsThatUse(dotnet, [...derive, ...modes])) {
    for (const call of methodEffects(dotnet, rid).calls) {
      if (derive.has(call.token) && kdfs.size < MAX_KDFS) {
        const kdf = kdfOf(dotnet, call.args);
        if (kdf !== undefined) kdfs.set(`${kdf.salt.value.join()}/${kdf.iterations.value}`, kdf);
      } else if (modes.has(call.token)) {
        const stated = call.args.at(-1);
        if (stated?.kind === "int") mode ??= CIPHER_MODES[stated.value];
      }
    }
  }
  return { kdfs: [...kdfs.values()], mode };
}

function methodsThatUse(dotnet: Dotnet, tokens: readonly Token[]): number[] {
  const needles = tokens.map((token) =>
    Uint8Array.of(token & 0xff, (token >> 8) & 0xff, (token >> 16) & 0xff, token >>> 24),
  );
  const rids: number[] = [];
  if (needles.length === 0) return rids;
  for (let rid = 1; rid <= dotnet.methods.length && rids.length < MAX_CRYPTO_METHODS; rid++) {
    const code = dotnet.body(rid)?.code.bytes;
    if (code !== undefined && needles.some((needle) => indexOf(code, needle) >= 0)) rids.push(rid);
  }
  return rids;
}

/** (password, salt, iterations) or (password, salt). A fourth argument names another hash: not this derivation. */
function kdfOf(dotnet: Dotnet, args: readonly CilValue[]): Kdf | undefined {
  if (args.length < 2 || args.length > 3) return undefined;
  const salt = args[1] && bytesOf(dotnet, args[1]);
  const count = args[2] && resolved(dotnet, args[2]);
  if (salt === undefined || (args.length === 3 && count?.kind !== "int")) return undefined;
  return {
    salt,
    iterations: count?.kind === "int" ? found(count.value, ...count.at) : found(DEFAULT_ITERATIONS),
  };
}

/** A byte array, or the bytes of a text; texts and arrays may stand in static fields. */
function bytesOf(dotnet: Dotnet, value: CilValue): Found<Uint8Array> | undefined {
  const known = resolved(dotnet, value);
  if (known.kind !== "call") return constantBytes(known);
  return constantBytes({ ...known, args: known.args.map((arg) => resolved(dotnet, arg)) });
}

/** What the static constructor of a field's class stores in it, when `value` is such a field. */
function resolved(dotnet: Dotnet, value: CilValue): CilValue {
  if (value.kind !== "field") return value;
  if (value.known !== undefined) return value.known;
  if (value.token >>> 24 !== TABLE.Field) return value;
  const typeRid = dotnet.fields[(value.token % 0x1000000) - 1]?.typeRid ?? 0;
  return storedIn(dotnet, value.token, typeRid) ?? value;
}

function storedIn(dotnet: Dotnet, field: Token, typeRid: number): CilValue | undefined {
  const constructor_ = methodsOf(dotnet, typeRid).find((method) => method.name === ".cctor");
  const stores = constructor_ === undefined ? [] : staticFieldStores(dotnet, constructor_.rid);
  return stores.find((store) => store.token === field)?.value;
}
