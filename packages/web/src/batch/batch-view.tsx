/** One batch: how far it is, and its table, which sorts, filters, groups, selects and exports. */
import { useDeferredValue, useEffect, useMemo, useState } from "react";
import { count, counted, minute } from "../format.ts";
import { Hostile } from "../hostile.tsx";
import { Link, useQuery } from "../shell/router.tsx";
import type { ViewProps } from "../shell/routes.ts";
import { familyName } from "../ui/badge.tsx";
import { Problem, Waiting } from "../ui/problem.tsx";
import { BatchFeed, EMPTY, type FeedState } from "./batch-feed.ts";
import { BatchTable } from "./batch-table.tsx";
import { ExportMenu } from "./export-menu.tsx";
import { Progress } from "./progress.tsx";
import { type Column, type Grouping, itemOf, lines, select, tally } from "./table-model.ts";
import "./batch.css";

/** Files told by name while they are analysed. */
const NAMED = 4;

export default function BatchView({ params }: ViewProps) {
  const batch = params.batch ?? "";
  const [state, setState] = useState<FeedState>(EMPTY);
  const [turn, setTurn] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `turn` begins again
  useEffect(() => {
    setState(EMPTY);
    const feed = new BatchFeed(batch, setState);
    void feed.start();
    return () => feed.stop();
  }, [batch, turn]);

  const { detail, failure } = state;
  if (detail === undefined)
    return failure === undefined ? (
      <Waiting what="Reading the batch" />
    ) : (
      <Problem failure={failure} again={() => setTurn(turn + 1)} />
    );
  return (
    <div className="batch-view">
      <div className="bar batch-head">
        <h1>
          Batch <span className="mono">{batch.slice(0, 8)}</span>
        </h1>
        <span className="dim">{minute(detail.createdAt)}</span>
        <span className="dim">{counted(detail.total, "file")}</span>
        <Progress detail={detail} />
        {detail.ended ? (
          <span className="badge good">finished</span>
        ) : (
          <span className={`badge ${state.live ? "pulse" : "warn"}`}>
            {state.live ? "running" : "connecting again"}
          </span>
        )}
        <Active state={state} />
      </div>
      {failure !== undefined && <Problem failure={failure} again={() => setTurn(turn + 1)} />}
      <Table state={state} batch={batch} />
    </div>
  );
}

function Active({ state }: { readonly state: FeedState }) {
  if (state.detail?.ended !== false) return null;
  const active = state.rows.filter((row) => row.state === "active");
  if (active.length === 0) return null;
  return (
    <span className="dim small cut active-files">
      analysing{" "}
      {active.slice(0, NAMED).map((row, i) => (
        <span key={row.n}>
          {i > 0 && ", "}
          <Hostile text={row.name} raw />
        </span>
      ))}
      {active.length > NAMED && " …"}
    </span>
  );
}

function Table({ state, batch }: { readonly state: FeedState; readonly batch: string }) {
  const [query, setQuery] = useQuery();
  const filter = query.get("f") ?? "";
  const outcome = query.get("outcome") ?? "";
  const family = query.get("family") ?? "";
  const group = groupingOf(query.get("group"));
  const [column, way] = (query.get("sort") ?? "").split(".");
  const sort = useMemo(
    () => ({ column: (column || "n") as Column | "n", down: way === "down" }),
    [column, way],
  );
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());

  const items = useMemo(() => state.rows.map(itemOf), [state.rows]);
  const wanted = useDeferredValue(filter);
  const shown = useMemo(
    () => select(items, { filter: wanted, outcome, family, sort, group, closed: new Set() }),
    [items, wanted, outcome, family, sort, group],
  );
  const drawn = useMemo(() => lines(shown, group, closed), [shown, group, closed]);
  const outcomes = useMemo(() => tally(items.map((item) => item.outcome)), [items]);
  const families = useMemo(() => tally(items.flatMap(({ row }) => row.families)), [items]);
  const chosen = useMemo(
    () => items.filter(({ key }) => selected.has(key)).map(({ row }) => row.sha256),
    [items, selected],
  );
  const shownHashes = useMemo(() => shown.map(({ row }) => row.sha256), [shown]);

  return (
    <section className="panel batch-panel">
      <header className="bar">
        <input
          type="search"
          className="grow batch-filter"
          aria-label="Filter"
          placeholder="Filter: name, hash, family, C2, reason"
          spellCheck={false}
          value={filter}
          onChange={(event) => setQuery({ f: event.currentTarget.value })}
        />
        <select
          aria-label="Outcome"
          value={outcome}
          onChange={(event) => setQuery({ outcome: event.currentTarget.value })}
        >
          <option value="">any outcome</option>
          {outcomes.map(([value, n]) => (
            <option key={value} value={value}>
              {value} ({count(n)})
            </option>
          ))}
        </select>
        <select
          aria-label="Family"
          value={family}
          onChange={(event) => setQuery({ family: event.currentTarget.value })}
        >
          <option value="">any family</option>
          {families.map(([value, n]) => (
            <option key={value} value={value}>
              {familyName(value)} ({count(n)})
            </option>
          ))}
        </select>
        <select
          aria-label="Group"
          value={group}
          onChange={(event) => setQuery({ group: event.currentTarget.value })}
        >
          <option value="">not grouped</option>
          <option value="family">by family</option>
          <option value="cluster">by cluster</option>
        </select>
        <span className="dim small">
          {shown.length === items.length
            ? counted(items.length, "row")
            : `${count(shown.length)} of ${counted(items.length, "row")}`}
          {!state.complete && " so far"}
        </span>
      </header>
      <div className="bar batch-actions">
        <ExportMenu
          samples={chosen.length > 0 ? chosen : shownHashes}
          label={chosen.length > 0 ? "selected" : "shown"}
        />
        {chosen.length === 2 && (
          <Link className="button" to={`/compare?a=${chosen[0]}&b=${chosen[1]}`}>
            Compare the two
          </Link>
        )}
        {chosen.length === 1 && (
          <Link className="button" to={`/graph?seed=${chosen[0]}`}>
            Graph around it
          </Link>
        )}
        {selected.size > 0 && (
          <button type="button" className="button plain" onClick={() => setSelected(new Set())}>
            Select none
          </button>
        )}
        <span className="grow" />
        <Link className="button plain" to={`/indicators?batch=${batch}`}>
          What to block
        </Link>
      </div>
      <BatchTable
        lines={drawn}
        sort={sort}
        onSort={(to) =>
          setQuery(
            sort.column !== to ? { sort: to } : sort.down ? { sort: undefined } : { sort: `${to}.down` },
          )
        }
        selected={selected}
        onSelect={setSelected}
        closed={closed}
        onToggle={(id) => {
          const next = new Set(closed);
          if (!next.delete(id)) next.add(id);
          setClosed(next);
        }}
      />
    </section>
  );
}

function groupingOf(text: string | null): Grouping {
  return text === "family" || text === "cluster" ? text : "";
}
