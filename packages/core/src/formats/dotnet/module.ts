/** A .NET module over its metadata; everything is read on first use and kept. */
import type { View } from "../../bytes/index.ts";
import type { Anomaly } from "../pe/model.ts";
import { decodeCil } from "./cil.ts";
import type { CliHeader } from "./cli-header.ts";
import { readBlob, readGuid, StringsHeap, UserStringsHeap } from "./heaps.ts";
import type { ChosenStreams, MetadataRoot } from "./metadata-root.ts";
import { readBody } from "./method-body.ts";
import type {
  CustomAttribute,
  Dotnet,
  FieldDef,
  Instruction,
  ManifestResource,
  MethodBody,
  MethodDef,
  Token,
  TypeDef,
  UserString,
} from "./model.ts";
import { Names } from "./names.ts";
import { memberOwners } from "./owners.ts";
import { FieldRow, MethodRow, type RowSource, TypeRow } from "./rows.ts";
import { fieldType } from "./signatures.ts";
import { decodeCoded, TABLE } from "./table-layout.ts";
import type { Tables } from "./tables.ts";

/** MethodImplAttributes.CodeTypeMask: anything but 0 is not CIL (II.23.1.10). */
const CODE_TYPE_MASK = 0x3;

const USER_STRING_TABLE = 0x70;

export interface ModuleParts {
  /** The whole image. */
  readonly view: View;
  offsetOfRva(rva: number): number | undefined;
  readonly header: CliHeader;
  readonly root: MetadataRoot;
  readonly chosen: ChosenStreams;
  readonly tables: Tables;
  readonly anomalies: readonly Anomaly[];
}

export class Module implements Dotnet, RowSource {
  readonly anomalies: readonly Anomaly[];
  readonly tables: Tables;
  readonly #parts: ModuleParts;
  readonly #strings: StringsHeap;
  readonly #userStrings: UserStringsHeap;
  readonly #names: Names;
  readonly #bodies = new Map<number, MethodBody | undefined>();
  readonly #instructions = new Map<number, readonly Instruction[]>();
  readonly #owners: { field?: Uint32Array; method?: Uint32Array } = {};
  #typeDefs: readonly TypeDef[] | undefined;
  #fields: readonly FieldDef[] | undefined;
  #methods: readonly MethodDef[] | undefined;
  #fieldRvas: ReadonlyMap<number, number> | undefined;
  #classSizes: ReadonlyMap<number, number> | undefined;
  #resources: readonly ManifestResource[] | undefined;
  #customAttributes: readonly CustomAttribute[] | undefined;

  constructor(parts: ModuleParts) {
    this.#parts = parts;
    this.tables = parts.tables;
    this.anomalies = parts.anomalies;
    this.#strings = new StringsHeap(parts.chosen.strings);
    this.#userStrings = new UserStringsHeap(parts.chosen.userStrings);
    this.#names = new Names(this);
  }

  get runtimeVersion(): string {
    return this.#parts.root.version;
  }

  get flags(): number {
    return this.#parts.header.flags;
  }

  get entryPointToken(): Token {
    return this.#parts.header.entryPointToken;
  }

  get streams(): Dotnet["streams"] {
    return this.#parts.root.streams;
  }

  get moduleName(): string {
    return this.string(this.tables.column(TABLE.Module, 1, 1)) ?? "";
  }

