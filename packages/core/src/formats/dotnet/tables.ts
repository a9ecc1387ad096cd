/** The tables stream (`#~` or `#-`), ECMA-335 II.24.2.6: rows are read in place, nothing is built up front. */
import type { View } from "../../bytes/index.ts";
import type { Anomaly } from "../pe/model.ts";
import { layoutTables, TABLE_COUNT, TABLE_COUNT_1_0, type TableLayout } from "./table-layout.ts";

const HEADER_SIZE = 24;

/** A rid must fit the 24 bits of a token. */
const MAX_ROWS = 0xffffff;

const HEAP_BIG_STRINGS = 0x01;
const HEAP_BIG_GUID = 0x02;
const HEAP_BIG_BLOB = 0x04;
/** Four more bytes stand behind the row counts (not in ECMA-335; coreclr md/inc/metamodel.h, EXTRA_DATA). */
const HEAP_EXTRA_DATA = 0x40;

interface PlacedTable {
  readonly layout: TableLayout;
  readonly offset: number;
  /** Rows that are wholly there. */
  readonly rows: number;
}

export class Tables {
  readonly view: View;
  readonly #data: DataView;
  readonly #tables: readonly PlacedTable[];

  constructor(view: View, tables: readonly PlacedTable[]) {
    this.view = view;
    this.#data = new DataView(view.bytes.buffer, view.bytes.byteOffset, view.bytes.byteLength);
    this.#tables = tables;
  }

  /** Rows that can be read; fewer than the header says when the stream is too short. */
  rowCount(table: number): number {
    return this.#tables[table]?.rows ?? 0;
  }

  columnCount(table: number): number {
    return this.#tables[table]?.layout.offsets.length ?? 0;
  }

  /** One column of a row; 0 for what is not there, as 0 is also the null index. */
  column(table: number, rid: number, column: number): number {
    const placed = this.#tables[table];
    if (placed === undefined || rid < 1 || rid > placed.rows) return 0;
    const at = placed.offset + (rid - 1) * placed.layout.rowSize + (placed.layout.offsets[column] as number);
    switch (placed.layout.widths[column]) {
      case 1:
        return this.#data.getUint8(at);
      case 2:
        return this.#data.getUint16(at, true);
      default:
        return this.#data.getUint32(at, true);
    }
  }

  row(table: number, rid: number): readonly number[] | undefined {
    if (!Number.isInteger(rid) || rid < 1 || rid > this.rowCount(table)) return undefined;
    return Array.from({ length: this.columnCount(table) }, (_, i) => this.column(table, rid, i));
  }
}

/**
 * Undefined when not even the header and the row counts are there.
 * `allBig`: a `#JTD` stream stands beside this one.
 */
export function parseTables(view: View, allBig: boolean, anomalies: Anomaly[]): Tables | undefined {
  const major = view.u8(4);
  const minor = view.u8(5);
  const heapSizes = view.u8(6);
  const validLow = view.u32(8);
  const validHigh = view.u32(12);
  if (heapSizes === undefined || validLow === undefined || validHigh === undefined) return undefined;
  const note = (code: string, text: string): void => {
    anomalies.push({ code, text, at: view.span(0, Math.min(HEADER_SIZE, view.length)) });
  };

  const known = major === 1 && minor === 0 ? TABLE_COUNT_1_0 : TABLE_COUNT;
  const claimed: number[] = [];
  let at = HEADER_SIZE;
  for (let table = 0; table < 64; table++) {
    const isValid = ((table < 32 ? validLow >>> table : validHigh >>> (table - 32)) & 1) === 1;
    let rows = 0;
    if (isValid) {
      const count = view.u32(at);
      if (count === undefined) return undefined;
      at += 4;
      rows = count;
      // Rows of an unknown table lie behind those of all known ones, so what is known stays readable.
      if (table >= known) note("unknown-table", `table 0x${table.toString(16)} with ${rows} rows`);
    }
    if (table < TABLE_COUNT) claimed.push(table < known ? rows : 0);
  }
  if ((heapSizes & HEAP_EXTRA_DATA) !== 0) at += 4;

  const layouts = layoutTables(claimed, {
    bigStrings: (heapSizes & HEAP_BIG_STRINGS) !== 0,
    bigGuid: (heapSizes & HEAP_BIG_GUID) !== 0,
    bigBlob: (heapSizes & HEAP_BIG_BLOB) !== 0,
    allBig,
  });
  const placed = layouts.map((layout, table): PlacedTable => {
    const wanted = claimed[table] as number;
    const fitting = Math.floor(Math.max(0, view.length - at) / layout.rowSize);
    const rows = Math.min(wanted, fitting, MAX_ROWS);
    if (rows < wanted)
      note("table-clipped", `table 0x${table.toString(16)}: ${rows} of ${wanted} rows are there`);
    const offset = at;
    at += wanted * layout.rowSize;
    return { layout, offset, rows };
  });
  return new Tables(view, placed);
}
