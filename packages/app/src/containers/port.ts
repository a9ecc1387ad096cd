/** The archives that triage may ask for, by the names that `classify` gives them. */
import type { Containers } from "@assay/core/triage/ports";

/** 7-Zip reads more than these; what is not named here is left alone (a PE is no archive, though 7-Zip would open it). */
const FORMATS: ReadonlySet<string> = new Set([
  "zip",
  "7z",
  "rar",
  "gzip",
  "bzip2",
  "xz",
  "zstd",
  "tar",
  "cab",
  "chm",
  "iso",
  "udf",
  "vhd",
  "vhdx",
  "vmdk",
  "wim",
  "arj",
  "lzh",
  "msi",
  "dmg",
  "rpm",
  "cpio",
  "ar",
  "xar",
  "squashfs",
  "nsis",
]);

export const containers: Containers = {
  opens: (format) => FORMATS.has(format),
  // Loaded with the first archive: its WebAssembly costs more than all else that a start needs.
  open: async (input) => (await import("./open.ts")).openContainer(input),
};
