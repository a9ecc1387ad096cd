/**
 * Many rows by one parameter: JSON that the database takes apart itself. A statement with a parameter for each value
 * is limited to 65,535 of them, and takes longer to put together than to carry out.
 */
import { type Column, getTableColumns, type SQL, sql } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import type { Database } from "./database.ts";

/** Rows of one statement. */
const ROWS = 10_000;

/** What becomes of a row that is there already; default: it stays as it is. */
export async function insertRows<T extends PgTable>(
  db: Database,
  table: T,
  rows: readonly T["$inferInsert"][],
  onConflict: SQL = sql`on conflict do nothing`,
): Promise<void> {
  const columns = Object.entries(getTableColumns(table));
  const names = sql.join(
    columns.map(([, { name }]) => sql.identifier(name)),
    sql`, `,
  );
  for (let at = 0; at < rows.length; at += ROWS)
    await db.execute(
      sql`insert into ${table} (${names}) select ${names} from ${recordset(columns, rows.slice(at, at + ROWS))} ${onConflict}`,
    );
}

/** A source of rows called `r`, with these columns of a table. */
export function recordset(
  columns: readonly (readonly [key: string, column: Column])[],
  rows: readonly Readonly<Record<string, unknown>>[],
): SQL {
  const records = rows.map((row) =>
    Object.fromEntries(columns.map(([key, column]) => [column.name, jsonOf(column, row[key])])),
  );
  const types = columns.map(
    ([, column]) =>
      sql`${sql.identifier(column.name)} ${sql.raw(column.getSQLType().replace(/ collate .*$/, ""))}`,
  );
  return sql`json_to_recordset(${JSON.stringify(records)}::json) as r (${sql.join(types, sql`, `)})`;
}

/** A value as its type's text form. */
function jsonOf(column: Column, value: unknown): unknown {
  if (value === undefined || value === null) return null;
  const driver = column.mapToDriverValue(value);
  return driver instanceof Uint8Array ? `\\x${Buffer.from(driver).toString("hex")}` : driver;
}

/** Rows of a statement that drizzle has no words for; its columns must be texts, numbers or booleans. */
export async function ask<T>(db: Database, statement: SQL): Promise<T[]> {
  // Both drivers give an object with `rows`, but share no type that says so.
  return ((await db.execute(statement)) as unknown as { rows: T[] }).rows;
}

/** An array parameter of any length, for `= any(…)`. */
export function uuids(ids: readonly string[]): SQL {
  return sql`array(select value::uuid from json_array_elements_text(${JSON.stringify(ids)}::json))`;
}

/** As `uuids`, of digests in hex. */
export function digests(hashes: readonly string[]): SQL {
  return sql`array(select decode(value, 'hex') from json_array_elements_text(${JSON.stringify(hashes)}::json))`;
}

/** As `uuids`, of integers. */
export function integers(numbers: readonly number[]): SQL {
  return sql`array(select value::integer from json_array_elements_text(${JSON.stringify(numbers)}::json))`;
}
