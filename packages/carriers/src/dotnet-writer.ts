/**
 * Writes small valid .NET Framework programs from a description, for carriers. The program's Main returns at once;
 * whatever else the description holds is there to be read, and nobody calls it.
 *
 * Names are ilasm's: types `string`, `int32`, `uint8[]`, `class [mscorlib]System.Uri`; own members `Ns.Type::Name`;
 * foreign ones `void [mscorlib]System.Foo::Bar(string)`, with `instance ` in front where the method has a `this`.
 * Types, members, strings and blobs are stored in the order in which they are met, so that equal input gives equal
 * bytes. Bad names throw RangeError: a description is source code.
 */
import { utf8Bytes } from "@assay/core/bytes/index";
import { ByteWriter } from "./dotnet/bytes.ts";
import { assembleCil, type Cil } from "./dotnet/cil.ts";
import { compressed, Heaps } from "./dotnet/heaps.ts";
import { buildManagedImage, CODE_RVA, metadataRoot } from "./dotnet/image.ts";
import { References } from "./dotnet/references.ts";
import { coded, TABLE, Tables } from "./dotnet/tables.ts";

export type { Cil } from "./dotnet/cil.ts";

export interface FieldSpec {
  readonly name: string;
  /** `string`, `bool`, `int32`, `uint8[]`, `class [mscorlib]System.Uri` … */
  readonly type: string;
  /** True when absent. */
  readonly static?: boolean;
}

export interface MethodSpec {
  /** `.ctor` and `.cctor` get their special flags. */
  readonly name: string;
  /** True when absent, but for `.ctor`. */
  readonly static?: boolean;
  /** `void` when absent. */
  readonly returns?: string;
  readonly parameters?: readonly string[];
  readonly locals?: readonly string[];
  readonly code: readonly Cil[];
}

export interface TypeSpec {
  readonly namespace?: string;
  readonly name: string;
  /** Base type; System.Object when absent. */
  readonly extends?: string;
  /** `Namespace.Name` of the type around it. */
  readonly nestedIn?: string;
  readonly fields?: readonly FieldSpec[];
  readonly methods?: readonly MethodSpec[];
}

export interface AssemblySpec {
  readonly name: string;
  /** `<name>.exe` when absent. */
  readonly moduleName?: string;
  readonly version?: readonly [number, number, number, number];
  readonly types: readonly TypeSpec[];
  /** Initial data of byte arrays, by field name in `<PrivateImplementationDetails>`; see `byteArray`. */
  readonly arrays?: Readonly<Record<string, Uint8Array>>;
  readonly resources?: readonly { readonly name: string; readonly data: Uint8Array }[];
  /** Assembly attributes whose constructor takes one string, as csc writes AssemblyTitle or Guid. */
  readonly attributes?: readonly { readonly type: string; readonly value: string }[];
  /** Entries that stand first in #US, before those of the code. */
  readonly userStrings?: readonly string[];
  readonly mvid?: Uint8Array;
  readonly timeDateStamp?: number;
  /** A console program; a windowed one when absent. */
  readonly console?: boolean;
  readonly runtimeVersion?: string;
  /** Names of the streams, where they shall differ from `#~ #Strings #US #GUID #Blob`. */
  readonly streamNames?: Partial<
    Readonly<Record<"tables" | "strings" | "userStrings" | "guids" | "blobs", string>>
  >;
}

const DETAILS = "<PrivateImplementationDetails>";
const OBJECT = "[mscorlib]System.Object";

const FIELD_STATIC = 0x16;
const FIELD_INSTANCE = 0x06;
const FIELD_DATA = 0x0113;
const METHOD_STATIC = 0x96;
const METHOD_INSTANCE = 0x86;
const METHOD_CTOR = 0x1886;
const METHOD_CCTOR = 0x1891;
const TYPE_MODULE = 0;
const TYPE_PUBLIC_CLASS = 0x100001;
const TYPE_NESTED_CLASS = 0x100002;
const TYPE_DETAILS = 0x100;
const TYPE_ARRAY_DATA = 0x113;
const TINY_HEADER_LIMIT = 64;
const MAX_STACK = 8;

/** The instructions that leave a byte array with the data of `AssemblySpec.arrays[name]` on the stack. */
export function byteArray(name: string, length: number): readonly Cil[] {
  return [
    ["ldc.i4", length],
    ["newarr", "[mscorlib]System.Byte"],
    ["dup"],
    ["ldtoken", `${DETAILS}::${name}`],
    [
      "call",
      "void [mscorlib]System.Runtime.CompilerServices.RuntimeHelpers::InitializeArray(class [mscorlib]System.Array,valuetype [mscorlib]System.RuntimeFieldHandle)",
    ],
  ];
}

