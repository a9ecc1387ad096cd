/** Families month by month, as charts take them. */
import type { Yields } from "../api-types.ts";

type Row = Yields["rows"][number];

/** `2026-03` and the months before it, oldest first. */
export function monthsUntil(last: string, n: number): string[] {
  const date = new Date(`${last.slice(0, 7)}-01T00:00:00Z`);
  return Array.from({ length: n }, (_, i) => {
    const month = new Date(date);
    month.setUTCMonth(month.getUTCMonth() - (n - 1 - i));
    return month.toISOString().slice(0, 7);
  });
}

export interface FamilySeries {
  readonly family: string;
  /** One for each month. */
  readonly samples: readonly number[];
  readonly configs: readonly number[];
  readonly total: number;
  readonly totalConfigs: number;
}

/** Most samples first. */
export function seriesOf(rows: readonly Row[], months: readonly string[]): FamilySeries[] {
  const at = new Map(months.map((month, i) => [month, i]));
  const all = new Map<string, { samples: number[]; configs: number[] }>();
  for (const { family, month, samples, configs } of rows) {
    const i = at.get(month);
    if (i === undefined) continue;
    let one = all.get(family);
    if (one === undefined) {
      one = { samples: months.map(() => 0), configs: months.map(() => 0) };
      all.set(family, one);
    }
    one.samples[i] = (one.samples[i] ?? 0) + samples;
    one.configs[i] = (one.configs[i] ?? 0) + configs;
  }
  return [...all]
    .map(([family, { samples, configs }]) => ({
      ...{ family, samples, configs },
      total: sum(samples),
      totalConfigs: sum(configs),
    }))
    .sort((a, b) => b.total - a.total || (a.family < b.family ? -1 : 1));
}

export interface Layer {
  readonly name: string;
  readonly values: readonly number[];
}

/** The largest by name, the others together. */
export function layers(series: readonly FamilySeries[], most: number): Layer[] {
  const own = series.slice(0, most).map(({ family, samples }) => ({ name: family, values: samples }));
  const [first, ...rest] = series.slice(most);
  if (first === undefined) return own;
  const values = first.samples.map((n, i) => rest.reduce((all, { samples }) => all + (samples[i] ?? 0), n));
  return [...own, { name: "others", values }];
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

/** A round number at or above `n`, for the top of an axis. */
export function ceiling(n: number): number {
  if (n <= 5) return Math.max(1, Math.ceil(n));
  const power = 10 ** Math.floor(Math.log10(n));
  const step = [1, 2, 2.5, 5, 10].find((factor) => factor * power >= n) ?? 10;
  return step * power;
}
