/** How the corpus is doing: families over time, yields and alarms, clusters, the queue, what failed. */
import { get } from "../api-client.ts";
import type { Stats } from "../api-types.ts";
import { bytes, count, day } from "../format.ts";
import { Link } from "../shell/router.tsx";
import type { ViewProps } from "../shell/routes.ts";
import { Problem } from "../ui/problem.tsx";
import { useAnswer } from "../use-answer.ts";
import { Clusters } from "./clusters.tsx";
import { DeadLetters } from "./dead-letters.tsx";
import { Failures } from "./failures.tsx";
import { OverTime, PerFamily, useYields } from "./families.tsx";
import { QueuePanel } from "./queue.tsx";
import "./corpus.css";

const OUTCOMES = ["config", "identified", "unknown", "unsupported", "failed"] as const;

export default function CorpusView(_: ViewProps) {
  const {
    value: stats,
    error,
    again,
  } = useAnswer<Stats>("stats", (signal) => get("/api/v1/stats", undefined, signal));
  const yields = useYields();
  return (
    <div className="corpus">
      <div className="bar head">
        <h1>Corpus</h1>
        {stats !== undefined && stats.firstSeen !== null && stats.lastSeen !== null && (
          <span className="dim">
            {day(stats.firstSeen)} to {day(stats.lastSeen)}
          </span>
        )}
      </div>
      {error !== undefined && <Problem failure={error} again={again} />}
      {stats !== undefined && <Numbers stats={stats} />}
      <div className="wide">
        <OverTime {...yields} />
        <Clusters />
        <Failures />
      </div>
      <div className="narrow">
        <QueuePanel />
        <PerFamily {...yields} />
        <DeadLetters />
      </div>
    </div>
  );
}

function Numbers({ stats }: { readonly stats: Stats }) {
  const of = (outcome: string) => stats.outcomes.find((one) => one.outcome === outcome)?.samples ?? 0;
  return (
    <section className="numbers" aria-label="Numbers">
      <dl>
        <Fact name="Samples" value={count(stats.samples)} />
        <Fact name="Configs" value={count(stats.configs)} />
        <Fact name="Indicators" value={count(stats.indicators)} />
        <Fact name="Files kept" value={`${count(stats.blobs)}, ${bytes(stats.blobBytes)}`} />
      </dl>
      <div className="outcomes">
        <div className="strip" role="img" aria-label={OUTCOMES.map((one) => `${one} ${of(one)}`).join(", ")}>
          {OUTCOMES.map((outcome) =>
            of(outcome) === 0 ? null : (
              <span key={outcome} className={outcome} style={{ flexGrow: of(outcome) }} />
            ),
          )}
        </div>
        <ul>
          {OUTCOMES.filter((outcome) => of(outcome) > 0).map((outcome) => (
            <li key={outcome}>
              <span className={`key ${outcome}`} aria-hidden="true" />
              <Link to={`/search?q=${encodeURIComponent(`outcome:${outcome}`)}`}>{outcome}</Link>{" "}
              {count(of(outcome))}
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}

function Fact({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
