/** How a corpus is, as a terminal shows it. */
import { printable, shorten } from "@assay/core/export/escape";
import { defang } from "@assay/core/indicators/defang";
import type { CheckResult } from "../store/check.ts";
import type { ClusterOverview } from "../store/clusters.ts";
import type { Correlated } from "../store/correlate.ts";
import type { Retained } from "../store/retention.ts";
import type { Stats } from "../store/stats.ts";
import { columns } from "./columns.ts";
import type { Style } from "./style.ts";

const SHA_WIDTH = 12;
const VALUE_WIDTH = 60;
/** Files let go that are told one by one. */
const MAX_TOLD = 50;
/** Members and ties of one cluster that are shown. */
const MAX_SHOWN = 8;

export function statsText(stats: Stats, { paint, width }: Style): string {
  const seen =
    stats.firstSeen === null || stats.lastSeen === null
      ? ""
      : `, seen ${stats.firstSeen.slice(0, 10)} to ${stats.lastSeen.slice(0, 10)}`;
  const head = [
    `${paint.bold(`${stats.samples} samples`)} (${stats.submitted} submitted)${seen}`,
    `${stats.results} results, ${stats.configs} configs, ${stats.indicators} indicators`,
    `${stats.blobs} files kept, ${(stats.blobBytes / 1024 ** 2).toFixed(1)} MB before compression`,
  ].join("\n");
  const outcomes = columns(
    ["OUTCOME", "SAMPLES"],
    stats.outcomes.map(({ outcome, samples }) => [outcome, String(samples)]),
    width,
    paint,
  );
  const families = columns(
    ["FAMILY", "SAMPLES", "CONFIGS"],
    stats.families.map(({ family, samples, configs }) => [safe(family), String(samples), String(configs)]),
    width,
    paint,
  );
  return `${[head, ...(stats.outcomes.length > 0 ? [outcomes] : []), ...(stats.families.length > 0 ? [families] : [])].join("\n\n")}\n`;
}

export function checkText(result: CheckResult, { paint, width }: Style): string {
  const damage = result.problems.filter((problem) => problem.damage).length;
  const head = `${result.results} results and ${result.blobs} files read, ${result.notKept} files not kept: ${
    damage === 0 ? "all is well" : paint.bold(`${damage} damaged`)
  }`;
  const rows = result.problems.map(({ kind, of, text, damage: isDamage }) => [
    kind,
    of,
    `${safe(text)}${isDamage ? "" : " (harmless)"}`,
  ]);
  return `${head}\n${rows.length === 0 ? "" : `\n${columns(["PROBLEM", "OF", "WHAT"], rows, width, paint, 1)}\n`}`;
}

export function clustersText(clusters: readonly ClusterOverview[], { paint, width }: Style): string {
  if (clusters.length === 0) return "no samples belong together\n";
  const rows = clusters.map(({ id, size, samples, families, shared }) => [
    id,
    String(size),
    safe(families.join(", ")),
    list(
      samples.map((sample) => sample.slice(0, SHA_WIDTH)),
      size,
    ),
    list(shared.map((tie) => safe(defang(tie)))),
  ]);
  return `${columns(["CLUSTER", "SAMPLES", "FAMILIES", "MEMBERS", "SHARED"], rows, width, paint, 3)}\n`;
}

export function exclusionsText(
  rows: readonly { readonly entry: string; readonly addedAt: string }[],
  { paint, width }: Style,
): string {
  if (rows.length === 0) return "nothing is excluded\n";
  const cells = rows.map(({ entry, addedAt }) => [safe(defang(entry)), addedAt.slice(0, 10)]);
  return `${columns(["ENTRY", "ADDED"], cells, width, paint)}\n`;
}

export function correlatedText(done: Correlated): string {
  const { built, settled, split, left, nearDuplicates, moved } = done;
  const lines = [
    ...(built ? ["all clusters worked out"] : []),
    `${settled} samples that lost ties looked at, ${split} clusters came off`,
    ...(left > 0 ? [`${left} left, in clusters too large for one step`] : []),
    `${nearDuplicates} look-alikes flagged`,
    `${moved} clusters in another community`,
  ];
  return `${lines.join("\n")}\n`;
}

export function retainedText(done: Retained & { readonly dryRun: boolean }, { paint, width }: Style): string {
  const { dropped, droppedBytes, removed, removedBytes, waiting, kept, keptBytes, dryRun } = done;
  const rows = dropped
    .slice(0, MAX_TOLD)
    .map(({ sha256, size, lastSeen, why }) => [sha256, megabytes(size), lastSeen.slice(0, 10), why]);
  const lines = [
    ...(rows.length > 0 ? [columns(["SAMPLE", "SIZE", "LAST SEEN", "WHY"], rows, width, paint)] : []),
    ...(dropped.length > MAX_TOLD ? [`and ${dropped.length - MAX_TOLD} more: see --json`] : []),
    `${dropped.length} files ${dryRun ? "would go" : "let go"} (${megabytes(droppedBytes)}), ${kept} stay (${megabytes(keptBytes)})`,
    ...(dryRun ? [] : [`${removed} removed (${megabytes(removedBytes)})`]),
    ...(waiting > 0 ? [`${waiting} let go whose bytes go at a later run`] : []),
  ];
  return `${lines.join("\n")}\n`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function list(items: readonly string[], of = items.length): string {
  const shown = items.slice(0, MAX_SHOWN).join(", ");
  return of > MAX_SHOWN ? `${shown} +${of - MAX_SHOWN}` : shown;
}

function safe(text: string): string {
  return printable(shorten(text, VALUE_WIDTH));
}
