/** What the graph is about, which kinds it shows and how, and its exports. */
import { type FormEvent, useEffect, useMemo, useState } from "react";
import type { Board, Kind } from "./board.ts";
import { COLOUR_BY, type ColourBy } from "./groups.ts";
import { KINDS } from "./labels.ts";
import { ShapeIcon } from "./shape-icon.tsx";

const DEPTHS = [1, 2, 3, 4];

interface GraphBarProps {
  readonly board: Board;
  readonly seed: string | undefined;
  readonly depth: number;
  readonly hidden: ReadonlySet<Kind>;
  readonly colourBy: ColourBy;
  readonly onSeed: (seed: string | undefined) => void;
  readonly onDepth: (depth: number) => void;
  readonly onHidden: (hidden: ReadonlySet<Kind>) => void;
  readonly onColourBy: (by: ColourBy) => void;
  readonly onSave: (form: "png" | "graphml") => void;
}

export function GraphBar(props: GraphBarProps) {
  const { board, seed, depth, hidden, colourBy, onSeed, onDepth, onHidden, onColourBy, onSave } = props;
  const [text, setText] = useState(seed ?? "");
  useEffect(() => setText(seed ?? ""), [seed]);
  const counts = useMemo(() => {
    const all = new Map<Kind, number>();
    for (const { kind } of board.nodes.values()) all.set(kind, (all.get(kind) ?? 0) + 1);
    return all;
  }, [board]);
  const go = (event: FormEvent) => {
    event.preventDefault();
    onSeed(text.trim() === "" ? undefined : text.trim());
  };
  const toggle = (kind: Kind) => {
    const next = new Set(hidden);
    if (!next.delete(kind)) next.add(kind);
    onHidden(next);
  };
  return (
    <div className="graph-bar bar">
      <form className="bar grow" onSubmit={go}>
        <h1>Graph</h1>
        <label className="hidden-label" htmlFor="seed">
          Around
        </label>
        <input
          id="seed"
          className="grow"
          type="search"
          autoComplete="off"
          spellCheck={false}
          placeholder="around a hash, an address, family:…, a cluster; empty: the whole corpus"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <label className="small">
          Steps{" "}
          <select
            value={depth}
            disabled={seed === undefined}
            onChange={(event) => onDepth(Number(event.currentTarget.value))}
          >
            {DEPTHS.map((n) => (
              <option key={n}>{n}</option>
            ))}
          </select>
        </label>
        <button type="submit" className="button">
          Show
        </button>
      </form>
      <fieldset className="kinds">
        <legend className="hidden-label">Kinds of nodes that are shown</legend>
        {KINDS.filter((kind) => (counts.get(kind) ?? 0) > 0 || hidden.has(kind)).map((kind) => (
          <button
            key={kind}
            type="button"
            className="button small"
            aria-pressed={!hidden.has(kind)}
            onClick={() => toggle(kind)}
          >
            <ShapeIcon kind={kind} /> {kind === "group" ? "more" : kind}{" "}
            <span className="dim">{counts.get(kind) ?? 0}</span>
          </button>
        ))}
      </fieldset>
      <label className="small">
        Colour{" "}
        <select value={colourBy} onChange={(event) => onColourBy(event.currentTarget.value as ColourBy)}>
          {COLOUR_BY.map((by) => (
            <option key={by}>{by}</option>
          ))}
        </select>
      </label>
      <button type="button" className="button small" onClick={() => onSave("png")}>
        PNG
      </button>
      <button type="button" className="button small" onClick={() => onSave("graphml")}>
        GraphML
      </button>
    </div>
  );
}
