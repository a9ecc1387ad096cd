/** The table itself: as many rows as there are, drawn only where one looks; the keyboard goes through it. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, memo, useCallback, useMemo, useRef, useState } from "react";
import { count, short } from "../format.ts";
import { Hostile } from "../hostile.tsx";
import { defangedHost, plain } from "../hostile-text.ts";
import { Link, navigate } from "../shell/router.tsx";
import { Badge, familyName } from "../ui/badge.tsx";
import { CopyButton } from "../ui/copy.tsx";
import type { Column, Item, Line, Sort } from "./table-model.ts";

const ROW_PX = 27;
/** Rows above and below what is seen. */
const OVERSCAN = 6;
/** As in batch.css. */
const HEAD_PX = 28;

const COLUMNS: readonly { readonly id: Column; readonly label: string; readonly number?: true }[] = [
  { id: "name", label: "Name" },
  { id: "sha256", label: "SHA-256" },
  { id: "family", label: "Family" },
  { id: "version", label: "Version" },
  { id: "confidence", label: "Confidence" },
  { id: "c2Count", label: "C2s", number: true },
  { id: "sharedC2", label: "First shared C2" },
  { id: "outcome", label: "Outcome" },
  { id: "reason", label: "Reason" },
];

export interface BatchTableProps {
  readonly lines: readonly Line[];
  readonly sort: Sort;
  readonly onSort: (column: Column) => void;
  readonly selected: ReadonlySet<string>;
  readonly onSelect: (keys: ReadonlySet<string>) => void;
  readonly closed: ReadonlySet<string>;
  readonly onToggle: (group: string) => void;
}

export function BatchTable({ lines, sort, onSort, selected, onSelect, closed, onToggle }: BatchTableProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState(0);
  const anchor = useRef(0);
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
    scrollMargin: HEAD_PX,
    scrollPaddingStart: HEAD_PX,
  });
  const isFlying = useFlight(rows.isScrolling, rows.range);

  const toggle = useCallback(
    (index: number, range: boolean) => {
      const next = new Set(selected);
      const [first, last] = range
        ? [Math.min(anchor.current, index), Math.max(anchor.current, index)]
        : [index, index];
      const on = !isChosen(lines[index], selected);
      for (const line of lines.slice(first, last + 1))
        for (const key of keysOf(line)) {
          if (on) next.add(key);
          else next.delete(key);
        }
      anchor.current = index;
      onSelect(next);
    },
    [lines, selected, onSelect],
  );

  const go = (index: number) => {
    const next = Math.max(0, Math.min(lines.length - 1, index));
    setAt(next);
    rows.scrollToIndex(next);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const line = lines[at];
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 300) / ROW_PX) - 2);
    const moves: Readonly<Record<string, number>> = {
      j: at + 1,
      ArrowDown: at + 1,
      k: at - 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: lines.length - 1,
    };
    const to = moves[event.key];
    if (to !== undefined) go(to);
    else if (event.target !== scroller.current) return;
    else if (event.key === "x" || event.key === " ") toggle(at, event.shiftKey);
    else if (event.key === "Enter" && line !== undefined) {
      if (line.kind === "group") onToggle(line.id);
      else navigate(`/samples/${line.item.row.sha256}`);
    } else return;
    event.preventDefault();
  };

  const all = useMemo(() => lines.flatMap((line) => (line.kind === "item" ? [line.item.key] : [])), [lines]);
  const isAll = useMemo(
    () => all.length > 0 && all.length <= selected.size && all.every((key) => selected.has(key)),
    [all, selected],
  );
  return (
    <div
      ref={scroller}
      className="batch-table"
      role="table"
      tabIndex={0}
      aria-label="Samples of the batch"
      aria-rowcount={lines.length + 1}
      aria-colcount={COLUMNS.length + 1}
      onKeyDown={onKeyDown}
    >
      <div className="head grid" role="row" aria-rowindex={1}>
        <span role="columnheader">
          <input
            type="checkbox"
            aria-label="Select all that are shown"
            checked={isAll}
            onChange={() => onSelect(isAll ? new Set() : new Set(all))}
          />
        </span>
        {COLUMNS.map(({ id, label, number }) => (
          <span
            key={id}
            role="columnheader"
            aria-sort={sort.column === id ? (sort.down ? "descending" : "ascending") : "none"}
            className={number ? "number" : undefined}
          >
            <button type="button" onClick={() => onSort(id)}>
              {label}
              {sort.column === id && <span aria-hidden="true"> {sort.down ? "↓" : "↑"}</span>}
            </button>
          </span>
        ))}
      </div>
      <div className="body" role="rowgroup" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map(({ index, start }) => {
          const line = lines[index];
          if (line === undefined) return null;
          const place = { index, top: start - HEAD_PX, isCurrent: index === at };
          return line.kind === "group" ? (
            <div key={`group ${line.id}`} className="row group" role="row" {...placed(place)}>
              <span role="cell">
                <input
                  type="checkbox"
                  aria-label={`Select all of ${plain(line.label)}`}
                  checked={isChosen(line, selected)}
                  onChange={() => toggle(index, false)}
                />
              </span>
              <span role="cell" className="group-label">
                <button type="button" aria-expanded={!closed.has(line.id)} onClick={() => onToggle(line.id)}>
                  <span aria-hidden="true">{closed.has(line.id) ? "▸" : "▾"}</span> {plain(line.label)}
                </button>
                <span className="dim">{count(line.items.length)}</span>
              </span>
            </div>
          ) : isFlying ? (
            <FlyingRow key={`flying ${index % FLYING_SLOTS}`} item={line.item} {...place} />
          ) : (
            <Row
              key={line.item.key}
              item={line.item}
              selected={selected.has(line.item.key)}
              onToggle={toggle}
              onPoint={setAt}
              {...place}
            />
          );
        })}
      </div>
    </div>
  );
}

