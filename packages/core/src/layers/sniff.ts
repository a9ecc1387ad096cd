/** What bytes are by their structure, for layers that must not hand on junk. */
import type { View } from "../bytes/index.ts";
import { classify } from "../formats/index.ts";
import { embeddedPe } from "./around-pe/embedded-pe.ts";

/** What `classify` names that may hold a program or a script, other than PEs. */
const HOLDERS: ReadonlySet<string> = new Set([
  "ELF",
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
  "msi",
  "ole2",
  "rtf",
  "pdf",
  "iso",
  "lnk",
  "java class",
  "dex",
  "script",
  "powershell script",
  "batch script",
  "vbs script",
  "javascript",
  "php script",
]);

/** Shorter text is no script that does anything. */
const MIN_SCRIPT = 32;

/** Second looks at what has a short magic. */
const CHECKS: Readonly<Record<string, (view: View) => boolean>> = {
  bzip2: (view) => view.u8(4) === 0x31 && view.u8(5) === 0x41 && view.u8(6) === 0x59,
  // RFC 1952: reserved flags are 0, extra flags are the compressor's level, the system is one of a list.
  gzip: (view) => ((view.u8(3) ?? 0xff) & 0xe0) === 0 && [0, 2, 4].includes(view.u8(8) ?? 1),
  zip: (view) => view.u8(2) !== 3 || ((view.u16(4) ?? 0xffff) & 0xff) <= 63,
  cab: (view) => view.u32(4) === 0 && view.u8(25) === 1,
  zstd: (view) => ((view.u8(4) ?? 0xff) & 8) === 0,
  // Both Mach-O fat files and Java classes start so; a class file's version is 45 and more.
  "java class": (view) => (view.u16be(6) ?? 0) >= 45 && (view.u16be(6) ?? 0) < 100,
};

/**
 * The name of what starts at byte 0 (`PE32 exe`, `zip`, `powershell script`), when it is something that may hold a
 * program; undefined for pictures, plain text, markup and data.
 */
export function sniff(view: View): string | undefined {
  const pe = embeddedPe(view, 0);
  if (pe !== undefined) return pe.format;
  const name = classify(view);
  if (!HOLDERS.has(name) || CHECKS[name]?.(view) === false) return undefined;
  return /script$/.test(name) && view.length < MIN_SCRIPT ? undefined : name;
}
