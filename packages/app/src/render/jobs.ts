/** The work of a corpus, as a terminal shows it. */
import { printable, shorten } from "@assay/core/export/escape";
import { defang } from "@assay/core/indicators/defang";
import type { Changes, Side } from "../jobs/changes.ts";
import type { BatchStatus, DeadLetter, Depth, State } from "../jobs/types.ts";
import type { Yields } from "../store/yields.ts";
import { columns } from "./columns.ts";
import type { Style } from "./style.ts";

const SHA_WIDTH = 12;
const VALUE_WIDTH = 60;
/** C2s of one finding that are shown. */
const MAX_C2 = 3;

interface Work {
  readonly depth: Depth;
  readonly batches: readonly {
    readonly id: string;
    readonly kind: string;
    readonly createdAt: string;
    readonly total: number;
    readonly byState: Readonly<Record<State, number>> | undefined;
  }[];
}

export function jobsText({ depth, batches }: Work, { paint, width }: Style): string {
  const head = `${paint.bold(`${depth.queued} wait`)}, ${depth.active} under way, ${depth.dead} dead letters; the oldest has waited ${Math.round(depth.oldestSeconds)} s; ${depth.workers} workers`;
  const rows = batches.map(({ id, kind, createdAt, total, byState }) => [
    ...[id, kind, createdAt.slice(0, 16).replace("T", " "), String(total)],
    byState === undefined ? "" : statesText(byState),
  ]);
  return `${head}\n${rows.length === 0 ? "" : `\n${columns(["BATCH", "KIND", "MADE", "SAMPLES", "STATE"], rows, width, paint)}\n`}`;
}

export function batchText(batch: BatchStatus, { paint, width }: Style): string {
  const rows = batch.samples.map(({ sha256, name, state, tries, outcome, reason }) => [
    ...[sha256.slice(0, SHA_WIDTH), safe(name), state, String(tries), outcome ?? "", safe(reason ?? "")],
  ]);
  const head = `${paint.bold(batch.kind)} of ${batch.createdAt.slice(0, 19)}Z, ${batch.total} samples: ${statesText(batch.byState)}`;
  const table = columns(["SHA-256", "NAME", "STATE", "TRIES", "OUTCOME", "REASON"], rows, width, paint, 2);
  return `${head}\n${rows.length === 0 ? "" : `\n${table}\n`}`;
}

export function deadText(letters: readonly DeadLetter[], { paint, width }: Style): string {
  if (letters.length === 0) return "no dead letters\n";
  const rows = letters.map(({ id, sha256, tries, diedAt, reason, names }) => [
    ...[id, sha256.slice(0, SHA_WIDTH), safe(names[0] ?? ""), String(tries)],
    ...[diedAt.slice(0, 16).replace("T", " "), safe(reason)],
  ]);
  return `${columns(["ID", "SHA-256", "NAME", "TRIES", "DIED", "REASON"], rows, width, paint, 3)}\n`;
}

export function changesText({ compared, changes }: Changes, { paint, width }: Style): string {
  const head = `${compared} samples run again, ${paint.bold(`${changes.length} changed`)}`;
  const rows = changes.map(({ sha256, name, what, differs, before, after }) => [
    ...[sha256.slice(0, SHA_WIDTH), safe(name), what, differs.join(", ")],
    ...[sideText(before), sideText(after)],
  ]);
  const table = columns(["SHA-256", "NAME", "WHAT", "DIFFERS", "BEFORE", "NOW"], rows, width, paint, 2);
  return `${head}\n${rows.length === 0 ? "" : `\n${table}\n`}`;
}

export function yieldsText({ rows, alarms }: Yields, { paint, width }: Style): string {
  if (rows.length === 0 && alarms.length === 0) return "no family was found\n";
  const cells = rows.map(({ family, month, samples, configs }) => [
    ...[safe(family), month, String(samples), String(configs)],
    `${Math.round((configs / samples) * 100)} %`,
  ]);
  const table = columns(["FAMILY", "MONTH", "SAMPLES", "CONFIGS", "YIELD"], cells, width, paint);
  const told = alarms.map(
    ({ family, month, kind, text }) => `${paint.bold(`${kind}: ${safe(family)}`)} in ${month}: ${text}`,
  );
  return `${[...(rows.length > 0 ? [table] : []), ...(told.length > 0 ? [told.join("\n")] : [])].join("\n\n")}\n`;
}

function statesText(byState: Readonly<Record<State, number>>): string {
  const some = Object.entries(byState).filter(([, n]) => n > 0);
  return some.length === 0 ? "empty" : some.map(([state, n]) => `${n} ${state}`).join(", ");
}

function sideText({ outcome, findings }: Side): string {
  if (findings.length === 0) return outcome;
  return findings
    .map(({ family, layout, version, c2 }) => {
      const shown = c2.slice(0, MAX_C2).map((one) => safe(defang(one)));
      const more = c2.length > MAX_C2 ? ` +${c2.length - MAX_C2}` : "";
      return `${safe(family)} ${safe(layout)}${version === undefined ? "" : ` ${safe(version)}`} ${shown.join(" ")}${more}`;
    })
    .join("; ");
}

function safe(text: string): string {
  return printable(shorten(text, VALUE_WIDTH));
}
