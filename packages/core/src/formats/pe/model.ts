/** What a PE holds, under the names of winnt.h and "PE Format" (learn.microsoft.com/windows/win32/debug/pe-format). */
import type { Found, Span, View } from "../../bytes/index.ts";

export interface Pe {
  /** Offset of the PE signature: e_lfanew, or where structure shows the headers when e_lfanew is gone. */
  readonly lfanew: number;
  readonly machine: number;
  /** PE32+ when true. */
  readonly is64: boolean;
  readonly timeDateStamp: number;
  readonly characteristics: number;
  readonly sizeOfOptionalHeader: number;
  readonly subsystem: number;
  readonly dllCharacteristics: number;
  readonly imageBase: bigint;
  readonly addressOfEntryPoint: number;
  readonly sectionAlignment: number;
  readonly fileAlignment: number;
  readonly sizeOfImage: number;
  readonly sizeOfHeaders: number;
  readonly checkSum: number;
  readonly sections: readonly Section[];
  readonly dataDirectories: readonly DataDirectory[];
  /** Oddities met on the way, kept and not mended. */
  readonly anomalies: readonly Anomaly[];
}

export interface Section {
  readonly name: string;
  readonly virtualSize: number;
  readonly virtualAddress: number;
  readonly sizeOfRawData: number;
  readonly pointerToRawData: number;
  readonly characteristics: number;
}

export interface DataDirectory {
  readonly virtualAddress: number;
  readonly size: number;
}

export interface Anomaly {
  readonly code: string;
  readonly text: string;
  readonly at?: Span;
}

export interface ImportedDll {
  readonly name: string;
  readonly functions: readonly {
    readonly name?: string;
    readonly ordinal?: number;
    readonly hint?: number;
  }[];
  readonly delayed: boolean;
}

export interface ExportTable {
  readonly name: string;
  readonly timeDateStamp: number;
  readonly functions: readonly {
    readonly ordinal: number;
    readonly name?: string;
    readonly rva: number;
    readonly forwarder?: string;
  }[];
}

/** One leaf of the resource tree. Types and names are numbers (RT_*) or text, as they stand. */
export interface Resource {
  readonly type: number | string;
  readonly name: number | string;
  readonly language: number | string;
  readonly codePage: number;
  readonly rva: number;
  /** What of the data lies in the view; may be shorter than `size` in a truncated file. */
  readonly data: View;
  readonly size: number;
}

export interface DebugInfo {
  readonly type: number;
  readonly timeDateStamp: number;
  readonly pdbPath?: Found<string>;
  readonly guid?: string;
  readonly age?: number;
}

export interface RichHeader {
  readonly key: number;
  readonly checksumHolds: boolean;
  readonly entries: readonly { readonly productId: number; readonly build: number; readonly count: number }[];
}

export interface CertificateEntry {
  readonly revision: number;
  readonly type: number;
  readonly data: View;
}
