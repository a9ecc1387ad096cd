/** The same nodes as a list: for keyboards, for screen readers, and for whoever rather reads. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { neighbours } from "./board.ts";
import type { Drawn } from "./filter.ts";
import type { Grouping } from "./groups.ts";
import { describe, KINDS, labelOf } from "./labels.ts";
import { groupIndex } from "./paint.ts";
import { ShapeIcon } from "./shape-icon.tsx";

const ROW = 38;
const PAGE_ROWS = 10;

interface NodeListProps {
  readonly drawn: Drawn;
  readonly grouping: Grouping;
  readonly selected: string | undefined;
  readonly onSelect: (key: string) => void;
  readonly onExpand: (key: string) => void;
}

export function NodeList({ drawn, grouping, selected, onSelect, onExpand }: NodeListProps) {
  const [text, setText] = useState("");
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useMemo(() => {
    const wanted = text.trim().toLowerCase();
    const around = neighbours(drawn);
    return [...drawn.nodes.values()]
      .map((node) => ({
        node,
        label: labelOf(node),
        told: describe(node),
        ties: around.get(node.key)?.length ?? 0,
      }))
      .filter(
        ({ node, label, told }) =>
          wanted === "" ||
          [label, told, node.label, ...(node.names ?? [])].some((one) => one.toLowerCase().includes(wanted)),
      )
      .sort(
        (a, b) =>
          KINDS.indexOf(a.node.kind) - KINDS.indexOf(b.node.kind) ||
          b.ties - a.ties ||
          (a.label < b.label ? -1 : 1),
      );
  }, [drawn, text]);
  const at = rows.findIndex(({ node }) => node.key === selected);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 8,
  });
  useEffect(() => {
    if (at >= 0) virtual.scrollToIndex(at, { align: "auto" });
  }, [at, virtual]);

  const go = (to: number) => {
    const row = rows[Math.max(0, Math.min(rows.length - 1, to))];
    if (row !== undefined) onSelect(row.node.key);
  };
  const onKey = (event: KeyboardEvent) => {
    const moves: Readonly<Record<string, number>> = {
      ArrowDown: at + 1,
      j: at + 1,
      ArrowUp: at < 0 ? 0 : at - 1,
      k: at < 0 ? 0 : at - 1,
      PageDown: at + PAGE_ROWS,
      PageUp: at - PAGE_ROWS,
      Home: 0,
      End: rows.length - 1,
    };
    const to = moves[event.key];
    if (to !== undefined) go(to);
    else if (event.key === "Enter" && selected !== undefined) onExpand(selected);
    else return;
    event.preventDefault();
  };

  return (
    <section className="panel node-list" aria-label="Nodes of the graph">
      <header>
        <h2>{rows.length.toLocaleString("en")} nodes</h2>
        <input
          type="search"
          className="grow"
          aria-label="Filter the nodes"
          placeholder="Filter"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
      </header>
      <div
        ref={scroller}
        className="rows"
        role="listbox"
        aria-label="Nodes: arrow keys choose, Enter expands"
        tabIndex={0}
        onKeyDown={onKey}
        {...(at >= 0 ? { "aria-activedescendant": `node-${at}` } : {})}
      >
        <div role="presentation" style={{ height: virtual.getTotalSize(), position: "relative" }}>
          {virtual.getVirtualItems().map(({ index, start }) => {
            const row = rows[index];
            if (row === undefined) return null;
            const { node, label, told } = row;
            return (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the list takes the keys
              <div
                key={node.key}
                id={`node-${index}`}
                role="option"
                aria-selected={node.key === selected}
                aria-setsize={rows.length}
                aria-posinset={index + 1}
                data-key={node.key}
                className="row"
                style={{ transform: `translateY(${start}px)`, height: ROW }}
                onClick={() => onSelect(node.key)}
                onDoubleClick={() => onExpand(node.key)}
              >
                <ShapeIcon kind={node.kind} group={groupIndex(grouping, node.key)} />
                <bdi className="cut">{label}</bdi>
                <span className="dim small cut">{told}</span>
              </div>
            );
          })}
        </div>
      </div>
    </section>
  );
}
