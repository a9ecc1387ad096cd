/** The graph: what is around a value, or what the corpus is made of. */
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Link, useQuery } from "../shell/router.tsx";
import { download } from "../ui/download.ts";
import { Empty, Problem, Waiting } from "../ui/problem.tsx";
import type { Board, Kind } from "./board.ts";
import { edgeKey } from "./board.ts";
import { drawn as drawnOf } from "./filter.ts";
import { GraphBar } from "./graph-bar.tsx";
import { toGraphml } from "./graphml.ts";
import { COLOUR_BY, type ColourBy, groupBy } from "./groups.ts";
import { NodeDetails } from "./node-details.tsx";
import { NodeList } from "./node-list.tsx";
import { groupIndex } from "./paint.ts";
import { findPath, type PathStep } from "./path.ts";
import { type PathEnds, PathPanel } from "./path-panel.tsx";
import type { Stage } from "./stage.ts";
import { TimeSlider } from "./time-slider.tsx";
import { useBoard } from "./use-board.ts";
import "./graph.css";

const StageView = lazy(() => import("./stage-view.tsx"));

const DEFAULT_DEPTH = 2;
const MAX_DEPTH = 4;

export default function GraphView() {
  const [query, change] = useQuery();
  const seed = query.get("seed") ?? undefined;
  const depth = Math.min(MAX_DEPTH, Math.max(1, Number(query.get("depth")) || DEFAULT_DEPTH));
  const { board, loading, error, again, expand, reach } = useBoard(seed, depth);
  const [hidden, setHidden] = useState<ReadonlySet<Kind>>(new Set());
  const [colourBy, setColourBy] = useState<ColourBy>(COLOUR_BY[0]);
  const [range, setRange] = useState<{ since: number | undefined; until: number | undefined }>({
    since: undefined,
    until: undefined,
  });
  const [selected, setSelected] = useState<string>();
  const [said, setSaid] = useState("");
  const stage = useRef<Stage | undefined>(undefined);

  const drawn = useMemo(() => drawnOf(board, { hidden, ...range }), [board, hidden, range]);
  const grouping = useMemo(() => groupBy(board, colourBy), [board, colourBy]);
  const path = usePath(board, reach);
  const marks = useMemo(() => ({ selected, path: path.marks }), [selected, path.marks]);
  const { clear } = path;

  // biome-ignore lint/correctness/useExhaustiveDependencies: another question is another graph
  useEffect(() => {
    setSelected(undefined);
    clear();
  }, [seed, clear]);

  const select = useCallback((key: string | undefined) => {
    setSelected(key);
    if (key !== undefined) stage.current?.look(key);
  }, []);
  const open = useCallback(
    (key: string) => {
      setSelected(key);
      void expand(key).then((n) => setSaid(n === 0 ? "Nothing more is around it" : `${n} more nodes`));
    },
    [expand],
  );
  const save = (form: "png" | "graphml") => {
    if (form === "graphml") {
      const text = toGraphml(drawn, grouping.of, (key) => stage.current?.placeOf(key));
      download(new Blob([text], { type: "application/graphml+xml" }), "assay-graph.graphml");
    } else
      void stage.current?.png().then((blob) => {
        if (blob !== undefined) download(blob, "assay-graph.png");
      });
  };
  const node = selected === undefined ? undefined : board.nodes.get(selected);
  const isEmpty = !loading && board.nodes.size === 0;

  return (
    <div className="graph">
      <GraphBar
        board={board}
        seed={seed}
        depth={depth}
        hidden={hidden}
        colourBy={colourBy}
        onSeed={(value) => change({ seed: value }, { replace: false })}
        onDepth={(n) => change({ depth: String(n) })}
        onHidden={setHidden}
        onColourBy={setColourBy}
        onSave={save}
      />
      {error !== undefined && <Problem failure={error} again={again} />}
      <div className="stage panel">
        <Suspense fallback={<Waiting what="Loading the graph" />}>
          <StageView
            drawn={drawn}
            grouping={grouping}
            marks={marks}
            onSelect={select}
            onExpand={open}
            stage={stage}
          />
        </Suspense>
        {isEmpty && error === undefined && (
          <div className="over">
            <Empty>
              {seed === undefined ? (
                <>
                  The corpus is empty. <Link to="/">Drop samples</Link>
                </>
              ) : (
                <>The corpus knows nothing of this. It may be written otherwise: search for it.</>
              )}
            </Empty>
          </div>
        )}
        <div className="zoom">
          <button
            type="button"
            className="button small"
            aria-label="Zoom in"
            onClick={() => stage.current?.zoom("in")}
          >
            +
          </button>
          <button
            type="button"
            className="button small"
            aria-label="Zoom out"
            onClick={() => stage.current?.zoom("out")}
          >
            −
          </button>
          <button type="button" className="button small" onClick={() => stage.current?.fit()}>
            Fit
          </button>
          <button type="button" className="button small" onClick={() => stage.current?.layout()}>
            Arrange
          </button>
        </div>
        <p className="status small" role="status">
          {loading
            ? "Asking …"
            : [
                `${drawn.nodes.size} nodes, ${drawn.edges.size} ties`,
                board.leftOut > 0 ? `${board.leftOut} neighbours left out` : "",
                said,
              ]
                .filter((part) => part !== "")
                .join(" · ")}
        </p>
        <TimeSlider board={board} {...range} onChange={setRange} />
      </div>
      <aside>
        {path.state !== undefined && (
          <PathPanel
            board={board}
            ends={path.ends}
            steps={path.steps}
            state={path.state}
            onSelect={select}
            onClose={clear}
          />
        )}
        {node !== undefined && (
          <NodeDetails
            board={board}
            node={node}
            group={groupIndex(grouping, node.key)}
            loading={loading}
            onExpand={() => open(node.key)}
            onSelect={select}
            onPathFrom={() => path.choose({ from: node.key, to: undefined })}
            onPathTo={
              path.ends.from === undefined || path.ends.from === node.key
                ? undefined
                : () => path.choose({ from: path.ends.from, to: node.key })
            }
          />
        )}
        <NodeList drawn={drawn} grouping={grouping} selected={selected} onSelect={select} onExpand={open} />
      </aside>
    </div>
  );
}

/** Looks in what is drawn first, then in the whole corpus. */
function usePath(board: Board, reach: (from: string, to: string) => Promise<Board | undefined>) {
  const [ends, setEnds] = useState<PathEnds>({ from: undefined, to: undefined });
  const [steps, setSteps] = useState<readonly PathStep[]>();
  const [state, setState] = useState<"choosing" | "searching" | "found" | "none">();
  const known = useRef(board);
  known.current = board;

  const choose = useCallback(
    (wanted: PathEnds) => {
      setEnds(wanted);
      const { from, to } = wanted;
      const found = from === undefined || to === undefined ? undefined : findPath(known.current, from, to);
      setSteps(found);
      setState(
        from === undefined || to === undefined ? "choosing" : found === undefined ? "searching" : "found",
      );
      if (from === undefined || to === undefined || found !== undefined) return;
      void reach(from, to).then((wider) => {
        const second = wider === undefined ? undefined : findPath(wider, from, to);
        setSteps(second);
        setState(second === undefined ? "none" : "found");
      });
    },
    [reach],
  );
  const clear = useCallback(() => {
    setEnds({ from: undefined, to: undefined });
    setSteps(undefined);
    setState(undefined);
  }, []);
  const marks = useMemo(
    () => new Set((steps ?? []).flatMap(({ node, by }) => (by === undefined ? [node] : [node, edgeKey(by)]))),
    [steps],
  );
  return { ends, steps, state, marks, choose, clear };
}
