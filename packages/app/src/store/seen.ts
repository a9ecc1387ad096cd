/** What is to be stored: results, of which run, and when they were got. */
import type { Sample } from "@assay/core/model/index";
import type { Facts } from "./facts.ts";

export interface Run {
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly engine: string;
  readonly families: readonly string[];
}

export interface Seen {
  readonly sample: Sample;
  /** ISO 8601: when this result was first and last got; an import has both, a triage one moment. */
  readonly firstAt: string;
  readonly lastAt: string;
  /** When the file itself was last seen, where that is not when it was analysed: a rescan sees no file anew. */
  readonly seenAt?: string;
}

/** With what the result says, as rows. */
export type Entry = Seen & { readonly facts: Facts };

/** When the file was seen first and last. */
export function sightings({ firstAt, lastAt, seenAt }: Seen): Pick<Seen, "firstAt" | "lastAt"> {
  return { firstAt: seenAt ?? firstAt, lastAt: seenAt ?? lastAt };
}
