/** Lists of C2s as CSV: of feeds, of sheets, and those that assay writes. Columns are known by their names, or by what they hold. */
import { fromCsvCell } from "../export/csv.ts";
import { TYPE_NAMES } from "../indicators/index.ts";
import type { ConnUsage } from "../model/index.ts";
import { CONN_USAGES } from "../model/maco.ts";
import { addressesOf, Draft, hashOf, MAX_INDICATORS, momentOf, type Reading } from "./claim.ts";
import { csvRows } from "./csv-rows.ts";

type Column = "address" | "host" | "port" | "type" | "usage" | "family" | "at" | "hash";

const COLUMNS: readonly (readonly [Column, RegExp])[] = [
  ["port", /^(?:dst)?port$/],
  ["host", /^(?:host|hostname|ip|ipaddress|dstip|destip|server|domain)$/],
  [
    "address",
    /^(?:ioc|iocvalue|indicator|indicatorvalue|value|c2|c2s|cnc|c2address|url|uri|address|observable|artifact)$/,
  ],
  ["type", /^(?:type|ioctype|indicatortype)$/],
  ["usage", /^(?:usage|threattype|role)$/],
  ["family", /^(?:family|families|malware|malwareprintable|malwarefamily|signature|threat|malwarename)$/],
  ["at", /^(?:firstseen|firstseenutc|date|dateadded|seen|added|timestamp|dateutc)$/],
  ["hash", /^(?:sha256|sha256hash|hash|samples?|sha1|md5|md5hash|filehash)$/],
];

/** Draft of each family, day and file; a list of a million rows is some thousands of them. */
const MAX_DRAFTS = 50_000;

export function looksLikeCsv(text: string): boolean {
  const rows: string[][] = [];
  let heading: string[] | undefined;
  for (const row of csvRows(text.slice(0, 64 * 1024), (line) => {
    heading = headingIn(line) ?? heading;
  })) {
    rows.push(row);
    if (rows.length >= 20) break;
  }
  const first = heading ?? rows[0] ?? [];
  if (columnsOf(first).size > 0 && first.length > 1) return true;
  // Without names: rows of equal length, an address in each. Prose has commas too.
  const width = rows[0]?.length ?? 0;
  return (
    width > 1 &&
    rows.every(
      (row) =>
        row.length === width &&
        row.some((cell) => addressesOf(cell).length > 0 || hashOf(cell) !== undefined),
    )
  );
}

export function readCsv(text: string, reading: Reading): void {
  const drafts = new Map<string, Draft>();
  let columns: ReadonlyMap<Column, readonly number[]> | undefined;
  let heading: string[] | undefined;
  let number = 0;
  for (const row of csvRows(text, (line) => {
    heading = headingIn(line) ?? heading;
  })) {
    number++;
    if (columns === undefined) {
      const own = columnsOf(row);
      const isHeading = own.size > 0 && !row.some((cell) => addressesOf(cell).length > 0);
      columns = isHeading ? own : heading === undefined ? new Map() : columnsOf(heading);
      if (isHeading) continue;
    }
    takeRow(row, number, columns, drafts, reading);
  }
  for (const draft of drafts.values()) reading.add(draft);
}

/** Feeds of abuse.ch give the names of their columns in the last line of comments. */
function headingIn(comment: string): string[] | undefined {
  const [row] = csvRows(comment.trim(), () => undefined);
  return row !== undefined && row.length > 1 && columnsOf(row).size > 1 ? row : undefined;
}

function columnsOf(names: readonly string[]): Map<Column, number[]> {
  const columns = new Map<Column, number[]>();
  for (const [index, name] of names.entries()) {
    const plain = name
      .slice(0, 64)
      .toLowerCase()
      .replace(/[^a-z0-9]/g, "");
    const column = COLUMNS.find(([, form]) => form.test(plain))?.[0];
    if (column !== undefined) columns.set(column, [...(columns.get(column) ?? []), index]);
  }
  return columns;
}

function takeRow(
  raw: readonly string[],
  number: number,
  columns: ReadonlyMap<Column, readonly number[]>,
  drafts: Map<string, Draft>,
  reading: Reading,
): void {
  const row = raw.map(fromCsvCell);
  const cell = (column: Column) =>
    (columns.get(column) ?? []).map((index) => row[index] ?? "").find((text) => text !== "") ?? "";
  const hashes = cells(row, columns, "hash")
    .flatMap((text) => text.split(/[\s;,]+/))
    .flatMap((text) => hashOf(text) ?? []);
  // One row of many files speaks of none of them alone.
  const subjects =
    columns.size === 0
      ? row.flatMap((text) => hashOf(text) ?? []).slice(0, 1)
      : hashes.length === 1
        ? hashes
        : [];
  const families = cell("family").split(/[\s,]+(?=[a-z]+\.)/);
  const family = families.length === 1 ? (families[0] ?? "") : "";
  const at = momentOf(cell("at"))?.slice(0, 10) ?? "";
  const key = `${family}\0${at}\0${subjects.join()}`;
  let draft = drafts.get(key);
  if (draft === undefined) {
    if (drafts.size >= MAX_DRAFTS) {
      reading.leaveOut(`row ${number}`, `more than ${MAX_DRAFTS} families, days and files`);
      return;
    }
    draft = new Draft(reading);
    draft.family(family);
    draft.at(at);
    for (const hash of subjects) draft.subject(hash);
    drafts.set(key, draft);
  }
  if (!takeValue(draft, row, columns, cell))
    reading.leaveOut(
      raw.join(",").slice(0, 200),
      `row ${number} has no address, and no other indicator by its type`,
    );
}

function cells(
  row: readonly string[],
  columns: ReadonlyMap<Column, readonly number[]>,
  column: Column,
): string[] {
  return (columns.get(column) ?? []).map((index) => row[index] ?? "");
}

function takeValue(
  draft: Draft,
  row: readonly string[],
  columns: ReadonlyMap<Column, readonly number[]>,
  cell: (column: Column) => string,
): boolean {
  const said = cell("usage").toLowerCase().split(/\s+/);
  const usage: ConnUsage =
    CONN_USAGES.find((one) => said.includes(one)) ??
    (said.some((one) => /payload|download|distribution/.test(one)) ? "download" : "c2");
  const type = TYPE_NAMES.get(cell("type").toLowerCase());
  const value = cell("address");
  const isName = type !== undefined && !["domain", "ipv4", "ipv6", "url", "socket"].includes(type);
  if (isName) {
    if (value === "") return false;
    draft.name(type, value);
    return true;
  }
  if (value !== "") return draft.address(value, usage);
  const [host, port] = [cell("host"), cell("port")];
  if (host !== "") {
    const bare = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
    return (/^\d{1,5}$/.test(port) && draft.address(`${bare}:${port}`, usage)) || draft.address(host, usage);
  }
  // Without names every cell may be one.
  return (
    columns.size === 0 &&
    row
      .slice(0, MAX_INDICATORS)
      .map((text) => draft.address(text, "c2"))
      .some((is) => is)
  );
}