/** More than rows fit on any screen. */
const FLYING_SLOTS = 512;

/**
 * Whether the rows fly by: whole screens are passed at a time, as when the bar is dragged, until they rest again.
 */
function useFlight(
  isScrolling: boolean,
  range: { readonly startIndex: number; readonly endIndex: number } | null,
): boolean {
  const [{ first, isFlying }, setSeen] = useState({ first: 0, isFlying: false });
  const { startIndex, endIndex } = range ?? { startIndex: 0, endIndex: 0 };
  const flies = isScrolling && (isFlying || Math.abs(startIndex - first) > endIndex - startIndex);
  if (startIndex !== first || flies !== isFlying) setSeen({ first: startIndex, isFlying: flies });
  return flies;
}

function keysOf(line: Line): string[] {
  return line.kind === "item" ? [line.item.key] : line.items.map(({ key }) => key);
}

function isChosen(line: Line | undefined, selected: ReadonlySet<string>): boolean {
  return line !== undefined && keysOf(line).every((key) => selected.has(key));
}

interface Place {
  readonly index: number;
  /** Pixels below the first. */
  readonly top: number;
  readonly isCurrent: boolean;
}

function placed({ index, top, isCurrent }: Place) {
  return {
    style: { transform: `translateY(${top}px)` },
    "aria-rowindex": index + 2,
    "data-at": isCurrent ? "" : undefined,
  };
}

interface RowProps extends Place {
  readonly item: Item;
  readonly selected: boolean;
  readonly onToggle: (index: number, range: boolean) => void;
  readonly onPoint: (index: number) => void;
}

/** Drawn anew only when something of it changes: rows that stay in sight while others come cost nothing. */
const Row = memo(function Row({ item, selected, onToggle, onPoint, ...place }: RowProps) {
  const { row } = item;
  const [isPointedAt, setPointedAt] = useState(false);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the rows' keys are those of the table
    <div
      className={`row grid${selected ? " selected" : ""}`}
      role="row"
      aria-selected={selected}
      onClick={() => onPoint(place.index)}
      onPointerEnter={() => setPointedAt(true)}
      onPointerLeave={() => setPointedAt(false)}
      {...placed(place)}
    >
      <span role="cell">
        <input
          type="checkbox"
          aria-label={`Select ${plain(row.name)}`}
          checked={selected}
          onClick={(event) => onToggle(place.index, event.shiftKey)}
          onChange={() => undefined}
        />
      </span>
      <span role="cell" className="cut">
        <Link to={`/samples/${row.sha256}`} title={plain(row.name)}>
          <Hostile text={row.name} raw cut />
        </Link>
      </span>
      <span role="cell" className="cut mono hash">
        <span className="cut">{row.sha256}</span>
        {(isPointedAt || place.isCurrent) && (
          <CopyButton text={row.sha256} label="copy" title={`Copy ${short(row.sha256)}…`} />
        )}
      </span>
      <span role="cell" className="cut">
        {row.families.map(familyName).join(", ")}
      </span>
      <span role="cell" className="cut">
        {plain(item.version)}
      </span>
      <span role="cell">{item.confidence !== "" && <Badge value={item.confidence} />}</span>
      <span role="cell" className="number">
        {item.c2Count > 0 && item.c2Count}
      </span>
      <span role="cell" className="cut mono">
        {item.sharedC2 !== "" && (
          <Link
            to={`/search?q=${encodeURIComponent(item.sharedC2)}`}
            title={`${defangedHost(item.sharedC2)}: ${item.sharedBy} samples of the corpus have it`}
          >
            <Hostile text={defangedHost(item.sharedC2)} raw /> <span className="dim">×{item.sharedBy}</span>
          </Link>
        )}
      </span>
      <span role="cell">
        <Badge value={STATES[item.outcome] ?? item.outcome} />
      </span>
      <span role="cell" className="cut dim">
        {item.reason !== "" && (
          <Hostile text={row.stage === null ? item.reason : `${row.stage}: ${item.reason}`} cut />
        )}
      </span>
    </div>
  );
});

/** A row that nobody can point at: its name, hash and family to steer by, in elements that the next one takes over. */
function FlyingRow({ item, ...place }: Place & { readonly item: Item }) {
  return (
    <div className="row grid flying" role="row" {...placed(place)}>
      <span />
      <span role="cell" className="cut">
        {plain(item.row.name)}
      </span>
      <span role="cell" className="cut mono dim">
        {item.row.sha256}
      </span>
      <span role="cell" className="cut">
        {item.row.families.map(familyName).join(", ")}
      </span>
    </div>
  );
}

const STATES: Readonly<Record<string, string>> = { queued: "waiting", active: "analysing" };
