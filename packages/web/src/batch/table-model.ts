/** The batch table without its drawing: what a row says, in which order, under which head. */
import type { BatchTableRow } from "../api-types.ts";
import { defangedHost } from "../hostile-text.ts";

export interface Item {
  /** Of the row: the file's number, and which of its findings' files. */
  readonly key: string;
  readonly row: BatchTableRow;
  readonly family: string;
  readonly version: string;
  readonly confidence: string;
  readonly c2Count: number;
  readonly sharedC2: string;
  readonly sharedBy: number;
  readonly outcome: string;
  readonly reason: string;
  /** Lower case, for the filter. */
  readonly text: string;
}

export type Column =
  | "name"
  | "sha256"
  | "family"
  | "version"
  | "confidence"
  | "c2Count"
  | "sharedC2"
  | "outcome"
  | "reason";

export interface Sort {
  readonly column: Column | "n";
  readonly down: boolean;
}

export type Grouping = "" | "family" | "cluster";

export interface Arrangement {
  readonly filter: string;
  readonly outcome: string;
  readonly family: string;
  readonly sort: Sort;
  readonly group: Grouping;
  /** Groups that show only their head. */
  readonly closed: ReadonlySet<string>;
}

export type Line =
  | { readonly kind: "group"; readonly id: string; readonly label: string; readonly items: readonly Item[] }
  | { readonly kind: "item"; readonly item: Item };

/** Strongest first. */
const CONFIDENCES = ["proved", "structural", "heuristic"];
const OUTCOMES = ["config", "identified", "unknown", "unsupported", "failed", "dead", "active", "queued"];

export function itemOf(row: BatchTableRow): Item {
  const [shared] = row.shared;
  const family = row.families.join(", ");
  const confidence =
    CONFIDENCES.find((one) => row.findings.some((finding) => finding.confidence === one)) ?? "";
  const version = [
    ...new Set(row.findings.flatMap((one) => (one.version === null ? [] : [one.version]))),
  ].join(", ");
  const c2 = new Set(row.findings.flatMap((one) => one.c2));
  const outcome = row.state === "done" ? (row.outcome ?? "") : row.state;
  const reason = row.reason ?? "";
  return {
    key: `${row.n}:${row.sha256}`,
    row,
    ...{ family, version, confidence, outcome, reason },
    c2Count: c2.size,
    sharedC2: shared?.value ?? "",
    sharedBy: shared?.samples ?? 0,
    text: [row.name, row.sha256, row.file, family, version, ...c2, outcome, reason, row.cluster ?? ""]
      .join("\n")
      .toLowerCase(),
  };
}

/** Words that must all be there; addresses may be defanged. */
export function matches(item: Item, words: readonly string[]): boolean {
  return words.every((word) => item.text.includes(word));
}

export function wordsOf(filter: string): string[] {
  return filter
    .toLowerCase()
    .replaceAll("[.]", ".")
    .replaceAll("[:]", ":")
    .replaceAll("hxxp", "http")
    .split(/\s+/)
    .filter((word) => word !== "");
}

function rank(list: readonly string[], value: string): number {
  const at = list.indexOf(value);
  return at < 0 ? list.length : at;
}

function compare(column: Sort["column"], a: Item, b: Item): number {
  switch (column) {
    case "n":
      return a.row.n - b.row.n;
    case "name":
      return byText(a.row.name, b.row.name);
    case "sha256":
      return byText(a.row.sha256, b.row.sha256);
    case "c2Count":
      return a.c2Count - b.c2Count;
    case "confidence":
      return rank(CONFIDENCES, a.confidence) - rank(CONFIDENCES, b.confidence);
    case "outcome":
      return rank(OUTCOMES, a.outcome) - rank(OUTCOMES, b.outcome);
    default:
      return byText(a[column], b[column]);
  }
}

/** What is empty stands behind what is not. */
function byText(a: string, b: string): number {
  if (a === b) return 0;
  if (a === "" || b === "") return a === "" ? 1 : -1;
  return a < b ? -1 : 1;
}

/** The items that the filters leave, in order. */
export function select(items: readonly Item[], { filter, outcome, family, sort }: Arrangement): Item[] {
  const words = wordsOf(filter);
  const left = items.filter(
    (item) =>
      (outcome === "" || item.outcome === outcome) &&
      (family === "" || item.row.families.includes(family)) &&
      matches(item, words),
  );
  const sign = sort.down ? -1 : 1;
  return left.sort((a, b) => sign * compare(sort.column, a, b) || a.row.n - b.row.n);
}

/** Lines of the table: items, under the heads of their groups, largest group first. */
export function lines(items: readonly Item[], group: Grouping, closed: ReadonlySet<string>): Line[] {
  if (group === "") return items.map((item) => ({ kind: "item", item }));
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const key = group === "family" ? item.family : (item.row.cluster ?? "");
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [item]);
    else known.push(item);
  }
  const sorted = [...groups].sort(
    ([a, x], [b, y]) => Number(a === "") - Number(b === "") || y.length - x.length || (a < b ? -1 : 1),
  );
  return sorted.flatMap(([id, members]): Line[] => [
    { kind: "group", id, label: labelOf(group, id, members), items: members },
    ...(closed.has(id) ? [] : members.map((item): Line => ({ kind: "item", item }))),
  ]);
}

/** Families told of a cluster's head. */
const FAMILIES = 4;

function labelOf(group: Grouping, id: string, members: readonly Item[]): string {
  if (group === "family") return id === "" ? "no family" : id;
  if (id === "") return "in no cluster";
  const families = [...new Set(members.flatMap(({ row }) => row.families))];
  const shared = [...new Set(members.flatMap(({ sharedC2 }) => (sharedC2 === "" ? [] : [sharedC2])))];
  const named = families.slice(0, FAMILIES).join(", ");
  return `${id}: ${named}${shared[0] === undefined ? "" : ` on ${defangedHost(shared[0])}`}`;
}

/** How often each value occurs, most frequent first. */
export function tally(values: Iterable<string>): [value: string, n: number][] {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
}
