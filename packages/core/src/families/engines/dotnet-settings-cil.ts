/**
 * Reading a settings class and its key derivation out of decoded CIL. Both are straight-line code as compilers and
 * builders write it, so a small abstract stack is enough: literals, static fields, calls over them.
 */
import { type Found, found, indexOf, type Span, utf8Bytes } from "../../bytes/index.ts";
import type { AesMode } from "../../codecs/index.ts";
import type { Dotnet, FieldDef, Instruction, MethodDef, Token } from "../../formats/dotnet/model.ts";
import type { SettingsNumber, SettingsSource, SettingsText } from "./dotnet-settings.ts";
import { ciphertextOf, type Kdf } from "./dotnet-settings-crypto.ts";

/** What stands on the evaluation stack, as far as it is known. */
type Value =
  | { readonly kind: "text"; readonly text: Found<string> }
  | { readonly kind: "int"; readonly value: Found<number>; readonly op: string }
  | { readonly kind: "field"; readonly token: Token }
  | { readonly kind: "array"; readonly size: number | undefined; bytes: Found<Uint8Array> | undefined }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Value[] }
  | { readonly kind: "unknown" };

type Visit = (instruction: Instruction, stack: readonly Value[]) => void;

/** Instructions followed in one method. */
const MAX_INSTRUCTIONS = 4096;
/** Values kept on the stack; older ones are of no interest. */
const MAX_STACK = 16;
/** Methods that derive keys or set a cipher up, looked at in one module. */
const MAX_CRYPTO_METHODS = 32;
/** Different derivations handed out. */
const MAX_KDFS = 4;
/** Rfc2898DeriveBytes without a count. */
const DEFAULT_ITERATIONS = 1000;
/** Code of a static constructor that fills `minimum` fields takes at least this much for each. */
const MIN_STORE_SIZE = 10;
/** static, specialname, rtspecialname: without them the runtime calls no static constructor (II.10.5.3). */
const CONSTRUCTOR_FLAGS = 0x1810;
const TABLE_FIELD = 0x04;
const TABLE_METHOD = 0x06;
const TABLE_MEMBER_REF = 0x0a;

/** System.Security.Cryptography.CipherMode; CFB there has segments of 8 bits unless FeedbackSize says otherwise. */
const CIPHER_MODES: Readonly<Record<number, AesMode>> = { 1: "cbc", 2: "ecb", 4: "cfb8" };

const UNKNOWN: Value = { kind: "unknown" };

function evaluate(dotnet: Dotnet, methodRid: number, visit: Visit): void {
  const stack: Value[] = [];
  for (const instruction of dotnet.instructions(methodRid).slice(0, MAX_INSTRUCTIONS)) {
    step(dotnet, instruction, stack, visit);
    if (stack.length > MAX_STACK) stack.shift();
  }
}

function step(dotnet: Dotnet, instruction: Instruction, stack: Value[], visit: Visit): void {
  const { op, operand } = instruction;
  const token = typeof operand === "number" ? operand : 0;
  if (op === "ldstr") {
    const text = dotnet.userString(token)?.text;
    stack.push(text === undefined ? UNKNOWN : { kind: "text", text });
  } else if (op.startsWith("ldc.i4")) {
    stack.push({ kind: "int", value: found(token, instruction.view.span()), op });
  } else if (op === "ldsfld") {
    visit(instruction, stack);
    stack.push({ kind: "field", token });
  } else if (op === "stsfld") {
    visit(instruction, stack);
    stack.length = 0;
  } else if (op === "newarr") {
    const size = stack.pop();
    stack.push({
      kind: "array",
      size: size?.kind === "int" ? size.value.value : undefined,
      bytes: undefined,
    });
  } else if (op === "dup") {
    stack.push(stack[stack.length - 1] ?? UNKNOWN);
  } else if (op === "ldtoken") {
    stack.push({ kind: "field", token });
  } else if (op === "call" || op === "callvirt" || op === "newobj") {
    visit(instruction, stack);
    call(dotnet, token, stack);
  } else if (op.startsWith("ld")) {
    stack.push(UNKNOWN);
  } else if (op !== "nop" && !op.startsWith("conv.") && op !== "br" && op !== "br.s" && op !== "volatile.") {
    stack.length = 0;
  }
}

