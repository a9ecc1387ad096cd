/** Which time is shown: a histogram of the samples, and two handles. */
import { useMemo } from "react";
import { day, minute } from "../format.ts";
import type { Board } from "./board.ts";
import { histogram, sampleTimes, timeSpan } from "./filter.ts";

const BINS = 60;
const STEPS = 1000;
/** Beyond so long, days are told without hours. */
const DAYS_MS = 3 * 86_400_000;

interface TimeSliderProps {
  readonly board: Board;
  readonly since: number | undefined;
  readonly until: number | undefined;
  readonly onChange: (range: { since: number | undefined; until: number | undefined }) => void;
}

export function TimeSlider({ board, since, until, onChange }: TimeSliderProps) {
  const span = useMemo(() => timeSpan(board), [board]);
  const bins = useMemo(
    () => (span === undefined ? [] : histogram(sampleTimes(board), span, BINS)),
    [board, span],
  );
  if (span === undefined) return null;
  const { first, last } = span;
  const toStep = (at: number) => Math.round(((at - first) / (last - first)) * STEPS);
  const toTime = (step: number) => first + (step / STEPS) * (last - first);
  const [from, to] = [since ?? first, until ?? last];
  const most = Math.max(1, ...bins);
  const sinceStep = toStep(from);
  const untilStep = toStep(to);
  const name = (at: number) => {
    const iso = new Date(at).toISOString();
    return last - first > DAYS_MS ? day(iso) : minute(iso);
  };
  const set = (low: number, high: number) =>
    onChange({
      since: low <= 0 ? undefined : toTime(low),
      until: high >= STEPS ? undefined : toTime(high),
    });
  return (
    <fieldset className="time">
      <legend className="hidden-label">Time in which samples were first seen</legend>
      <span className="small">{name(from)}</span>
      <div className="track">
        <svg viewBox={`0 0 ${BINS} 20`} preserveAspectRatio="none" aria-hidden="true">
          {bins.map((n, i) => {
            const height = n === 0 ? 0 : Math.max(1.5, (n / most) * 20);
            const isIn = (i + 1) / BINS >= sinceStep / STEPS && i / BINS <= untilStep / STEPS;
            return (
              <rect
                // biome-ignore lint/suspicious/noArrayIndexKey: bins have no other identity
                key={i}
                className={isIn ? "in" : ""}
                x={i + 0.1}
                y={20 - height}
                width={0.8}
                height={height}
              />
            );
          })}
        </svg>
        <input
          type="range"
          min={0}
          max={STEPS}
          value={sinceStep}
          aria-label="Samples first seen from"
          aria-valuetext={name(from)}
          onChange={(event) => set(Math.min(Number(event.currentTarget.value), untilStep), untilStep)}
        />
        <input
          type="range"
          min={0}
          max={STEPS}
          value={untilStep}
          aria-label="Samples first seen until"
          aria-valuetext={name(to)}
          onChange={(event) => set(sinceStep, Math.max(Number(event.currentTarget.value), sinceStep))}
        />
      </div>
      <span className="small">{name(to)}</span>
      {(since !== undefined || until !== undefined) && (
        <button
          type="button"
          className="button small plain"
          onClick={() => onChange({ since: undefined, until: undefined })}
        >
          All time
        </button>
      )}
    </fieldset>
  );
}
