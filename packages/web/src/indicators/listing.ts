/** The indicators of an export as CSV: what may be blocked, and what may not with the reason. */

export interface Listed {
  readonly type: string;
  /** Hostile. */
  readonly value: string;
  readonly usages: readonly string[];
  readonly families: readonly string[];
  readonly samples: number;
  readonly confidence: string;
  /** Undefined: it may be blocked. */
  readonly whyNot: string | undefined;
}

const COLUMNS = ["type", "value", "usage", "families", "samples", "confidence", "block", "why_not"] as const;

/** RFC 4180, as the server's own export writes it; undefined when it is something else. */
export function readListing(csv: string): Listed[] | undefined {
  const [head, ...rows] = readCsv(csv);
  const at = new Map((head ?? []).map((name, i) => [name, i]));
  if (COLUMNS.some((name) => !at.has(name))) return undefined;
  return rows.map((row) => {
    const cell = (name: (typeof COLUMNS)[number]) => unguarded(row[at.get(name) ?? -1] ?? "");
    const words = (name: (typeof COLUMNS)[number]) =>
      cell(name)
        .split(" ")
        .filter((word) => word !== "");
    return {
      ...{ type: cell("type"), value: cell("value"), usages: words("usage"), families: words("families") },
      ...{ samples: words("samples").length, confidence: cell("confidence") },
      whyNot: cell("block") === "yes" ? undefined : cell("why_not") || "marked as not blockable",
    };
  });
}

/** The apostrophe that keeps a sheet from running a cell. */
function unguarded(cell: string): string {
  return cell.startsWith("'") ? cell.slice(1) : cell;
}

/** One pass; quotes stand for themselves outside of quoted cells. */
export function readCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (let at = 0; at < text.length; ) {
    let cell = "";
    if (text[at] === '"') {
      for (at++; at < text.length; ) {
        const quote = text.indexOf('"', at);
        const end = quote < 0 ? text.length : quote;
        cell += text.slice(at, end);
        at = end + 1;
        if (text[at] !== '"') break;
        cell += '"';
        at++;
      }
    } else {
      const start = at;
      while (at < text.length && text[at] !== "," && text[at] !== "\r" && text[at] !== "\n") at++;
      cell = text.slice(start, at);
    }
    row.push(cell);
    if (text[at] === ",") {
      at++;
      // A comma at the very end has an empty cell behind it.
      if (at < text.length) continue;
      row.push("");
    }
    if (text[at] === "\r") at++;
    if (text[at] === "\n") at++;
    rows.push(row);
    row = [];
  }
  return rows;
}

const NETWORK: ReadonlySet<string> = new Set(["domain", "ipv4", "ipv6", "url", "socket"]);

export interface Sorted {
  readonly block: readonly Listed[];
  /** Addresses that are not to be blocked. */
  readonly leftOut: readonly Listed[];
  /** What no network blocks. */
  readonly others: readonly Listed[];
}

export function sortOut(all: readonly Listed[]): Sorted {
  return {
    block: all.filter(({ whyNot }) => whyNot === undefined),
    leftOut: all.filter(({ type, whyNot }) => whyNot !== undefined && NETWORK.has(type)),
    others: all.filter(({ type, whyNot }) => whyNot !== undefined && !NETWORK.has(type)),
  };
}

/** By reason, most first. */
export function byReason(
  listed: readonly Listed[],
): readonly (readonly [reason: string, of: readonly Listed[]])[] {
  const all = new Map<string, Listed[]>();
  for (const one of listed) {
    const reason = one.whyNot ?? "";
    const known = all.get(reason);
    if (known === undefined) all.set(reason, [one]);
    else known.push(one);
  }
  return [...all].sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1));
}
