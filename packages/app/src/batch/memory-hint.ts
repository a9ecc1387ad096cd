/** What is known from outside of a file that was cut out of a process: it says nothing of this in its own bytes. */
import type { Layout } from "@assay/core/formats/address-space";

export type ArtefactKind =
  /** Unpacked or injected, cut out by the sandbox as worth a look. */
  | "payload"
  /** The main image of a process. */
  | "procdump"
  /** All memory of a process, or a run of it. */
  | "memory"
  /** Written to disk by the sample. */
  | "dropped"
  /** Taken out of a file by the sandbox's own unpackers. */
  | "selfextracted";

export interface MemoryHint {
  readonly kind: ArtefactKind;
  /** Whose memory it was. */
  readonly process?: { readonly name?: string; readonly pid?: number };
  /** Virtual address of the first byte. */
  readonly base?: bigint;
  /** How a program lies in the bytes, where the dumper says so. */
  readonly layout?: Layout;
}
