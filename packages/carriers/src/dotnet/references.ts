/** ilasm-like names to metadata tokens and signatures (ECMA-335 II.23.2). */
import { ByteWriter } from "./bytes.ts";
import type { Heaps } from "./heaps.ts";
import { compressed } from "./heaps.ts";
import { coded, type Tables } from "./tables.ts";

/** Element types of the primitive names (II.23.1.16). */
const PRIMITIVES: Readonly<Record<string, number>> = {
  void: 0x01,
  bool: 0x02,
  char: 0x03,
  int8: 0x04,
  uint8: 0x05,
  byte: 0x05,
  int16: 0x06,
  uint16: 0x07,
  int32: 0x08,
  int: 0x08,
  uint32: 0x09,
  int64: 0x0a,
  uint64: 0x0b,
  float32: 0x0c,
  float64: 0x0d,
  string: 0x0e,
  "native int": 0x18,
  object: 0x1c,
};
const SZARRAY = 0x1d;
const VALUETYPE = 0x11;
const CLASS = 0x12;
const HASTHIS = 0x20;
const FIELD_SIGNATURE = 0x06;
const LOCAL_SIGNATURE = 0x07;

/** Public key token of the framework's own assemblies, b77a5c561934e089. */
const FRAMEWORK_TOKEN = Uint8Array.of(0xb7, 0x7a, 0x5c, 0x56, 0x19, 0x34, 0xe0, 0x89);

/** A parsed `[instance] <type> <owner>::<name>(<types>)`. */
interface MethodReference {
  readonly instance: boolean;
  readonly returns: string;
  readonly owner: string;
  readonly name: string;
  readonly parameters: readonly string[];
}

const METHOD = /^(instance )?(.+?) ([^ ]+)::([^ (]+)\((.*)\)$/;
const FIELD = /^(?:(.+) )?([^ ]+)::([^ ]+)$/;

/** Tokens of a module's own members by name, and of foreign ones made on first use. */
export class References {
  readonly #tables: Tables;
  readonly #heaps: Heaps;
  readonly #tokens = new Map<string, number>();
  readonly #ownTypes: ReadonlyMap<string, number>;
  readonly #ownMembers: ReadonlyMap<string, number>;

  /** `ownMembers` by `Namespace.Type::name`. */
  constructor(
    tables: Tables,
    heaps: Heaps,
    ownTypes: ReadonlyMap<string, number>,
    ownMembers: ReadonlyMap<string, number>,
  ) {
    this.#tables = tables;
    this.#heaps = heaps;
    this.#ownTypes = ownTypes;
    this.#ownMembers = ownMembers;
  }

  userString(text: string): number {
    return this.#heaps.userString(text);
  }

  /** `Type::Name` of this module, or `[instance] <type> [assembly]Type::Name(<types>)`. */
  method(reference: string): number {
    const own = this.#ownMembers.get(reference);
    if (own !== undefined) return own;
    return this.#once(`m${reference}`, () => {
      const match = METHOD.exec(reference);
      if (match === null) throw new RangeError(`no method ${reference}`);
      const [, instance, returns = "", owner = "", name = "", list = ""] = match;
      const parsed: MethodReference = {
        instance: instance !== undefined,
        returns,
        owner,
        name,
        parameters: list.trim() === "" ? [] : list.split(",").map((part) => part.trim()),
      };
      const parent = coded("MemberRefParent", this.type(parsed.owner));
      const signature = this.methodSignature(parsed.instance, parsed.returns, parsed.parameters);
      return this.#tables.add(
        "MemberRef",
        parent,
        this.#heaps.string(parsed.name),
        this.#heaps.blob(signature),
      );
    });
  }

  /** `Type::Name` of this module, or `<type> [assembly]Type::Name`. */
  field(reference: string): number {
    const own = this.#ownMembers.get(reference);
    if (own !== undefined) return own;
    return this.#once(`f${reference}`, () => {
      const [, type, owner = "", name = ""] = FIELD.exec(reference) ?? [];
      if (type === undefined) throw new RangeError(`no field ${reference}`);
      const parent = coded("MemberRefParent", this.type(owner));
      return this.#tables.add(
        "MemberRef",
        parent,
        this.#heaps.string(name),
        this.#heaps.blob(this.fieldSignature(type)),
      );
    });
  }

  /** `Namespace.Type` of this module, or `[assembly]Namespace.Type`. */
  type(reference: string): number {
    const own = this.#ownTypes.get(reference);
    if (own !== undefined) return own;
    return this.#once(`t${reference}`, () => {
      const [, assembly, full = ""] = /^\[([^\]]+)\](.+)$/.exec(reference) ?? [];
      if (assembly === undefined) throw new RangeError(`no type ${reference}`);
      const dot = full.lastIndexOf(".");
      const scope = coded("ResolutionScope", this.#assembly(assembly));
      const [name, namespace] = [full.slice(dot + 1), dot < 0 ? "" : full.slice(0, dot)];
      return this.#tables.add("TypeRef", scope, this.#heaps.string(name), this.#heaps.string(namespace));
    });
  }

  fieldSignature(type: string): Uint8Array {
    const out = new ByteWriter().u8(FIELD_SIGNATURE);
    this.#type(out, type);
    return out.toBytes();
  }

  methodSignature(instance: boolean, returns: string, parameters: readonly string[]): Uint8Array {
    const out = new ByteWriter().u8(instance ? HASTHIS : 0).bytes(compressed(parameters.length));
    for (const type of [returns, ...parameters]) this.#type(out, type);
    return out.toBytes();
  }

  localSignature(types: readonly string[]): Uint8Array {
    const out = new ByteWriter().u8(LOCAL_SIGNATURE).bytes(compressed(types.length));
    for (const type of types) this.#type(out, type);
    return out.toBytes();
  }

  #type(out: ByteWriter, type: string): void {
    if (type.endsWith("[]")) {
      out.u8(SZARRAY);
      this.#type(out, type.slice(0, -2));
      return;
    }
    const primitive = PRIMITIVES[type];
    if (primitive !== undefined) {
      out.u8(primitive);
      return;
    }
    const [, kind, name = ""] = /^(class|valuetype) (.+)$/.exec(type) ?? [];
    if (kind === undefined) throw new RangeError(`no type ${type}`);
    out.u8(kind === "class" ? CLASS : VALUETYPE);
    out.bytes(compressed(coded("TypeDefOrRef", this.type(name))));
  }

  #assembly(name: string): number {
    return this.#once(`a${name}`, () => {
      const token = this.#heaps.blob(FRAMEWORK_TOKEN);
      return this.#tables.add("AssemblyRef", 4, 0, 0, 0, 0, token, this.#heaps.string(name), 0, 0);
    });
  }

  #once(key: string, make: () => number): number {
    let token = this.#tokens.get(key);
    if (token === undefined) {
      token = make();
      this.#tokens.set(key, token);
    }
    return token;
  }
}
