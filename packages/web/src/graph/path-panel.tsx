/** The way between two nodes, in words. */
import { Fragment } from "react";
import type { Board, GraphEdge } from "./board.ts";
import { labelOf } from "./labels.ts";
import type { PathStep } from "./path.ts";
import { ShapeIcon } from "./shape-icon.tsx";

export interface PathEnds {
  readonly from: string | undefined;
  readonly to: string | undefined;
}

interface PathPanelProps {
  readonly board: Board;
  readonly ends: PathEnds;
  /** Undefined: not looked for, or there is none. */
  readonly steps: readonly PathStep[] | undefined;
  readonly state: "choosing" | "searching" | "found" | "none";
  readonly onSelect: (key: string) => void;
  readonly onClose: () => void;
}

export function PathPanel({ board, ends, steps, state, onSelect, onClose }: PathPanelProps) {
  const from = ends.from === undefined ? undefined : board.nodes.get(ends.from);
  return (
    <section className="panel path" aria-label="Path">
      <header>
        <h2 className="grow">Path</h2>
        <button type="button" className="button small plain" onClick={onClose}>
          Close
        </button>
      </header>
      <div className="body" aria-live="polite">
        {state === "choosing" && from !== undefined && (
          <p>
            From <bdi>{labelOf(from)}</bdi>. Choose the other end, then <em>Path to here</em>.
          </p>
        )}
        {state === "searching" && <p className="dim pulse">Looking through the corpus …</p>}
        {state === "none" && <p>There is no way between the two within twelve ties.</p>}
        {state === "found" && steps !== undefined && (
          <ol className="steps">
            {steps.map(({ node, by }) => {
              const at = board.nodes.get(node);
              if (at === undefined) return null;
              return (
                <Fragment key={node}>
                  {by !== undefined && <li className="by dim small">{toldTie(by)}</li>}
                  <li>
                    <button type="button" className="tie" onClick={() => onSelect(node)}>
                      <ShapeIcon kind={at.kind} />
                      <bdi className="cut">{labelOf(at)}</bdi>
                    </button>
                  </li>
                </Fragment>
              );
            })}
          </ol>
        )}
        {state === "found" && steps?.some(({ by }) => by?.weight === 0) && (
          <p className="dim small">It goes over a tie that says next to nothing (a family, a default).</p>
        )}
      </div>
    </section>
  );
}

function toldTie({ kind, why, weight }: GraphEdge): string {
  const said = why === undefined ? kind.replaceAll("-", " ") : `${kind.replaceAll("-", " ")} as ${why}`;
  return `${said}, weight ${weight.toFixed(2)}`;
}