/** The constructor that csc writes for a class without one, with `before` ahead of the call of the base's. */
export function defaultConstructor(before: readonly Cil[] = []): MethodSpec {
  return {
    name: ".ctor",
    code: [...before, ["ldarg.0"], ["call", `instance void ${OBJECT}::.ctor()`], ["ret"]],
  };
}

interface PlannedType {
  readonly spec: TypeSpec;
  readonly flags: number;
  readonly size?: number;
}

/** The file's bytes: PE32, windowed, any CPU, with a Main that does nothing. */
export function buildAssembly(spec: AssemblySpec): Uint8Array {
  const heaps = new Heaps();
  const tables = new Tables();
  const types = planTypes(spec);
  const ownTypes = new Map<string, number>();
  const ownMembers = new Map<string, number>();
  let fieldCount = 0;
  let methodCount = 0;
  types.forEach(({ spec: type }, i) => {
    const name = fullName(type);
    ownTypes.set(name, ((TABLE.TypeDef << 24) | (i + 1)) >>> 0);
    for (const field of type.fields ?? [])
      ownMembers.set(`${name}::${field.name}`, (TABLE.Field << 24) | ++fieldCount);
    for (const method of type.methods ?? [])
      ownMembers.set(`${name}::${method.name}`, (TABLE.MethodDef << 24) | ++methodCount);
  });
  const refs = new References(tables, heaps, ownTypes, ownMembers);
  for (const text of spec.userStrings ?? []) heaps.userString(text);

  const mvid = heaps.guid(spec.mvid ?? new Uint8Array(16).fill(0x11));
  tables.add("Module", 0, heaps.string(spec.moduleName ?? `${spec.name}.exe`), mvid, 0, 0);
  const code = new ByteWriter();
  for (const { spec: type, flags, size } of types) {
    const base = flags === TYPE_MODULE ? 0 : coded("TypeDefOrRef", refs.type(type.extends ?? OBJECT));
    const [fields, methods] = [tables.count("Field") + 1, tables.count("MethodDef") + 1];
    const name = heaps.string(type.name);
    const rid =
      tables.add("TypeDef", flags, name, heaps.string(type.namespace ?? ""), base, fields, methods) &
      0xffffff;
    if (size !== undefined) tables.add("ClassLayout", 1, size, rid);
    if (type.nestedIn !== undefined) tables.add("NestedClass", rid, refs.type(type.nestedIn) & 0xffffff);
    for (const field of type.fields ?? []) addField(field, tables, heaps, refs);
    for (const method of type.methods ?? []) addMethod(method, code, tables, heaps, refs);
  }
  addArrays(spec, code, tables, ownMembers);
  const resources = addResources(spec, code, tables, heaps);
  addAssembly(spec, tables, heaps, refs);

  code.align(4);
  const { strings, userStrings, blobs, guids } = heaps.build();
  const names = spec.streamNames ?? {};
  const heapSizes = { strings: strings.length, guids: guids.length, blobs: blobs.length };
  const root = metadataRoot(spec.runtimeVersion ?? "v4.0.30319", [
    { name: names.tables ?? "#~", data: tables.build(heapSizes) },
    { name: names.strings ?? "#Strings", data: strings },
    { name: names.userStrings ?? "#US", data: userStrings },
    { name: names.guids ?? "#GUID", data: guids },
    { name: names.blobs ?? "#Blob", data: blobs },
  ]);
  const metadata = { rva: CODE_RVA + code.length, size: root.length };
  return buildManagedImage({
    code: code.bytes(root).toBytes(),
    metadata,
    resources,
    entryPointToken: ownMembers.get("Program::Main") as number,
    timeDateStamp: spec.timeDateStamp ?? 0x65000000,
    console: spec.console ?? false,
  });
}

