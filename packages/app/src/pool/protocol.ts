/** What the pool and its workers say to each other. Paths travel as base64, since they are bytes. */
import type { Sample } from "@assay/core/model/index";

/** Sent once, first. */
export interface Start {
  readonly kind: "start";
  readonly rules: readonly string[];
  readonly evidence: boolean;
  readonly maxBytes: number;
}

export interface Job {
  readonly kind: "job";
  readonly id: number;
  readonly path: string;
  readonly name: string;
}

export type ToWorker = Start | Job;

export type FromWorker =
  | { readonly kind: "ready" }
  | { readonly kind: "rejected"; readonly text: string }
  | { readonly kind: "done"; readonly id: number; readonly sample: Sample };
