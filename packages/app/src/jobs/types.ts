/** What goes into the queue and what is told of it. */

export type Priority = "analyst" | "feed";

/** A file whose bytes are in the blob store already. */
export interface Submission {
  readonly sha256: string;
  readonly name: string;
  readonly size: number;
  readonly priority: Priority;
  /** For archives, tried before the usual ones. */
  readonly passwords?: readonly string[];
  /** What nothing in the file tells: raw memory of a machine, or a region of a process. */
  readonly memory?: "raw" | "region";
  /** Address of a region's first byte, in hex. */
  readonly base?: string;
}

/** How a file is to be opened, where its own bytes do not tell. */
export interface How {
  readonly passwords?: readonly string[];
  readonly memory?: "raw" | "region";
  readonly base?: string;
}

/**
 * `done` and `failed` have a result, which for the latter says why the analysis did not end; `dead` has none: it was
 * given up, and somebody must look.
 */
export type State = "queued" | "active" | "done" | "failed" | "dead";

export interface SubmitRequest {
  /** Adds to a batch that is there already, once for each file and name. */
  readonly id?: string;
  readonly submissions: readonly Submission[];
}

export interface Accepted {
  readonly sha256: string;
  /** Of the queue; absent when there is nothing to do. */
  readonly job?: string;
  /** `known`: this engine's result stands. */
  readonly state: "queued" | "known";
}

export interface Submitted {
  readonly batch: string;
  readonly accepted: readonly Accepted[];
}

export interface Member {
  /** Its number in the batch, from 1: the cursor. */
  readonly n: number;
  readonly sha256: string;
  readonly name: string;
  readonly state: State;
  readonly tries: number;
  readonly outcome?: string;
  /** Where it failed. */
  readonly stage?: string;
  readonly reason?: string;
}

export interface BatchStatus {
  readonly id: string;
  readonly kind: "upload" | "rescan";
  readonly createdAt: string;
  readonly total: number;
  readonly byState: Readonly<Record<State, number>>;
  /** No member will change any more. */
  readonly ended: boolean;
  /** Number of the newest event, to watch from. */
  readonly events: number;
  readonly samples: readonly Member[];
  /** `after` of the next page. */
  readonly next?: number;
}

export interface Page {
  /** 100 when absent. */
  readonly limit?: number;
  readonly after?: number;
}

export interface BatchRow {
  readonly id: string;
  readonly kind: "upload" | "rescan";
  readonly createdAt: string;
  readonly total: number;
}

export interface BatchEvent {
  /** Increases within the batch. */
  readonly id: number;
  readonly at: string;
  readonly sha256: string;
  readonly name: string;
  readonly state: State;
  readonly outcome?: string;
  readonly stage?: string;
  readonly reason?: string;
}

export interface Depth {
  readonly queued: number;
  readonly active: number;
  readonly dead: number;
  /** How long the oldest that waits has waited. */
  readonly oldestSeconds: number;
  /** Workers heard from lately. */
  readonly workers: number;
}

export interface DeadLetter {
  readonly id: string;
  readonly sha256: string;
  readonly size: number;
  readonly tries: number;
  readonly worker?: string;
  readonly queuedAt: string;
  readonly diedAt: string;
  readonly reason: string;
  readonly names: readonly string[];
}

/** Which samples a rescan is about; all that are given must hold. */
export interface Filter {
  readonly family?: string;
  readonly layout?: string;
  /** ISO 8601: last seen then or later. */
  readonly since?: string;
  /** Also samples in which nothing was found: what a new layout or rule may tell apart. */
  readonly unknown?: boolean;
}

/** Too much waits already. */
export class QueueFull extends Error {
  readonly retryAfterSeconds: number;

  constructor(waiting: number, retryAfterSeconds: number) {
    super(`${waiting} samples wait already; try again in ${retryAfterSeconds} s`);
    this.name = "QueueFull";
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
