/** Families over time, how many of their samples give a config, and which used to and stopped. */
import { useMemo, useState } from "react";
import { get } from "../api-client.ts";
import type { Yields } from "../api-types.ts";
import { count } from "../format.ts";
import { Link } from "../shell/router.tsx";
import { Badge, familyName } from "../ui/badge.tsx";
import { Empty, Problem, Waiting } from "../ui/problem.tsx";
import { type Asked, useAnswer } from "../use-answer.ts";
import { Columns, Spark } from "./charts.tsx";
import { type FamilySeries, layers, monthsUntil, seriesOf } from "./series.ts";

const SPANS = [6, 12, 24, 60];
const DEFAULT_SPAN = 12;
/** Families with a colour of their own. */
const LAYERS = 9;
const SHOWN = 12;

export interface YieldState {
  readonly span: number;
  readonly setSpan: (months: number) => void;
  readonly months: readonly string[];
  readonly series: readonly FamilySeries[];
  readonly asked: Asked<Yields>;
}

/** Asked once, shown by both panels. */
export function useYields(): YieldState {
  const [span, setSpan] = useState(DEFAULT_SPAN);
  const asked = useAnswer<Yields>(`yields ${span}`, (signal) =>
    get("/api/v1/yields", { months: span }, signal),
  );
  const months = useMemo(() => monthsUntil(new Date().toISOString(), span), [span]);
  const series = useMemo(() => seriesOf(asked.value?.rows ?? [], months), [asked.value, months]);
  return { span, setSpan, months, series, asked };
}

export function OverTime({ span, setSpan, months, series, asked: { value, error, again } }: YieldState) {
  const drawn = useMemo(() => layers(series, LAYERS), [series]);
  const nameOf = (layer: string) => (layer === "others" ? layer : familyName(layer));
  return (
    <section className="panel families" aria-label="Families over time">
      <header>
        <h2 className="grow">Samples of each family, by month first seen</h2>
        <label className="small">
          Months{" "}
          <select value={span} onChange={(event) => setSpan(Number(event.currentTarget.value))}>
            {SPANS.map((n) => (
              <option key={n}>{n}</option>
            ))}
          </select>
        </label>
      </header>
      {error !== undefined && <Problem failure={error} again={again} />}
      {value === undefined && error === undefined && <Waiting what="Counting" />}
      {value !== undefined && series.length === 0 && <Empty>No family was seen in this time.</Empty>}
      {series.length > 0 && (
        <div className="chart">
          <Columns
            months={months}
            layers={drawn}
            nameOf={nameOf}
            title="Samples by month and family; the yields have the same by family"
          />
          <ul className="legend">
            {drawn.map(({ name }, i) => (
              <li key={name}>
                <span className={`key fill-${Math.min(i + 1, 10)}`} aria-hidden="true" />
                {nameOf(name)}
              </li>
            ))}
          </ul>
        </div>
      )}
    </section>
  );
}

export function PerFamily({ series, asked: { value } }: YieldState) {
  const [isAll, setAll] = useState(false);
  return (
    <section className="panel yields" aria-label="Yields">
      <header>
        <h2>Yields</h2>
        <span className="dim small">samples that gave a config, of those taken for the family</span>
      </header>
      {value?.alarms.map(({ family, month, kind, text }) => (
        <div key={`${family} ${month} ${kind}`} className="alarm">
          <Badge value={kind} /> <strong>{familyName(family)}</strong> {month}: {text}
        </div>
      ))}
      {value !== undefined && value.alarms.length === 0 && (
        <p className="calm dim small">No alarm: no family that gave configs has stopped.</p>
      )}
      {series.length > 0 && (
        <table className="plain">
          <thead>
            <tr>
              <th scope="col">Family</th>
              <th scope="col">By month</th>
              <th scope="col" className="number">
                Samples
              </th>
              <th scope="col" className="number">
                Configs
              </th>
              <th scope="col" className="number">
                Yield
              </th>
            </tr>
          </thead>
          <tbody>
            {series.slice(0, isAll ? series.length : SHOWN).map((one) => (
              <tr key={one.family}>
                <td>
                  <Link to={`/search?q=${encodeURIComponent(`family:${one.family}`)}`}>
                    {familyName(one.family)}
                  </Link>
                </td>
                <td>
                  <Spark
                    samples={one.samples}
                    configs={one.configs}
                    title={`${one.samples.join(", ")} samples by month`}
                  />
                </td>
                <td className="number">{count(one.total)}</td>
                <td className="number">{count(one.totalConfigs)}</td>
                <td className="number">{Math.round((one.totalConfigs / Math.max(1, one.total)) * 100)} %</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {series.length > SHOWN && !isAll && (
        <footer>
          <button type="button" className="button small" onClick={() => setAll(true)}>
            All {series.length} families
          </button>
        </footer>
      )}
    </section>
  );
}
