/** PAGE_* and MEM_* of winnt.h, and protections as /proc/PID/maps writes them. */
import type { MemoryRegion } from "./model.ts";

export const MEM_COMMIT = 0x1000;

const MEM_TYPES: ReadonlyMap<number, NonNullable<MemoryRegion["type"]>> = new Map([
  [0x2_0000, "private"],
  [0x4_0000, "mapped"],
  [0x100_0000, "image"],
]);

/** The low byte of a protection names one of these; PAGE_NOCACHE and the like stand above it. */
const PAGE_PROTECTIONS: ReadonlyMap<number, string> = new Map([
  [0x01, "---"], // PAGE_NOACCESS
  [0x02, "r--"], // PAGE_READONLY
  [0x04, "rw-"], // PAGE_READWRITE
  [0x08, "rw-"], // PAGE_WRITECOPY
  [0x10, "--x"], // PAGE_EXECUTE
  [0x20, "r-x"], // PAGE_EXECUTE_READ
  [0x40, "rwx"], // PAGE_EXECUTE_READWRITE
  [0x80, "rwx"], // PAGE_EXECUTE_WRITECOPY
]);
const PAGE_GUARD = 0x100;
/** PAGE_GUARD, PAGE_NOCACHE, PAGE_WRITECOMBINE, and what Windows 10 added up to PAGE_TARGETS_INVALID. */
const PAGE_MODIFIERS = 0x7fff_ff00;

/** `rwx` of a PAGE_* value; `---` for guard pages, whose first touch faults; undefined for what is no PAGE_* value. */
export function protectionOfPage(protect: number): string | undefined {
  if ((protect & ~(PAGE_MODIFIERS | 0xff)) !== 0) return undefined;
  const plain = PAGE_PROTECTIONS.get(protect & 0xff);
  return plain !== undefined && (protect & PAGE_GUARD) !== 0 ? "---" : plain;
}

/** Of a MEM_* type; undefined for what is none. */
export function typeOfMemory(type: number): MemoryRegion["type"] {
  return MEM_TYPES.get(type);
}

/** Of flag bits in any order, such as PF_R, PF_W and PF_X of an ELF segment. */
export function protectionOf(readable: boolean, writable: boolean, executable: boolean): string {
  return (readable ? "r" : "-") + (writable ? "w" : "-") + (executable ? "x" : "-");
}
