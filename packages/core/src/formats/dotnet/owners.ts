/** Which type owns a field or method: by the ranges in TypeDef, through FieldPtr and MethodPtr where they exist. */
import { TABLE } from "./table-layout.ts";
import type { Tables } from "./tables.ts";

/** Members visited while ranges are followed; crafted ranges overlap without end. */
const MAX_STEPS = 1 << 22;

const LISTS = {
  field: { list: 4, table: TABLE.Field, pointers: TABLE.FieldPtr },
  method: { list: 5, table: TABLE.MethodDef, pointers: TABLE.MethodPtr },
} as const;

/** Row ids [first, end) of a type's members, in the pointer table when that has rows, else in the table itself. */
export function memberRange(
  tables: Tables,
  kind: keyof typeof LISTS,
  typeRid: number,
): readonly [number, number] {
  const { list, table, pointers } = LISTS[kind];
  const last = (tables.rowCount(pointers) || tables.rowCount(table)) + 1;
  const first = tables.column(TABLE.TypeDef, typeRid, list);
  if (first === 0 || first >= last) return [last, last];
  const next =
    typeRid < tables.rowCount(TABLE.TypeDef) ? tables.column(TABLE.TypeDef, typeRid + 1, list) : last;
  return [first, Math.min(Math.max(next, first), last)];
}

/** Owner (TypeDef rid) by member rid; 0 for none. The first type that claims a member has it. */
export function memberOwners(tables: Tables, kind: keyof typeof LISTS): Uint32Array {
  const { table, pointers } = LISTS[kind];
  const owners = new Uint32Array(tables.rowCount(table) + 1);
  const hasPointers = tables.rowCount(pointers) > 0;
  let left = MAX_STEPS;
  for (let typeRid = 1; typeRid <= tables.rowCount(TABLE.TypeDef) && left > 0; typeRid++) {
    const [first, end] = memberRange(tables, kind, typeRid);
    for (let rid = first; rid < end && left-- > 0; rid++) {
      const member = hasPointers ? tables.column(pointers, rid, 0) : rid;
      if (member > 0 && member < owners.length && owners[member] === 0) owners[member] = typeRid;
    }
  }
  return owners;
}
