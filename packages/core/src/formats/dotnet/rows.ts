/** Rows under their names; each column is read, and each name decoded, when it is asked for. */
import type { View } from "../../bytes/index.ts";
import type { FieldDef, MethodDef, Token, TypeDef } from "./model.ts";
import { memberRange } from "./owners.ts";
import { decodeCoded, TABLE } from "./table-layout.ts";
import type { Tables } from "./tables.ts";

export interface RowSource {
  readonly tables: Tables;
  string(index: number): string | undefined;
  blob(index: number): View | undefined;
  ownerOf(table: number, rid: number): number;
}

class Row {
  readonly rid: number;
  protected readonly source: RowSource;
  protected readonly table: number;

  constructor(source: RowSource, table: number, rid: number) {
    this.source = source;
    this.table = table;
    this.rid = rid;
  }

  protected column(index: number): number {
    return this.source.tables.column(this.table, this.rid, index);
  }

  protected string(index: number): string {
    return this.source.string(this.column(index)) ?? "";
  }

  protected blob(index: number): View | undefined {
    return this.source.blob(this.column(index));
  }
}

class MemberRow extends Row {
  get typeRid(): number {
    return this.source.ownerOf(this.table, this.rid);
  }
}

export class TypeRow extends Row implements TypeDef {
  constructor(source: RowSource, rid: number) {
    super(source, TABLE.TypeDef, rid);
  }

  get flags(): number {
    return this.column(0);
  }

  get name(): string {
    return this.string(1);
  }

  get namespace(): string {
    return this.string(2);
  }

  get extends(): Token {
    return decodeCoded("TypeDefOrRef", this.column(3));
  }

  get fields(): readonly [number, number] {
    return memberRange(this.source.tables, "field", this.rid);
  }

  get methods(): readonly [number, number] {
    return memberRange(this.source.tables, "method", this.rid);
  }
}

export class FieldRow extends MemberRow implements FieldDef {
  constructor(source: RowSource, rid: number) {
    super(source, TABLE.Field, rid);
  }

  get flags(): number {
    return this.column(0);
  }

  get name(): string {
    return this.string(1);
  }

  get signature(): View | undefined {
    return this.blob(2);
  }
}

export class MethodRow extends MemberRow implements MethodDef {
  constructor(source: RowSource, rid: number) {
    super(source, TABLE.MethodDef, rid);
  }

  get rva(): number {
    return this.column(0);
  }

  get implFlags(): number {
    return this.column(1);
  }

  get flags(): number {
    return this.column(2);
  }

  get name(): string {
    return this.string(3);
  }

  get signature(): View | undefined {
    return this.blob(4);
  }
}
