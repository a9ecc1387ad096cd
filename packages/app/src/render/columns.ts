/** Rows in columns, as every table of the command looks. */
import { shorten } from "@assay/core/export/escape";
import Table from "cli-table3";
import type { Paint } from "./paint.ts";

/** Spaces between columns. */
const GAP = 2;
const MIN_COLUMN = 18;

/**
 * A plain table: two spaces between columns, no frames, so that it survives copy and paste. Cells that are too
 * long for the line are shortened in column `give`, then the last column wraps.
 */
export function columns(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  width: number,
  paint: Paint,
  give = 0,
): string {
  const natural = head.map(
    (title, i) => Math.max(title.length, ...rows.map((row) => [...(row[i] ?? "")].length)) + GAP,
  );
  const last = natural.length - 1;
  const total = (): number => natural.reduce((sum, value) => sum + value, 0);
  if (total() > width) natural[give] = Math.max(MIN_COLUMN, (natural[give] ?? 0) - (total() - width));
  if (total() > width) natural[last] = Math.max(MIN_COLUMN, (natural[last] ?? 0) - (total() - width));
  const bare = {
    top: "",
    "top-mid": "",
    "top-left": "",
    "top-right": "",
    bottom: "",
    "bottom-mid": "",
    "bottom-left": "",
  };
  const noLines = {
    "bottom-right": "",
    left: "",
    "left-mid": "",
    mid: "",
    "mid-mid": "",
    right: "",
    "right-mid": "",
    middle: "",
  };
  const table = new Table({
    head: head.map((title) => paint.dim(title)),
    chars: { ...bare, ...noLines },
    style: { "padding-left": 0, "padding-right": GAP, head: [], border: [], compact: true },
    colWidths: natural,
    wordWrap: true,
    wrapOnWordBoundary: true,
  });
  for (const row of rows) {
    table.push(
      row.map((cell, i) => {
        if (head[i] === "CONFIDENCE") return paint.outcome(cell);
        return i === last ? cell : shorten(cell, Math.max(1, (natural[i] ?? 0) - GAP));
      }),
    );
  }
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
