/** What every exchange form is: a pure function from the report to a text, and what it could not carry. */
import type { Report } from "../model/index.ts";
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

export interface Form {
  /** What it is called at the command and in URLs. */
  readonly id: string;
  readonly title: string;
  readonly mediaType: string;
  /** Of file names, without the dot. */
  readonly extension: string;
  readonly convert: (report: Report, options: ExportOptions) => Exported;
}

/** Gathers what is left out, each value and reason once. */
export class Omissions {
  readonly list: LeftOut[] = [];
  readonly #seen = new Set<string>();

  add(value: string, reason: string): void {
    const key = `${reason}\0${value}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
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