/** Without the callee's signature everything on the stack may be an argument; the result takes its place. */
function call(dotnet: Dotnet, token: Token, stack: Value[]): void {
  const name = dotnet.nameOf(token) ?? "";
  if (name.endsWith("RuntimeHelpers::InitializeArray")) {
    const handle = stack.pop();
    const array = stack.pop();
    if (array?.kind === "array" && handle?.kind === "field") {
      // Compilers round the data's type up, so the array's own length counts.
      const whole = dotnet.fieldData(handle.token % 0x1000000);
      const data = whole?.sub(0, array.size ?? whole.length);
      if (data !== undefined) array.bytes = found(data.bytes, data.span());
    }
    return;
  }
  const args = stack.splice(0);
  stack.push({ kind: "call", name, args });
}

interface Store {
  readonly field: Token;
  readonly value: Value;
}

/** The values that a method stores in static fields, in code order. */
function staticStores(dotnet: Dotnet, methodRid: number): Store[] {
  const stores: Store[] = [];
  evaluate(dotnet, methodRid, ({ op, operand }, stack) => {
    if (op === "stsfld" && typeof operand === "number")
      stores.push({ field: operand, value: stack[stack.length - 1] ?? UNKNOWN });
  });
  return stores;
}

/** Classes whose static constructor stores at least `minimum` texts that could be ciphertexts, or is named like one. */
export function settingsFromCode(
  dotnet: Dotnet,
  minimum: number,
  isName: (name: string) => boolean,
): SettingsSource[] {
  const sources: SettingsSource[] = [];
  for (const method of dotnet.methods) {
    // The flags cost less to ask than the name.
    if ((method.flags & CONSTRUCTOR_FLAGS) !== CONSTRUCTOR_FLAGS || method.name !== ".cctor") continue;
    const body = dotnet.body(method.rid);
    if (body === undefined || body.code.length < minimum * MIN_STORE_SIZE) continue;
    const stores = staticStores(dotnet, method.rid);
    const texts = stores.flatMap(({ field, value }) => {
      const text = storedText(value);
      return text === undefined ? [] : [{ field, text }];
    });
    if (
      texts.filter(({ text }) => ciphertextOf(text) !== undefined).length >= minimum ||
      texts.filter(({ field }) => isName(fieldOf(dotnet, field)?.name ?? "")).length >= minimum
    )
      sources.push(readClass(dotnet, method, stores));
  }
  return sources;
}

function fieldOf(dotnet: Dotnet, token: Token): FieldDef | undefined {
  return token >>> 24 === TABLE_FIELD ? dotnet.fields[(token % 0x1000000) - 1] : undefined;
}

function readClass(dotnet: Dotnet, method: MethodDef, stores: readonly Store[]): SettingsSource {
  const texts: SettingsText[] = [];
  const numbers: SettingsNumber[] = [];
  const byField = new Map<Token, Found<string>>();
  for (const { field, value } of stores) {
    const definition = fieldOf(dotnet, field);
    const name = definition?.name;
    const text = storedText(value);
    if (text !== undefined) {
      texts.push({ name, text });
      byField.set(field, text);
    } else if (value.kind === "int")
      numbers.push({ name, kind: kindOf(definition?.signature?.bytes, value.op), value: value.value });
    else if (value.kind === "call" && value.name.endsWith("Environment::GetFolderPath")) {
      // Environment.GetFolderPath(SpecialFolder.ApplicationData), before there was a field for the folder.
      const folder = value.args[value.args.length - 1];
      if (folder?.kind === "int") numbers.push({ name, kind: "enum", value: folder.value });
    }
  }
  return { origin: "cctor", texts, numbers, password: passwordOf(dotnet, method.typeRid, byField) };
}

/** A literal, or a literal that goes through one call first, as clients have it that decrypt where they store. */
function storedText(value: Value): Found<string> | undefined {
  if (value.kind === "text") return value.text;
  const only = value.kind === "call" && value.args.length === 1 ? value.args[0] : undefined;
  return only?.kind === "text" ? only.text : undefined;
}