function planTypes(spec: AssemblySpec): PlannedType[] {
  const arrays = Object.entries(spec.arrays ?? {});
  const main: TypeSpec = { name: "Program", methods: [{ name: "Main", code: [["ret"]] }] };
  const types: PlannedType[] = [
    { spec: { name: "<Module>" }, flags: TYPE_MODULE },
    { spec: main, flags: TYPE_PUBLIC_CLASS },
  ];
  for (const type of spec.types)
    types.push({ spec: type, flags: type.nestedIn === undefined ? TYPE_PUBLIC_CLASS : TYPE_NESTED_CLASS });
  if (arrays.length === 0) return types;
  const holder = (size: number) => `__StaticArrayInitTypeSize=${size}`;
  const fields = arrays.map(([name, data]) => ({ name, type: `valuetype ${holder(data.length)}` }));
  types.push({ spec: { name: DETAILS, fields }, flags: TYPE_DETAILS });
  for (const size of new Set(arrays.map(([, data]) => data.length)))
    types.push({
      spec: { name: holder(size), extends: "[mscorlib]System.ValueType", nestedIn: DETAILS },
      flags: TYPE_ARRAY_DATA,
      size,
    });
  return types;
}

function fullName(type: TypeSpec): string {
  return type.namespace === undefined ? type.name : `${type.namespace}.${type.name}`;
}

function addField(field: FieldSpec, tables: Tables, heaps: Heaps, refs: References): void {
  const data = field.type.startsWith("valuetype __StaticArrayInit");
  const flags = data ? FIELD_DATA : (field.static ?? true) ? FIELD_STATIC : FIELD_INSTANCE;
  tables.add("Field", flags, heaps.string(field.name), heaps.blob(refs.fieldSignature(field.type)));
}

function addMethod(
  method: MethodSpec,
  code: ByteWriter,
  tables: Tables,
  heaps: Heaps,
  refs: References,
): void {
  const ctor = method.name === ".ctor";
  const isStatic = method.static ?? !ctor;
  const flags = ctor
    ? METHOD_CTOR
    : method.name === ".cctor"
      ? METHOD_CCTOR
      : isStatic
        ? METHOD_STATIC
        : METHOD_INSTANCE;
  const signature = refs.methodSignature(!isStatic, method.returns ?? "void", method.parameters ?? []);
  const locals = method.locals ?? [];
  const localToken =
    locals.length === 0 ? 0 : tables.add("StandAloneSig", heaps.blob(refs.localSignature(locals)));
  const body = assembleCil(method.code, refs);
  const tiny = localToken === 0 && body.length < TINY_HEADER_LIMIT;
  if (!tiny) code.align(4);
  const rva = CODE_RVA + code.length;
  // Method headers of ECMA-335 II.25.4.2 and II.25.4.3 (fat, init locals).
  if (tiny) code.u8((body.length << 2) | 2);
  else code.u16(0x3013).u16(MAX_STACK).u32(body.length).u32(localToken);
  code.bytes(body);
  tables.add("MethodDef", rva, 0, flags, heaps.string(method.name), heaps.blob(signature), 1);
}

function addArrays(
  spec: AssemblySpec,
  code: ByteWriter,
  tables: Tables,
  members: ReadonlyMap<string, number>,
): void {
  for (const [name, data] of Object.entries(spec.arrays ?? {})) {
    code.align(8);
    tables.add("FieldRVA", CODE_RVA + code.length, (members.get(`${DETAILS}::${name}`) as number) & 0xffffff);
    code.bytes(data);
  }
}

function addResources(
  spec: AssemblySpec,
  code: ByteWriter,
  tables: Tables,
  heaps: Heaps,
): { rva: number; size: number } {
  code.align(8);
  const start = code.length;
  for (const { name, data } of spec.resources ?? []) {
    tables.add("ManifestResource", code.length - start, 1, heaps.string(name), 0);
    code.u32(data.length).bytes(data).align(8);
  }
  return { rva: CODE_RVA + start, size: code.length - start };
}

function addAssembly(spec: AssemblySpec, tables: Tables, heaps: Heaps, refs: References): void {
  const assembly = tables.add(
    "Assembly",
    0x8004,
    ...(spec.version ?? [1, 0, 0, 0]),
    0,
    0,
    heaps.string(spec.name),
    0,
  );
  for (const { type, value } of spec.attributes ?? []) {
    const text = utf8Bytes(value);
    // Prolog, one SerString, no named arguments (II.23.3).
    const blob = new ByteWriter().u16(1).bytes(compressed(text.length)).bytes(text).u16(0).toBytes();
    const attributeCtor = refs.method(`instance void ${type}::.ctor(string)`);
    tables.add(
      "CustomAttribute",
      coded("HasCustomAttribute", assembly),
      coded("CustomAttributeType", attributeCtor),
      heaps.blob(blob),
    );
  }
}