  get mvid(): string | undefined {
    return readGuid(this.#parts.chosen.guid, this.tables.column(TABLE.Module, 1, 2));
  }

  get assemblyName(): string | undefined {
    return this.rowCount(TABLE.Assembly) === 0
      ? undefined
      : this.string(this.tables.column(TABLE.Assembly, 1, 7));
  }

  get typeDefs(): readonly TypeDef[] {
    this.#typeDefs ??= this.#rows(TABLE.TypeDef, (rid) => new TypeRow(this, rid));
    return this.#typeDefs;
  }

  get fields(): readonly FieldDef[] {
    this.#fields ??= this.#rows(TABLE.Field, (rid) => new FieldRow(this, rid));
    return this.#fields;
  }

  get methods(): readonly MethodDef[] {
    this.#methods ??= this.#rows(TABLE.MethodDef, (rid) => new MethodRow(this, rid));
    return this.#methods;
  }

  rowCount(table: number): number {
    return this.tables.rowCount(table);
  }

  row(table: number, rid: number): readonly number[] | undefined {
    return this.tables.row(table, rid);
  }

  string(index: number): string | undefined {
    return this.#strings.get(index);
  }

  blob(index: number): View | undefined {
    return readBlob(this.#parts.chosen.blob, index);
  }

  userString(tokenOrOffset: number): UserString | undefined {
    const table = Math.floor(tokenOrOffset / 0x1000000);
    if (table !== 0 && table !== USER_STRING_TABLE) return undefined;
    return this.#userStrings.get(tokenOrOffset % 0x1000000);
  }

  userStrings(): readonly UserString[] {
    return this.#userStrings.all();
  }

  nameOf(token: Token): string | undefined {
    return this.#names.get(token);
  }

  ownerOf(table: number, rid: number): number {
    const kind = table === TABLE.Field ? "field" : "method";
    const owners = (this.#owners[kind] ??= memberOwners(this.tables, kind));
    return owners[rid] ?? 0;
  }

  body(methodRid: number): MethodBody | undefined {
    if (this.#bodies.has(methodRid)) return this.#bodies.get(methodRid);
    const rva = this.tables.column(TABLE.MethodDef, methodRid, 0);
    if (rva === 0) return undefined;
    const isCil = (this.tables.column(TABLE.MethodDef, methodRid, 1) & CODE_TYPE_MASK) === 0;
    const offset = isCil ? this.#parts.offsetOfRva(rva) : undefined;
    const body = offset === undefined ? undefined : readBody(this.#parts.view, offset);
    this.#bodies.set(methodRid, body);
    return body;
  }

  instructions(methodRid: number): readonly Instruction[] {
    let instructions = this.#instructions.get(methodRid);
    if (instructions === undefined) {
      const body = this.body(methodRid);
      instructions = body === undefined ? [] : decodeCil(body.code);
      if (body !== undefined) this.#instructions.set(methodRid, instructions);
    }
    return instructions;
  }

  fieldData(fieldRid: number): View | undefined {
    this.#fieldRvas ??= this.#index(TABLE.FieldRva, 1, 0);
    const rva = this.#fieldRvas.get(fieldRid);
    const signature = this.blob(this.tables.column(TABLE.Field, fieldRid, 2));
    const offset = rva === undefined ? undefined : this.#parts.offsetOfRva(rva);
    const type = signature && fieldType(signature, (token) => this.nameOf(token));
    if (offset === undefined || type === undefined) return undefined;
    if (type.size > 0) return this.#parts.view.sub(offset, type.size);
    if (type.token >>> 24 !== TABLE.TypeDef) return undefined;
    this.#classSizes ??= this.#index(TABLE.ClassLayout, 2, 1);
    const size = this.#classSizes.get(type.token & 0xffffff);
    return size === undefined ? undefined : this.#parts.view.sub(offset, size);
  }

  resources(): readonly ManifestResource[] {
    this.#resources ??= this.#rows(TABLE.ManifestResource, (rid) => {
      const [offset = 0, flags = 0, name = 0, implementation = 0] =
        this.row(TABLE.ManifestResource, rid) ?? [];
      return {
        name: this.string(name) ?? "",
        flags,
        data: implementation === 0 ? this.#embedded(offset) : undefined,
      };
    });
    return this.#resources;
  }

  customAttributes(): readonly CustomAttribute[] {
    this.#customAttributes ??= this.#rows(TABLE.CustomAttribute, (rid) => {
      const [parent = 0, type = 0, value = 0] = this.row(TABLE.CustomAttribute, rid) ?? [];
      return {
        parent: decodeCoded("HasCustomAttribute", parent),
        constructorName: this.nameOf(decodeCoded("CustomAttributeType", type)) ?? "",
        value: this.blob(value),
      };
    });
    return this.#customAttributes;
  }

  /** A resource at `offset` of the CLI header's Resources directory: length, then that many bytes (II.24.2.4). */
  #embedded(offset: number): View | undefined {
    const { header, view } = this.#parts;
    if (header.resourcesRva === 0) return undefined;
    const base = this.#parts.offsetOfRva(header.resourcesRva);
    if (base === undefined) return undefined;
    const length = view.u32(base + offset);
    return length === undefined ? undefined : view.sub(base + offset + 4, length);
  }

  #rows<T>(table: number, make: (rid: number) => T): readonly T[] {
    return Array.from({ length: this.rowCount(table) }, (_, i) => make(i + 1));
  }

  /** A table as a map from one column to another; the first row of a key counts. */
  #index(table: number, key: number, value: number): ReadonlyMap<number, number> {
    const map = new Map<number, number>();
    for (let rid = 1; rid <= this.rowCount(table); rid++) {
      const from = this.tables.column(table, rid, key);
      if (!map.has(from)) map.set(from, this.tables.column(table, rid, value));
    }
    return map;
  }
}
