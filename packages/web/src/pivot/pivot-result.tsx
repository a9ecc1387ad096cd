/** What shares a value, how rare it is, and where to go next. */
import { useState } from "react";
import { type Answer, get, send } from "../api-client.ts";
import type { Pivot } from "../api-types.ts";
import { counted, day } from "../format.ts";
import { typeName } from "../graph/labels.ts";
import { Hostile } from "../hostile.tsx";
import { Link } from "../shell/router.tsx";
import { Empty, Problem, Waiting } from "../ui/problem.tsx";
import { useAnswer } from "../use-answer.ts";
import { SampleTable } from "./sample-table.tsx";

const LIMIT = 50;

export function pivotPath(type: string, value: string): string {
  return `/search?q=${encodeURIComponent(`${type}:${value}`)}`;
}

export function PivotResult({ value }: { readonly value: string }) {
  const {
    value: pivot,
    error,
    again,
  } = useAnswer<Pivot>(`pivot ${value}`, (signal) => get("/api/v1/pivot", { value, limit: LIMIT }, signal));
  if (error !== undefined) return <Problem failure={error} again={again} />;
  if (pivot === undefined) return <Waiting what="Looking" />;
  const isKnown = pivot.matches.length > 0;
  return (
    <>
      <section className="panel" aria-label="What it is">
        <header>
          <h2 className="grow">
            <Hostile text={value} mono copy />
          </h2>
          {isKnown && (
            <Link className="button small" to={`/graph?seed=${encodeURIComponent(value)}`}>
              Graph
            </Link>
          )}
          <Watch value={value} />
          {isKnown && <Exclude value={value} />}
        </header>
        {isKnown ? (
          <Matches pivot={pivot} />
        ) : (
          <Empty>
            The corpus holds nothing of this. <em>Watch</em> it, and its first sample is told.
          </Empty>
        )}
      </section>
      {pivot.next.length > 0 && <Next pivot={pivot} />}
      {pivot.samples.length > 0 && (
        <section className="panel" aria-label="Samples that share it">
          <header>
            <h2>{counted(pivot.total, "sample")}</h2>
            {pivot.total > pivot.samples.length && (
              <span className="dim small">the newest {pivot.samples.length}</span>
            )}
          </header>
          <SampleTable samples={pivot.samples} usages />
        </section>
      )}
      {pivot.said.total > 0 && <Said pivot={pivot} />}
    </>
  );
}

function Matches({ pivot }: { readonly pivot: Pivot }) {
  return (
    <div className="scroll">
      <table className="plain">
        <thead>
          <tr>
            <th scope="col">As</th>
            <th scope="col">Value</th>
            <th scope="col">Samples</th>
            <th scope="col">Seen</th>
            <th scope="col">Ties samples</th>
          </tr>
        </thead>
        <tbody>
          {pivot.matches.map((match) => (
            <tr key={`${match.type} ${match.value}`}>
              <td>{typeName(match.type)}</td>
              <td>
                <Hostile text={match.value} mono />
              </td>
              <td>
                {match.samples} of {match.of}
              </td>
              <td className="nowrap">
                {match.firstSeen !== undefined && day(match.firstSeen)}
                {match.lastSeen !== undefined &&
                  match.firstSeen !== undefined &&
                  day(match.lastSeen) !== day(match.firstSeen) &&
                  ` to ${day(match.lastSeen)}`}
              </td>
              <td>
                {match.excludedBy !== undefined ? (
                  <>
                    no: excluded by <Hostile text={match.excludedBy} />
                  </>
                ) : match.linkable ? (
                  "yes"
                ) : (
                  <span className="dim">no: a default, a shared host or the like</span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Next({ pivot }: { readonly pivot: Pivot }) {
  return (
    <section className="panel" aria-label="Next pivots">
      <header>
        <h2>Where to go from here</h2>
        <span className="dim small">rarer and leading further first</span>
      </header>
      <div className="scroll">
        <table className="plain next">
          <thead>
            <tr>
              <th scope="col">Type</th>
              <th scope="col">Value</th>
              <th scope="col">Weight</th>
              <th scope="col" className="number">
                Of these
              </th>
              <th scope="col" className="number">
                Leads to
              </th>
            </tr>
          </thead>
          <tbody>
            {pivot.next.map(({ type, value, weight, here, leadsTo }) => (
              <tr key={`${type}:${value}`}>
                <td>{typeName(type)}</td>
                <td>
                  <Hostile text={value} mono copy />{" "}
                  <Link className="small" to={pivotPath(type, value)}>
                    pivot
                  </Link>
                </td>
                <td>
                  <meter min={0} max={1} value={weight} aria-label="Weight" /> {weight.toFixed(2)}
                </td>
                <td className="number">{here}</td>
                <td className="number">
                  {leadsTo === 0 ? <span className="dim">nothing new</span> : `${leadsTo} more`}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Said({ pivot }: { readonly pivot: Pivot }) {
  return (
    <section className="panel" aria-label="What others said">
      <header>
        <h2>{counted(pivot.said.total, "statement")} of others</h2>
        <span className="dim small">second-hand, without a proof of ours</span>
      </header>
      <div className="scroll">
        <table className="plain">
          <thead>
            <tr>
              <th scope="col">Source</th>
              <th scope="col">Family</th>
              <th scope="col">Said</th>
              <th scope="col">Indicators</th>
            </tr>
          </thead>
          <tbody>
            {pivot.said.statements.map((one) => (
              <tr key={`${one.source} ${one.file} ${one.addedAt} ${one.as.join(" ")}`}>
                <td>
                  <Hostile text={one.source} raw /> <span className="dim small">{one.form}</span>
                </td>
                <td>{one.family !== null && <Hostile text={one.family} raw />}</td>
                <td className="nowrap">{day(one.saidAt ?? one.addedAt)}</td>
                <td className="mono">
                  {one.indicators.slice(0, 5).map((indicator) => (
                    <div key={`${indicator.type}:${indicator.value}`}>
                      <Hostile text={indicator.value} mono />
                    </div>
                  ))}
                  {one.indicators.length > 5 && (
                    <span className="dim small">{one.indicators.length - 5} more</span>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Watch({ value }: { readonly value: string }) {
  return (
    <Act
      label="Watch"
      done="watched"
      title="Tell of new samples that hold it"
      act={() => send("POST", "/api/v1/watches", { body: { value } })}
    />
  );
}

function Exclude({ value }: { readonly value: string }) {
  return (
    <Act
      label="Exclude"
      done="excluded"
      title="Keep it from tying samples: shared hosting, a researcher's own server"
      act={() => send("POST", "/api/v1/exclusions", { body: { entry: value } })}
    />
  );
}

interface ActProps {
  readonly label: string;
  readonly done: string;
  readonly title: string;
  readonly act: () => Promise<Answer<unknown>>;
}

function Act({ label, done, title, act }: ActProps) {
  const [state, setState] = useState<{ readonly text: string; readonly isBad: boolean }>();
  const [isUnderWay, setUnderWay] = useState(false);
  const go = () => {
    setUnderWay(true);
    void act().then((answer) => {
      setUnderWay(false);
      setState(
        answer.ok
          ? { text: done, isBad: false }
          : { text: answer.error.detail ?? answer.error.title, isBad: true },
      );
    });
  };
  return (
    <>
      <button type="button" className="button small" title={title} disabled={isUnderWay} onClick={go}>
        {label}
      </button>
      <span role="status" className={state?.isBad ? "small bad-text" : "small dim"}>
        {state !== undefined && <Hostile text={state.text} />}
      </span>
    </>
  );
}
