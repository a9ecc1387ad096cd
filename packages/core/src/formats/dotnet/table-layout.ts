/** Row layouts of the metadata tables (ECMA-335 II.22) and the coded indexes between them (II.24.2.6). */

/** Table numbers that code names. */
export const TABLE = {
  Module: 0x00,
  TypeRef: 0x01,
  TypeDef: 0x02,
  FieldPtr: 0x03,
  Field: 0x04,
  MethodPtr: 0x05,
  MethodDef: 0x06,
  Param: 0x08,
  MemberRef: 0x0a,
  CustomAttribute: 0x0c,
  ClassLayout: 0x0f,
  Event: 0x14,
  Property: 0x17,
  ModuleRef: 0x1a,
  TypeSpec: 0x1b,
  FieldRva: 0x1d,
  Assembly: 0x20,
  AssemblyRef: 0x23,
  File: 0x26,
  ExportedType: 0x27,
  ManifestResource: 0x28,
  NestedClass: 0x29,
  GenericParam: 0x2a,
  MethodSpec: 0x2b,
  GenericParamConstraint: 0x2c,
} as const;

/** Tables 0 to 0x2C. Those of portable PDBs (0x30 up) do not occur in a module. */
export const TABLE_COUNT = 0x2d;

/** Before GenericParam came: all that a tables stream of version 1.0 may hold (dnlib, DotNetTableSizes). */
export const TABLE_COUNT_1_0 = 0x2a;

/**
 * Columns by table number: `u8 u16 u32`, `pad` (a byte of no meaning, not a column), `S B G` for heap indexes,
 * `@n` for a row of table n (hexadecimal), else the name of a coded index.
 */
const COLUMNS: readonly string[] = [
  /* 00 Module */ "u16 S G G G",
  /* 01 TypeRef */ "ResolutionScope S S",
  /* 02 TypeDef */ "u32 S S TypeDefOrRef @04 @06",
  /* 03 FieldPtr */ "@04",
  /* 04 Field */ "u16 S B",
  /* 05 MethodPtr */ "@06",
  /* 06 MethodDef */ "u32 u16 u16 S B @08",
  /* 07 ParamPtr */ "@08",
  /* 08 Param */ "u16 u16 S",
  /* 09 InterfaceImpl */ "@02 TypeDefOrRef",
  /* 0A MemberRef */ "MemberRefParent S B",
  /* 0B Constant */ "u8 pad HasConstant B",
  /* 0C CustomAttribute */ "HasCustomAttribute CustomAttributeType B",
  /* 0D FieldMarshal */ "HasFieldMarshal B",
  /* 0E DeclSecurity */ "u16 HasDeclSecurity B",
  /* 0F ClassLayout */ "u16 u32 @02",
  /* 10 FieldLayout */ "u32 @04",
  /* 11 StandAloneSig */ "B",
  /* 12 EventMap */ "@02 @14",
  /* 13 EventPtr */ "@14",
  /* 14 Event */ "u16 S TypeDefOrRef",
  /* 15 PropertyMap */ "@02 @17",
  /* 16 PropertyPtr */ "@17",
  /* 17 Property */ "u16 S B",
  /* 18 MethodSemantics */ "u16 @06 HasSemantics",
  /* 19 MethodImpl */ "@02 MethodDefOrRef MethodDefOrRef",
  /* 1A ModuleRef */ "S",
  /* 1B TypeSpec */ "B",
  /* 1C ImplMap */ "u16 MemberForwarded S @1a",
  /* 1D FieldRVA */ "u32 @04",
  /* 1E ENCLog */ "u32 u32",
  /* 1F ENCMap */ "u32",
  /* 20 Assembly */ "u32 u16 u16 u16 u16 u32 B S S",
  /* 21 AssemblyProcessor */ "u32",
  /* 22 AssemblyOS */ "u32 u32 u32",
  /* 23 AssemblyRef */ "u16 u16 u16 u16 u32 B S S B",
  /* 24 AssemblyRefProcessor */ "u32 @23",
  /* 25 AssemblyRefOS */ "u32 u32 u32 @23",
  /* 26 File */ "u32 S B",
  /* 27 ExportedType */ "u32 u32 S S Implementation",
  /* 28 ManifestResource */ "u32 u32 S Implementation",
  /* 29 NestedClass */ "@02 @02",
  /* 2A GenericParam */ "u16 u16 TypeOrMethodDef S",
  /* 2B MethodSpec */ "MethodDefOrRef B",
  /* 2C GenericParamConstraint */ "@2a TypeDefOrRef",
];

