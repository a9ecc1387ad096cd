/** What a layer is: a static unpacker, from the bytes of one artifact to the artifacts inside it. */
import type { Span, View } from "../bytes/index.ts";
import type { Image, ImageHint } from "../formats/image.ts";
import type { Ledger, Reason } from "../model/index.ts";
import type { Budget } from "./budget.ts";

/** What an inner artifact is to the one around it. */
export type InnerKind =
  /** A file in an archive, a mail, a document. */
  | "member"
  | "resource"
  | "overlay"
  /** Found by its own structure, wherever it stood. */
  | "carved"
  /** What a packer had compressed, rebuilt. */
  | "unpacked"
  /** What code or a script decodes. */
  | "payload"
  /** A script, made more readable. */
  | "script";

export interface Inner {
  /** Bytes in the ledger: made by `ledger.derive` or `ledger.adopt`, so that they say where they come from. */
  readonly view: View;
  readonly kind: InnerKind;
  /** File name, when it has one. */
  readonly name?: string;
  /** Layout and base, when the layer knows them. */
  readonly hint?: ImageHint;
}

export interface LayerInput {
  /** The artifact, with its address space; `image.view` are its bytes. */
  readonly image: Image;
  /** As `classify` names it, or `image.format` for a PE. */
  readonly format: string;
  /** File name, when known: passwords and script kinds hide there. */
  readonly name: string | undefined;
  readonly ledger: Ledger;
  readonly budget: Budget;
}

export interface LayerOutput {
  readonly inner: readonly Inner[];
  /** What was met but not peeled, and why: a packer by name, a password that is missing, a cut-off. */
  readonly reasons: readonly Reason[];
}

export interface Layer {
  /** Short and stable; the reasons' stage. */
  readonly id: string;
  /** A row of docs/layers.md: what is peeled. */
  readonly title: string;
  /** How, and what is only named: one sentence each. */
  readonly how: string;
  /** Never throws on any input. Returns quickly, with nothing, when the artifact is not its business. */
  peel(input: LayerInput): LayerOutput;
}

export const NOTHING: LayerOutput = { inner: [], reasons: [] };

/** A reason of this layer's. */
export function reason(layer: Pick<Layer, "id">, code: string, text: string, ...at: Span[]): Reason {
  return { stage: `layer/${layer.id}`, code, text, ...(at.length > 0 ? { at } : {}) };
}
