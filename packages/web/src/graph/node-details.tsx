/** What is known of the node that is chosen, and where to go from it. */
import { type ReactNode, useMemo } from "react";
import { day } from "../format.ts";
import { Hostile } from "../hostile.tsx";
import { Link } from "../shell/router.tsx";
import { Badge, familyName } from "../ui/badge.tsx";
import { type Board, type GraphNode, neighbours } from "./board.ts";
import { kindName, labelOf } from "./labels.ts";
import { ShapeIcon } from "./shape-icon.tsx";

/** Ties that are listed; the graph shows the others. */
const MAX_TIES = 40;

interface DetailsProps {
  readonly board: Board;
  readonly node: GraphNode;
  readonly group: number | undefined;
  readonly loading: boolean;
  readonly onExpand: () => void;
  readonly onSelect: (key: string) => void;
  readonly onPathFrom: () => void;
  readonly onPathTo: (() => void) | undefined;
}

export function NodeDetails({
  board,
  node,
  group,
  loading,
  onExpand,
  onSelect,
  onPathFrom,
  onPathTo,
}: DetailsProps) {
  const ties = useMemo(
    () =>
      [...(neighbours(board).get(node.key) ?? [])]
        .sort((a, b) => b.edge.weight - a.edge.weight)
        .slice(0, MAX_TIES),
    [board, node.key],
  );
  return (
    <section className="panel node-details" aria-label="The chosen node">
      <header>
        <ShapeIcon kind={node.kind} group={group} />
        <h2 className="grow cut">{kindName(node)}</h2>
        {node.outcome !== undefined && <Badge value={node.outcome} />}
      </header>
      <div className="body">
        <p className="value">
          {node.kind === "group" ? <bdi>{labelOf(node)}</bdi> : <Hostile text={node.label} mono copy />}
        </p>
        <div className="bar">
          <button type="button" className="button small primary" disabled={loading} onClick={onExpand}>
            {node.kind === "group" ? "Open the next" : "Expand"}
          </button>
          {node.kind === "sample" && (
            <Link className="button small" to={`/samples/${node.label}`}>
              Open sample
            </Link>
          )}
          {node.kind !== "group" && node.kind !== "cluster" && node.kind !== "community" && (
            <Link className="button small" to={`/search?q=${encodeURIComponent(pivotOf(node))}`}>
              Pivot
            </Link>
          )}
          {node.kind !== "group" && (
            <>
              <Link className="button small" to={`/graph?seed=${encodeURIComponent(node.key)}`}>
                Start here
              </Link>
              <button type="button" className="button small" onClick={onPathFrom}>
                Path from here
              </button>
              <button
                type="button"
                className="button small"
                disabled={onPathTo === undefined}
                onClick={onPathTo}
              >
                Path to here
              </button>
            </>
          )}
        </div>
        <dl>
          {node.names !== undefined && node.names.length > 0 && (
            <Fact name="Names">
              {node.names.slice(0, 5).map((name) => (
                <div key={name}>
                  <Hostile text={name} raw />
                </div>
              ))}
            </Fact>
          )}
          {node.families !== undefined && node.families.length > 0 && (
            <Fact name="Families">
              {node.families.map(({ family, samples }) => (
                <span key={family} className="badge">
                  {familyName(family)}
                  {node.kind === "sample" ? "" : ` ${samples}`}
                </span>
              ))}
            </Fact>
          )}
          {node.samples !== undefined && (
            <Fact name="Samples">
              {node.atLeast && "at least "}
              {node.samples} of {board.of}
            </Fact>
          )}
          {node.firstSeen !== undefined && (
            <Fact name="Seen">
              {day(node.firstSeen)}
              {node.lastSeen !== undefined && day(node.lastSeen) !== day(node.firstSeen)
                ? ` to ${day(node.lastSeen)}`
                : ""}
            </Fact>
          )}
          {node.linkable === false && <Fact name="Ties">nothing: a default, a shared host or the like</Fact>}
          {node.excludedBy !== undefined && (
            <Fact name="Excluded">
              by <Hostile text={node.excludedBy} />
            </Fact>
          )}
        </dl>
        {ties.length > 0 && (
          <>
            <h3>Ties, strongest first</h3>
            <ul className="ties">
              {ties.map(({ other, edge }) => {
                const at = board.nodes.get(other);
                if (at === undefined) return null;
                return (
                  <li key={`${other} ${edge.kind}`}>
                    <button type="button" className="tie" onClick={() => onSelect(other)}>
                      <ShapeIcon kind={at.kind} />
                      <bdi className="cut grow">{labelOf(at)}</bdi>
                      <span className="dim small">{edge.why ?? edge.kind.replaceAll("-", " ")}</span>
                      <span className="weight" title={`weight ${edge.weight}`}>
                        {edge.weight.toFixed(2)}
                      </span>
                    </button>
                  </li>
                );
              })}
            </ul>
          </>
        )}
      </div>
    </section>
  );
}

/** What the pivot is asked for: just this node, where its key says which. */
function pivotOf({ key, kind, label }: GraphNode): string {
  if (kind === "family") return `family:${label}`;
  return kind === "sample" || kind === "config" ? label : key;
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div className="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
