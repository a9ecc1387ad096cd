/** What every exchange form is: a pure conversion of a report to a text, and what it could not carry. */
import type { Cluster, Relation, Report, Sample } from "../model/index.ts";
import type { UserList } from "./user-list.ts";

/** Traffic Light Protocol 2.0 (FIRST). */
export const TLP_LEVELS = ["clear", "green", "amber", "amber+strict", "red"] as const;
export type Tlp = (typeof TLP_LEVELS)[number];

export interface ExportOptions {
  /** Marking of what goes out; none unless asked for. */
  readonly tlp?: Tlp;
  /** Never on a block list, whatever else speaks for it. */
  readonly allow?: UserList;
  /** On the block lists when the report holds it, whatever the policy says; `allow` is stronger. */
  readonly deny?: UserList;
}

/** A value that the form does not hold, and why. The value is as the report has it: hostile. */
export interface LeftOut {
  readonly value: string;
  readonly reason: string;
}

export interface Exported {
  readonly body: string;
  readonly leftOut: readonly LeftOut[];
  /** For people: what was cut, what the reader of the form must know. */
  readonly notes: readonly string[];
}

/** What a report says once, of all its samples together. */
export type Head = Pick<Report, "engine" | "startedAt">;

/** What ties samples to each other, known when all of them are. */
export interface Ties {
  readonly relations: readonly Relation[];
  readonly clusters: readonly Cluster[];
}

/**
 * A conversion under way, of samples that are never held together. Each sample passes `learn`, then, in the same
 * order, `write`; the text is what `begin`, the calls of `write`, and `end` give, in chunks of any length. A form
 * does without the pass that it has no use for, so that nobody reads samples for it.
 */
export interface Conversion {
  readonly learn?: (sample: Sample) => void;
  readonly begin: (ties: Ties) => Iterable<string>;
  /** `engine`: the version that analysed it, where that is not the head's. */
  readonly write?: (sample: Sample, engine?: string) => Iterable<string>;
  readonly end: () => Iterable<string>;
  /** Complete after `end`, as are the notes. */
  readonly leftOut: () => readonly LeftOut[];
  readonly notes: () => readonly string[];
}

export interface Form {
  /** What it is called at the command and in URLs. */
  readonly id: string;
  readonly title: string;
  readonly mediaType: string;
  /** Of file names, without the dot. */
  readonly extension: string;
  readonly convert: (report: Report, options: ExportOptions) => Exported;
  /** Sample by sample; undefined for the forms that only make sense of a report that people can hold. */
  readonly open?: (head: Head, options: ExportOptions) => Conversion;
}

/** All of a report through a conversion. */
export function runConversion(conversion: Conversion, report: Report): Exported {
  const { learn, write } = conversion;
  if (learn !== undefined) for (const sample of report.samples) learn(sample);
  const chunks = [...conversion.begin(report)];
  if (write !== undefined) for (const sample of report.samples) chunks.push(...write(sample));
  chunks.push(...conversion.end());
  return { body: chunks.join(""), leftOut: conversion.leftOut(), notes: conversion.notes() };
}

/** Gathers what is left out, each value and reason once. */
export class Omissions {
  readonly #byReason = new Map<string, Set<string>>();
  readonly list: LeftOut[] = [];

  add(value: string, reason: string): void {
    let values = this.#byReason.get(reason);
    if (values === undefined) {
      values = new Set();
      this.#byReason.set(reason, values);
    }
    if (values.has(value)) return;
    values.add(value);
    this.list.push({ value, reason });
  }
}

/** By UTF-16 units: the same on every machine, which locale orders are not. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function tlpLabel(tlp: Tlp): string {
  return `TLP:${tlp.toUpperCase()}`;
}

/** JSON for people and programs: two spaces, a newline at the end. */
export function jsonBody(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** An array of a JSON document, written entry by entry as `jsonBody` would write it whole. */
export class JsonArray {
  readonly #depth: number;
  #empty = true;

  /** `depth`: levels of the document around its entries. */
  constructor(depth: number) {
    this.#depth = depth;
  }

  entry(value: unknown): string {
    // Wrapped as deep as it lies, so that the writer itself indents it; the brackets around it are cut off.
    let wrapped = value;
    for (let level = 0; level < this.#depth; level++) wrapped = [wrapped];
    const text = JSON.stringify(wrapped, null, 2);
    const behind = this.#depth * (this.#depth + 1);
    const before = this.#empty ? "" : ",";
    this.#empty = false;
    return `${before}${text.slice(behind - 1, -behind)}`;
  }

  /** What stands between the last entry and whatever follows. */
  close(): string {
    return this.#empty ? "]" : `\n${"  ".repeat(this.#depth - 1)}]`;
  }
}
