/**
 * An artifact with an address space. Extractors read through it by offset or by virtual address and never ask
 * whether the bytes are a file on disk or a region of a dump.
 */
import type { View } from "../bytes/index.ts";
import type { AddressSpace, Layout } from "./address-space.ts";
import type { Dotnet } from "./dotnet/model.ts";
import type {
  CertificateEntry,
  DebugInfo,
  ExportTable,
  ImportedDll,
  Pe,
  Resource,
  RichHeader,
} from "./pe/model.ts";

/** All but `pe` is read on first use and kept. For what is not a PE every list is empty. */
export interface Image extends AddressSpace {
  /** Short name for people: `PE32 exe`, `PE32+ dll`, `.NET exe`, `raw`. */
  readonly format: string;
  readonly pe: Pe | undefined;
  /**
   * What the image's own pointers count from: `base`, unless the code shows that it was moved without its relocations
   * or that `base` is not where it was. Undefined when no base was given and the code does not tell. `offsetOfVa` and
   * `readVa` go by it first; `vaOfOffset` goes by `base`.
   */
  readonly pointerBase: number | undefined;
  readonly dotnet: Dotnet | undefined;
  /** A PE's own module, alone; of bytes without headers every module in them, the fullest, which is `dotnet`, first. */
  readonly modules: readonly Dotnet[];
  readonly imports: readonly ImportedDll[];
  readonly exports: ExportTable | undefined;
  readonly resources: readonly Resource[];
  readonly debug: readonly DebugInfo[];
  readonly richHeader: RichHeader | undefined;
  readonly certificates: readonly CertificateEntry[];
  /** Bytes behind the last section's raw data, certificate table included. */
  readonly overlay: View | undefined;
}

export interface ImageHint {
  readonly layout?: Layout;
  /** Actual load address, when known (dumps); otherwise ImageBase, or for raw what the code tells. */
  readonly base?: number;
}
