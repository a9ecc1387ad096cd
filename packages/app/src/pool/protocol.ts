/** What the pool and its workers say to each other. Paths travel as base64, since they are bytes. */

import type { Sample } from "@assay/core/model/index";
import type { AnalyserOptions, Inspected, OwnOptions } from "../analyser.ts";
import type { MemoryHint } from "../batch/memory-hint.ts";

/** Sent once, first. */
export interface Start {
  readonly kind: "start";
  readonly options: AnalyserOptions;
}

export interface Job {
  readonly kind: "job";
  readonly id: number;
  readonly path: string;
  readonly name: string;
  /** What is known from outside of a file that was cut out of a process. */
  readonly memory?: MemoryHint;
  readonly own?: OwnOptions;
  /** Ask for the file's make-up too, and for its artifacts' bytes. */
  readonly inspect?: { readonly bytes: boolean };
  /** Open it as an archive and send its members, instead of analysing it. */
  readonly unpack?: UnpackJob;
}

export interface UnpackJob {
  readonly passwords: readonly string[];
  readonly limits: { readonly bytes: number; readonly members: number };
}

export type ToWorker = Start | Job;

export type FromWorker =
  | { readonly kind: "ready" }
  | { readonly kind: "rejected"; readonly text: string }
  /** What the worker is about to do: the last one heard is what it was doing when it died. */
  | { readonly kind: "stage"; readonly id: number; readonly stage: string }
  /** What is known of the sample so far. */
  | { readonly kind: "partial"; readonly id: number; readonly sample: Sample }
  /** A member of an archive that is being unpacked. */
  | { readonly kind: "member"; readonly id: number; readonly name: string; readonly bytes: Uint8Array }
  | {
      readonly kind: "done";
      readonly id: number;
      readonly sample: Sample;
      readonly inspected?: Pick<Inspected, "facts" | "bytes">;
    };
