import { describe, expect, it } from "vitest";
import { ceiling, layers, monthsUntil, seriesOf } from "./series.ts";

const row = (family: string, month: string, samples: number, configs: number) => ({
  family,
  month,
  samples,
  configs,
});

describe("families over time", () => {
  const months = monthsUntil("2026-02", 3);
  it("counts months over the turn of a year", () => {
    expect(months).toEqual(["2025-12", "2026-01", "2026-02"]);
    expect(monthsUntil("2026-03-31", 2)).toEqual(["2026-02", "2026-03"]);
  });
  it("has a number for each month, the largest family first", () => {
    const series = seriesOf(
      [
        row("win.a", "2026-01", 1, 1),
        row("win.b", "2025-12", 4, 2),
        row("win.b", "2026-02", 1, 0),
        row("win.c", "2020-01", 9, 9),
      ],
      months,
    );
    expect(series.map(({ family, samples, totalConfigs }) => [family, samples, totalConfigs])).toEqual([
      ["win.b", [4, 0, 1], 2],
      ["win.a", [0, 1, 0], 1],
    ]);
  });
  it("puts small families together", () => {
    const series = ["win.a", "win.b", "win.c"].map((family, i) => row(family, "2026-01", 9 - i, 0));
    expect(layers(seriesOf(series, months), 1)).toEqual([
      { name: "win.a", values: [0, 9, 0] },
      { name: "others", values: [0, 15, 0] },
    ]);
    expect(layers(seriesOf(series, months), 3)).toHaveLength(3);
  });
  it("ends its axis at a round number", () => {
    expect([0, 1, 3, 7, 10, 11, 23, 99, 1234].map(ceiling)).toEqual([1, 1, 3, 10, 10, 20, 25, 100, 2000]);
  });
});