/** Tables by tag; -1 for a tag that means nothing. The tag's width follows from the number of entries. */
const CODED = {
  TypeDefOrRef: [0x02, 0x01, 0x1b],
  HasConstant: [0x04, 0x08, 0x17],
  HasCustomAttribute: [
    0x06, 0x04, 0x01, 0x02, 0x08, 0x09, 0x0a, 0x00, 0x0e, 0x17, 0x14, 0x11, 0x1a, 0x1b, 0x20, 0x23, 0x26,
    0x27, 0x28, 0x2a, 0x2c, 0x2b,
  ],
  HasFieldMarshal: [0x04, 0x08],
  HasDeclSecurity: [0x02, 0x06, 0x20],
  MemberRefParent: [0x02, 0x01, 0x1a, 0x06, 0x1b],
  HasSemantics: [0x14, 0x17],
  MethodDefOrRef: [0x06, 0x0a],
  MemberForwarded: [0x04, 0x06],
  Implementation: [0x26, 0x23, 0x27],
  CustomAttributeType: [-1, -1, 0x06, 0x0a, -1],
  ResolutionScope: [0x00, 0x1a, 0x23, 0x01],
  TypeOrMethodDef: [0x02, 0x06],
} as const satisfies Record<string, readonly number[]>;

export type CodedIndex = keyof typeof CODED;

/** Bits that the tag takes. */
function tagBits(tables: readonly number[]): number {
  return Math.ceil(Math.log2(tables.length));
}

/** A coded index as a token; 0 for a null index and for a tag that names no table. */
export function decodeCoded(kind: CodedIndex, value: number): number {
  const tables: readonly number[] = CODED[kind];
  const bits = tagBits(tables);
  const table = tables[value & ((1 << bits) - 1)];
  const rid = value >>> bits;
  return table === undefined || table < 0 || rid === 0 || rid > 0xffffff ? 0 : table * 0x1000000 + rid;
}

export interface TableLayout {
  readonly rowSize: number;
  /** Offset and width in bytes (1, 2, 4) of each column, `pad` left out. */
  readonly offsets: readonly number[];
  readonly widths: readonly number[];
}

export interface IndexWidths {
  readonly bigStrings: boolean;
  readonly bigGuid: boolean;
  readonly bigBlob: boolean;
  /** `#JTD` (a minimal delta): every index takes four bytes. */
  readonly allBig: boolean;
}

/** Layout of every table for these row counts (II.24.2.6: an index grows to four bytes when two cannot hold it). */
export function layoutTables(rows: readonly number[], widths: IndexWidths): readonly TableLayout[] {
  const wide = (isBig: boolean): number => (isBig || widths.allBig ? 4 : 2);
  const coded = new Map<string, number>();
  for (const [name, tables] of Object.entries(CODED)) {
    const most = Math.max(...tables.map((table: number) => rows[table] ?? 0));
    coded.set(name, wide(most > 0xffff >> tagBits(tables)));
  }
  return PARSED_COLUMNS.map((columns) => {
    const offsets: number[] = [];
    const sizes: number[] = [];
    let at = 0;
    for (const column of columns) {
      const size = columnSize(column, rows, widths, wide, coded);
      if (column !== "pad") {
        offsets.push(at);
        sizes.push(size);
      }
      at += size;
    }
    return { rowSize: at, offsets, widths: sizes };
  });
}

const PARSED_COLUMNS = COLUMNS.map((text) => text.split(" "));

function columnSize(
  column: string,
  rows: readonly number[],
  widths: IndexWidths,
  wide: (isBig: boolean) => number,
  coded: ReadonlyMap<string, number>,
): number {
  switch (column) {
    case "u8":
    case "pad":
      return 1;
    case "u16":
      return 2;
    case "u32":
      return 4;
    case "S":
      return wide(widths.bigStrings);
    case "G":
      return wide(widths.bigGuid);
    case "B":
      return wide(widths.bigBlob);
  }
  if (column.startsWith("@")) return wide((rows[Number.parseInt(column.slice(1), 16)] ?? 0) > 0xffff);
  return coded.get(column) as number;
}
