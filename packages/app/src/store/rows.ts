/**
 * Many rows by one parameter: JSON that the database takes apart itself. A statement with a parameter for each value
 * is limited to 65,535 of them, and takes longer to put together than to carry out.
 */
import { type Column, getTableColumns, type SQL, sql } from "drizzle-orm";
import { getTableConfig, type PgTable } from "drizzle-orm/pg-core";
import type { Database } from "./database.ts";

/** Rows of one statement. */
const ROWS = 10_000;

const AS_IT_IS = sql`on conflict do nothing`;

/** What becomes of a row that is there already; default: it stays as it is. */
export async function insertRows<T extends PgTable>(
  db: Database,
  table: T,
  rows: readonly T["$inferInsert"][],
  onConflict = AS_IT_IS,
): Promise<void> {
  for (let at = 0; at < rows.length; at += ROWS)
    await db.execute(insertion(table, rows.slice(at, at + ROWS), onConflict));
}

/** Rows for a table, as `insertRows` takes them. */
export function rowsFor<T extends PgTable>(
  table: T,
  rows: readonly T["$inferInsert"][],
  onConflict = AS_IT_IS,
): Rows {
  return { table, rows, onConflict };
}

interface Rows {
  readonly table: PgTable;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly onConflict: SQL;
}

/**
 * Rows for several tables by one statement: a few rows cost less than the way to the server and back.
 * They may refer to one another, that is looked at in the end; in which order rows are locked is not said.
 * `further` statements go with them, and see nothing of what they insert.
 */
export async function insertAll(
  db: Database,
  all: readonly Rows[],
  further: readonly SQL[] = [],
): Promise<void> {
  const some = all.filter(({ rows }) => rows.length > 0);
  const isLarge = some.some(({ rows }) => rows.length > ROWS);
  if (isLarge) for (const { table, rows, onConflict } of some) await insertRows(db, table, rows, onConflict);
  const inserts = isLarge
    ? []
    : some.map(({ table, rows, onConflict }) => insertion(table, rows, onConflict));
  const statements = [...inserts, ...further];
  const last = statements.pop();
  if (last === undefined) return;
  const before = statements.map((one, i) => sql`${sql.identifier(`i${i}`)} as (${one})`);
  await db.execute(before.length === 0 ? last : sql`with ${sql.join(before, sql`, `)} ${last}`);
}

/** As `insertRows`, and gives what the statement returns of each row, those among them that were there already. */
export async function returnRows<T>(
  db: Database,
  { table, rows, onConflict }: Rows,
  returning: SQL,
): Promise<T[]> {
  const all: T[] = [];
  for (let at = 0; at < rows.length; at += ROWS) {
    const one = insertion(table, rows.slice(at, at + ROWS), onConflict);
    all.push(...(await ask<T>(db, sql`${one} returning ${returning}`)));
  }
  return all;
}

function insertion(table: PgTable, rows: Rows["rows"], onConflict: SQL): SQL {
  const { columns, before, after } = formOf(table);
  return sql`${before}${jsonRows(columns, rows)}${after} ${onConflict}`;
}

type Columns = readonly (readonly [key: string, column: Column])[];

interface Form {
  readonly columns: Columns;
  /** What a statement says around its rows. */
  readonly before: SQL;
  readonly after: SQL;
}

const forms = new WeakMap<PgTable, Form>();

/** Put together once: this takes longer than what is done with it. */
function formOf(table: PgTable): Form {
  const known = forms.get(table);
  if (known !== undefined) return known;
  const { schema, name } = getTableConfig(table);
  const columns = Object.entries(getTableColumns(table));
  const names = columns.map(([, column]) => `"${column.name}"`).join(", ");
  const form = {
    columns,
    before: sql.raw(
      `insert into ${schema === undefined ? "" : `"${schema}".`}"${name}" (${names}) select ${names} from json_to_recordset(`,
    ),
    after: sql.raw(`::json) as r (${typesOf(columns)})`),
  };
  forms.set(table, form);
  return form;
}

/** A source of rows called `r`, with these columns of a table. */
export function recordset(columns: Columns, rows: Rows["rows"]): SQL {
  return sql`json_to_recordset(${jsonRows(columns, rows)}::json) as r (${sql.raw(typesOf(columns))})`;
}

function typesOf(columns: Columns): string {
  return columns
    .map(([, column]) => `"${column.name}" ${column.getSQLType().replace(/ collate .*$/, "")}`)
    .join(", ");
}

function jsonRows(columns: Columns, rows: Rows["rows"]): string {
  const records = rows.map((row) => {
    const record: Record<string, unknown> = {};
    for (const [key, column] of columns) record[column.name] = jsonOf(column, row[key]);
    return record;
  });
  return JSON.stringify(records);
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
