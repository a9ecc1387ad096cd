/** What the corpus answers, as a terminal shows it: hostile text made printable, addresses defanged. */
import { printable, shorten } from "@assay/core/export/escape";
import { defang } from "@assay/core/indicators/defang";
import type { Pivot } from "../store/pivot.ts";
import type { SampleRow } from "../store/samples.ts";
import type { SearchResult } from "../store/search.ts";
import type { WatchRow } from "../store/watch.ts";
import { columns } from "./columns.ts";
import type { Style } from "./style.ts";

const SHA_WIDTH = 12;
const NAME_WIDTH = 32;
const VALUE_WIDTH = 80;

export function pivotText(pivot: Pivot, style: Style): string {
  const { paint } = style;
  const said = saidTable(pivot, style);
  if (pivot.matches.length === 0) {
    const none = `${safe(defang(pivot.value))}: not in the corpus\n`;
    return said === "" ? none : `${none}\n${said}\n`;
  }
  const parts = [
    columns(
      ["VALUE", "TYPE", "SAMPLES", "FIRST SEEN", "LAST SEEN", "NOTE"],
      pivot.matches.map((one) => [
        safe(one.defanged),
        safe(one.type),
        `${one.samples} of ${one.of}`,
        day(one.firstSeen),
        day(one.lastSeen),
        one.excludedBy === undefined
          ? one.linkable
            ? ""
            : "ties nothing"
          : `excluded by ${safe(defang(one.excludedBy))}`,
      ]),
      style.width,
      paint,
    ),
    `${paint.heading(`Samples (${shown(pivot.samples.length, pivot.total)})`)}\n${samplesTable(pivot.samples, style)}`,
    nextTable(pivot, style),
    said,
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function nextTable({ next }: Pivot, { paint, width }: Style): string {
  if (next.length === 0) return "";
  const rows = next.map((one) => [
    safe(one.defanged),
    one.type,
    one.weight.toFixed(2),
    String(one.here),
    one.leadsTo === 0 ? "-" : `+${one.leadsTo}`,
  ]);
  return `${paint.heading("Next pivots")}\n${columns(["VALUE", "TYPE", "WEIGHT", "HERE", "LEADS TO"], rows, width, paint)}`;
}

/** Other indicators of one statement that are shown. */
const SHOWN_INDICATORS = 4;

function saidTable({ said }: Pivot, { paint, width }: Style): string {
  if (said.total === 0) return "";
  const rows = said.statements.map((one) => {
    const beside = one.indicators
      .slice(0, SHOWN_INDICATORS)
      .map(({ defanged }) => safe(shorten(defanged, NAME_WIDTH)));
    const more = one.indicators.length > SHOWN_INDICATORS ? ["…"] : [];
    return [
      safe(shorten(one.source, NAME_WIDTH)),
      day(one.saidAt ?? one.addedAt),
      safe(shorten(one.family ?? "-", NAME_WIDTH)),
      one.as.map(safe).join(", "),
      one.subjects
        .map((hash) => hash.slice(0, SHA_WIDTH))
        .slice(0, SHOWN_INDICATORS)
        .join(", ") || "-",
      [...beside, ...more].join(", "),
    ];
  });
  const head = paint.heading(
    `Said by others, not proved here (${shown(said.statements.length, said.total)})`,
  );
  return `${head}\n${columns(["SOURCE", "DATE", "FAMILY", "AS", "OF", "BESIDE"], rows, width, paint)}`;
}

export function searchText(found: SearchResult, style: Style): string {
  if (found.total === 0) return "no sample\n";
  const head = style.paint.heading(`Samples (${shown(found.samples.length, found.total)})`);
  return `${head}\n${samplesTable(found.samples, style)}\n`;
}

export function watchesText(rows: readonly WatchRow[], { paint, width }: Style): string {
  if (rows.length === 0) return "nothing is watched\n";
  const cells = rows.map(({ value, addedAt, hits }) => [safe(defang(value)), day(addedAt), String(hits)]);
  return `${columns(["VALUE", "SINCE", "HITS"], cells, width, paint)}\n`;
}

function samplesTable(samples: readonly SampleRow[], { paint, width }: Style): string {
  if (samples.length === 0) return "none";
  const rows = samples.map((sample) => {
    const [finding] = sample.findings;
    const more = sample.findings.length > 1 ? ` +${sample.findings.length - 1}` : "";
    return [
      sample.sha256.slice(0, SHA_WIDTH),
      safe(shorten(sample.names[0] ?? "", NAME_WIDTH)),
      finding === undefined ? "-" : `${safe(finding.family)}${more}`,
      safe(finding?.layout ?? ""),
      finding?.confidence ?? sample.outcome,
      sample.usages.join(", "),
      day(sample.firstSeen),
      day(sample.lastSeen),
      c2Cell(sample),
    ];
  });
  const head = [
    "SHA-256",
    "NAME",
    "FAMILY",
    "LAYOUT",
    "CONFIDENCE",
    "USED AS",
    "FIRST SEEN",
    "LAST SEEN",
    "C2",
  ];
  const used = head.map((_, i) => i === 0 || rows.some((row) => row[i] !== ""));
  return columns(
    head.filter((_, i) => used[i]),
    rows.map((row) => row.filter((_, i) => used[i])),
    width,
    paint,
    1,
  );
}

function c2Cell({ findings }: SampleRow): string {
  const all = findings.flatMap(({ c2 }) => c2);
  const [first] = all;
  if (first === undefined) return "";
  return all.length === 1 ? safe(defang(first)) : `${safe(defang(first))} +${all.length - 1}`;
}

function shown(here: number, total: number): string {
  return here < total ? `${here} of ${total}` : String(total);
}

function safe(text: string): string {
  return printable(shorten(text, VALUE_WIDTH));
}

function day(instant: string | undefined): string {
  return instant === undefined ? "" : instant.slice(0, 10);
}
