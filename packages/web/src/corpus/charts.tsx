/** Small charts as SVG. What they show is also a table, for whoever does not see them. */
import { count } from "../format.ts";
import { ceiling, type Layer } from "./series.ts";

const WIDTH = 640;
const HEIGHT = 180;
const LEFT = 40;
const BOTTOM = 20;
const TOP = 8;

interface ColumnsProps {
  readonly months: readonly string[];
  readonly layers: readonly Layer[];
  readonly title: string;
  readonly nameOf: (layer: string) => string;
}

export function Columns({ months, layers, title, nameOf }: ColumnsProps) {
  const totals = months.map((_, i) => layers.reduce((sum, { values }) => sum + (values[i] ?? 0), 0));
  const top = ceiling(Math.max(1, ...totals));
  const step = (WIDTH - LEFT) / months.length;
  const scale = (n: number) => (n / top) * (HEIGHT - BOTTOM - TOP);
  const lines = top <= 4 ? Array.from({ length: top + 1 }, (_, i) => i) : [0, top / 2, top];
  return (
    <svg className="columns" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={title}>
      {lines.map((n) => {
        const y = HEIGHT - BOTTOM - scale(n);
        return (
          <g key={n}>
            <line className="grid" x1={LEFT} x2={WIDTH} y1={y} y2={y} />
            <text x={LEFT - 6} y={y + 4} textAnchor="end">
              {count(n)}
            </text>
          </g>
        );
      })}
      {months.map((month, i) => {
        let y = HEIGHT - BOTTOM;
        return (
          <g key={month}>
            {layers.map(({ name, values }, layer) => {
              const height = scale(values[i] ?? 0);
              y -= height;
              return height === 0 ? null : (
                <rect
                  key={name}
                  className={`fill-${Math.min(layer + 1, 10)}`}
                  x={LEFT + i * step + step * 0.15}
                  y={y}
                  width={step * 0.7}
                  height={Math.max(1, height - 0.6)}
                >
                  <title>{`${nameOf(name)}, ${month}: ${values[i] ?? 0}`}</title>
                </rect>
              );
            })}
            {(i % Math.ceil(months.length / 12) === 0 || i === months.length - 1) && (
              <text x={LEFT + i * step + step / 2} y={HEIGHT - 5} textAnchor="middle">
                {month.slice(2)}
              </text>
            )}
          </g>
        );
      })}
    </svg>
  );
}

interface SparkProps {
  readonly samples: readonly number[];
  readonly configs: readonly number[];
  readonly title: string;
}

const SPARK = 6;
const SPARK_HEIGHT = 20;

/** A column a month: the samples, and within it those that gave a config. */
export function Spark({ samples, configs, title }: SparkProps) {
  const most = Math.max(1, ...samples);
  const height = (n: number) => (n === 0 ? 0 : Math.max(1.5, (n / most) * SPARK_HEIGHT));
  return (
    <svg
      className="spark"
      viewBox={`0 0 ${samples.length * SPARK} ${SPARK_HEIGHT}`}
      role="img"
      aria-label={title}
      preserveAspectRatio="none"
    >
      {samples.map((n, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: months have no other identity here
        <g key={i}>
          <rect
            className="all"
            x={i * SPARK + 0.5}
            y={SPARK_HEIGHT - height(n)}
            width={SPARK - 1}
            height={height(n)}
          />
          <rect
            className="of"
            x={i * SPARK + 0.5}
            y={SPARK_HEIGHT - height(configs[i] ?? 0)}
            width={SPARK - 1}
            height={height(configs[i] ?? 0)}
          />
        </g>
      ))}
    </svg>
  );
}
