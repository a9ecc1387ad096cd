/** What a platform is to a push: it takes one export, and says what of it it refused. */
import type { StixObject } from "@assay/core/export/stix/object";
import type { Http } from "../../sandboxes/http.ts";
import type { Answer } from "../../sandboxes/sandbox.ts";

export const TARGETS = ["misp", "opencti", "taxii"] as const;
export type TargetKind = (typeof TARGETS)[number];

/** Something that the other side did not take. */
export interface Refusal {
  /** Id or uuid, with what it is where that is known. */
  readonly what: string;
  readonly why: string;
}

export interface Pushed {
  /** In words: `event created`, `file uploaded`. */
  readonly outcome: string;
  readonly sent: number;
  readonly refused: readonly Refusal[];
}

export type MispEvent = { readonly Event: Readonly<Record<string, unknown>> };
export interface StixBundleBody {
  readonly id: string;
  readonly objects: readonly StixObject[];
}

/** The export as the platform's form has it, text and value. */
export interface Cargo {
  readonly body: string;
  readonly value: MispEvent | StixBundleBody;
}

export interface Tools {
  readonly http: Http;
  readonly onProgress?: (text: string) => void;
}

export type Push = (tools: Tools, cargo: Cargo) => Promise<Answer<Pushed>>;

/** Refusals told one by one. */
export const MAX_REFUSALS = 1000;
/** Bytes of an answer: MISP sends the event back. */
export const MAX_ANSWER = 128 * 1024 * 1024;
