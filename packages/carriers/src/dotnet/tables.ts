/** Metadata tables and their stream (ECMA-335 II.22 and II.24.2.6). */
import { ByteWriter } from "./bytes.ts";

export const TABLE = {
  Module: 0x00,
  TypeRef: 0x01,
  TypeDef: 0x02,
  Field: 0x04,
  MethodDef: 0x06,
  Param: 0x08,
  MemberRef: 0x0a,
  CustomAttribute: 0x0c,
  ClassLayout: 0x0f,
  StandAloneSig: 0x11,
  FieldRVA: 0x1d,
  Assembly: 0x20,
  AssemblyRef: 0x23,
  ManifestResource: 0x28,
  NestedClass: 0x29,
} as const;
export type TableName = keyof typeof TABLE;

/** Coded indexes (II.24.2.6): tag bits, and the tables in order of tag. Undefined: a table we never write. */
const CODED = {
  TypeDefOrRef: { bits: 2, tables: [0x02, 0x01, 0x1b] },
  ResolutionScope: { bits: 2, tables: [0x00, 0x1a, 0x23, 0x01] },
  MemberRefParent: { bits: 3, tables: [0x02, 0x01, 0x1a, 0x06, 0x1b] },
  Implementation: { bits: 2, tables: [0x26, 0x23, 0x27] },
  CustomAttributeType: { bits: 3, tables: [0xff, 0xff, 0x06, 0x0a, 0xff] },
  HasCustomAttribute: {
    bits: 5,
    tables: [
      0x06, 0x04, 0x01, 0x02, 0x08, 0x09, 0x0a, 0x00, 0x0e, 0x17, 0x14, 0x11, 0x1a, 0x1b, 0x20, 0x23, 0x26,
      0x27, 0x28, 0x2a, 0x2c, 0x2b,
    ],
  },
} as const;
type Coded = keyof typeof CODED;

/** A column: bytes of a constant, a heap, a table or a coded index. */
type Column = 2 | 4 | "strings" | "blobs" | "guids" | { readonly table: number } | Coded;

const SCHEMA: Readonly<Record<TableName, readonly Column[]>> = {
  Module: [2, "strings", "guids", "guids", "guids"],
  TypeRef: ["ResolutionScope", "strings", "strings"],
  TypeDef: [4, "strings", "strings", "TypeDefOrRef", { table: TABLE.Field }, { table: TABLE.MethodDef }],
  Field: [2, "strings", "blobs"],
  MethodDef: [4, 2, 2, "strings", "blobs", { table: TABLE.Param }],
  Param: [2, 2, "strings"],
  MemberRef: ["MemberRefParent", "strings", "blobs"],
  CustomAttribute: ["HasCustomAttribute", "CustomAttributeType", "blobs"],
  ClassLayout: [2, 4, { table: TABLE.TypeDef }],
  StandAloneSig: ["blobs"],
  FieldRVA: [4, { table: TABLE.Field }],
  Assembly: [4, 2, 2, 2, 2, 4, "blobs", "strings", "strings"],
  AssemblyRef: [2, 2, 2, 2, 4, "blobs", "strings", "strings", "blobs"],
  ManifestResource: [4, 4, "strings", "Implementation"],
  NestedClass: [{ table: TABLE.TypeDef }, { table: TABLE.TypeDef }],
};

/** Tables that the format wants ordered by a column, and that column. */
const SORTED: Partial<Readonly<Record<TableName, number>>> = {
  CustomAttribute: 0,
  ClassLayout: 2,
  FieldRVA: 1,
  NestedClass: 0,
};

/** The standard "sorted" bit mask that csc writes. */
const SORTED_MASK = 0x000016003301fa00n;

export function coded(kind: Coded, token: number): number {
  if (token === 0) return 0;
  const tables: readonly number[] = CODED[kind].tables;
  const tag = tables.indexOf(token >>> 24);
  if (tag < 0) throw new RangeError(`token ${token.toString(16)} does not fit a ${kind}`);
  return ((token & 0xffffff) << CODED[kind].bits) | tag;
}

export class Tables {
  readonly #rows = new Map<TableName, number[][]>();

  /** Adds a row of raw column values; gives its token. */
  add(name: TableName, ...columns: number[]): number {
    const rows = this.rows(name);
    rows.push(columns);
    return ((TABLE[name] << 24) | rows.length) >>> 0;
  }

  count(name: TableName): number {
    return this.rows(name).length;
  }

  rows(name: TableName): number[][] {
    let rows = this.#rows.get(name);
    if (rows === undefined) {
      rows = [];
      this.#rows.set(name, rows);
    }
    return rows;
  }

  /** The `#~` stream. */
  build(heapSizes: { strings: number; guids: number; blobs: number }): Uint8Array {
    const names = (Object.keys(TABLE) as TableName[])
      .filter((name) => this.count(name) > 0)
      .sort((a, b) => TABLE[a] - TABLE[b]);
    const rowsOf = (table: number) => {
      const name = names.find((n) => TABLE[n] === table);
      return name === undefined ? 0 : this.count(name);
    };
    const wide = (column: Column): boolean => {
      if (typeof column === "number") return column === 4;
      if (typeof column === "object") return rowsOf(column.table) > 0xffff;
      if (column === "strings" || column === "blobs" || column === "guids") return heapSizes[column] > 0xffff;
      const { bits, tables } = CODED[column];
      return Math.max(...tables.map(rowsOf)) >= 1 << (16 - bits);
    };
    let valid = 0n;
    for (const name of names) valid |= 1n << BigInt(TABLE[name]);
    const heapFlags =
      (heapSizes.strings > 0xffff ? 1 : 0) |
      (heapSizes.guids > 0xffff ? 2 : 0) |
      (heapSizes.blobs > 0xffff ? 4 : 0);
    const out = new ByteWriter().u32(0).u8(2).u8(0).u8(heapFlags).u8(1).u64(valid).u64(SORTED_MASK);
    for (const name of names) out.u32(this.count(name));
    for (const name of names) {
      const by = SORTED[name];
      const rows = this.rows(name);
      if (by !== undefined) rows.sort((a, b) => (a[by] as number) - (b[by] as number));
      const columns = SCHEMA[name].map(wide);
      for (const row of rows)
        for (let i = 0; i < columns.length; i++)
          if (columns[i]) out.u32(row[i] as number);
          else out.u16(row[i] as number);
    }
    return out.align(4).toBytes();
  }
}