/** II.23.2.4 FieldSig: 0x06, then the type. */
function kindOf(signature: Uint8Array | undefined, op: string): SettingsNumber["kind"] {
  switch (signature?.[1]) {
    case 0x02:
      return "bool";
    case 0x11:
      return "enum";
    case undefined:
      return op === "ldc.i4.0" || op === "ldc.i4.1" ? "bool" : op === "ldc.i4.s" ? "enum" : "int";
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
  const type = dotnet.typeDefs[typeRid - 1];
  if (type === undefined) return undefined;
  for (let rid = type.methods[0]; rid < type.methods[1]; rid++) {
    const method = dotnet.methods[rid - 1];
    if (method === undefined || method.name === ".cctor") continue;
    const code = dotnet.instructions(rid).slice(0, MAX_INSTRUCTIONS);
    for (let i = 0; i + 1 < code.length; i++) {
      const [load, use, store] = [code[i], code[i + 1], code[i + 2]];
      if (load?.op !== "ldsfld" || use === undefined || typeof use.operand !== "number") continue;
      const isOwn = use.operand >>> 24 === TABLE_METHOD && ownerOf(dotnet, use.operand) !== typeRid;
      // What decrypts a field stores it again; what takes the password either returns nothing or an object.
      const takes = use.op === "newobj" || (use.op === "call" && store?.op !== "stsfld");
      if (!isOwn || !takes) continue;
      const text = texts.get(Number(load.operand));
      if (text !== undefined) return text;
    }
  }
  return undefined;
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
  for (let rid = 1; rid <= dotnet.rowCount(TABLE_MEMBER_REF); rid++) {
    const token = TABLE_MEMBER_REF * 0x1000000 + rid;
    const name = dotnet.nameOf(token) ?? "";
    if (name.endsWith("Rfc2898DeriveBytes::.ctor")) derive.add(token);
    else if (name.startsWith("System.Security.Cryptography.") && name.endsWith("::set_Mode"))
      modes.add(token);
  }
  const kdfs = new Map<string, Kdf>();
  let mode: AesMode | undefined;
  for (const rid of methodsThatUse(dotnet, [...derive, ...modes])) {
    evaluate(dotnet, rid, ({ op, operand }, stack) => {
      if (typeof operand !== "number") return;
      if (op === "newobj" && derive.has(operand) && kdfs.size < MAX_KDFS) {
        const kdf = kdfAt(dotnet, stack);
        if (kdf !== undefined) kdfs.set(`${kdf.salt.value.join()}/${kdf.iterations.value}`, kdf);
      } else if (modes.has(operand)) {
        const top = stack[stack.length - 1];
        if (top?.kind === "int") mode ??= CIPHER_MODES[top.value.value];
      }
    });
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

/** (password, salt, iterations) or (password, salt), topmost last. */
function kdfAt(dotnet: Dotnet, stack: readonly Value[]): Kdf | undefined {
  const last = stack[stack.length - 1];
  const count = last && intOf(dotnet, last);
  const salt = bytesOf(dotnet, stack[stack.length - (count === undefined ? 1 : 2)]);
  if (salt === undefined) return undefined;
  return { salt, iterations: count ?? found(DEFAULT_ITERATIONS) };
}

function intOf(dotnet: Dotnet, value: Value): Found<number> | undefined {
  const known = value.kind === "field" ? staticValue(dotnet, value.token) : value;
  return known?.kind === "int" ? known.value : undefined;
}

/** A byte array initialiser, or the bytes of a text in the encoding that is asked for them. */
function bytesOf(dotnet: Dotnet, value: Value | undefined): Found<Uint8Array> | undefined {
  const known = value?.kind === "field" ? staticValue(dotnet, value.token) : value;
  if (known?.kind === "array") return known.bytes;
  if (known?.kind === "text") return { value: utf8Bytes(known.text.value), at: known.text.at };
  if (known?.kind !== "call" || !known.name.endsWith("Encoding::GetBytes")) return undefined;
  const text = known.args[known.args.length - 1];
  const source = text?.kind === "field" ? staticValue(dotnet, text.token) : text;
  return source?.kind === "text"
    ? { value: utf8Bytes(source.text.value), at: source.text.at as readonly Span[] }
    : undefined;
}

/** What the static constructor of a field's class stores in it. */
function staticValue(dotnet: Dotnet, field: Token): Value | undefined {
  const typeRid = fieldOf(dotnet, field)?.typeRid ?? 0;
  const type = dotnet.typeDefs[typeRid - 1];
  if (type === undefined) return undefined;
  for (let rid = type.methods[0]; rid < type.methods[1]; rid++) {
    if (dotnet.methods[rid - 1]?.name !== ".cctor") continue;
    return staticStores(dotnet, rid).find((store) => store.field === field)?.value;
  }
  return undefined;
}
