/** VBA projects ([MS-OVBA]): source text of the modules out of their streams. */
import { latin1, View } from "../../bytes/index.ts";
import type { CfbEntry } from "../../formats/cfb.ts";

/** Decompressed bytes of one stream. */
const MAX_MODULE = 32 * 1024 * 1024;
/** Modules of one project. */
const MAX_MODULES = 256;

export interface VbaModule {
  readonly name: string;
  readonly stream: CfbEntry;
  readonly text: Uint8Array;
  /** Offset in the stream at which the compressed source begins. */
  readonly offset: number;
}

/** CompressedContainer (2.4.1) from `at`. Undefined when it is none; what stands before a broken chunk is kept. */
export function decompressOvba(data: Uint8Array, at = 0): Uint8Array | undefined {
  if (data[at] !== 1) return undefined;
  let out = new Uint8Array(Math.min(MAX_MODULE, Math.max(4096, (data.length - at) * 4)));
  let to = 0;
  let from = at + 1;
  const room = (): boolean => {
    if (to + 4096 <= out.length) return true;
    if (out.length >= MAX_MODULE) return false;
    const larger = new Uint8Array(Math.min(MAX_MODULE, out.length * 2));
    larger.set(out);
    out = larger;
    return to + 4096 <= out.length;
  };
  while (from + 2 <= data.length) {
    const header = (data[from] as number) | ((data[from + 1] as number) << 8);
    if (((header >> 12) & 7) !== 3 || !room()) break;
    const end = Math.min(data.length, from + (header & 0xfff) + 3);
    from += 2;
    if ((header & 0x8000) === 0) {
      const raw = data.subarray(from, Math.min(end, from + 4096));
      out.set(raw, to);
      to += raw.length;
      from = end;
      continue;
    }
    const start = to;
    while (from < end && to - start < 4096) {
      let flags = data[from++] as number;
      for (let i = 0; i < 8 && from < end && to - start < 4096; i++, flags >>= 1) {
        if ((flags & 1) === 0) {
          out[to++] = data[from++] as number;
          continue;
        }
        if (from + 2 > end) {
          from = end;
          break;
        }
        const token = (data[from] as number) | ((data[from + 1] as number) << 8);
        from += 2;
        let bits = 4;
        while (1 << bits < to - start) bits++;
        const length = (token & (0xffff >> bits)) + 3;
        const back = (token >> (16 - bits)) + 1;
        if (back > to - start) return to > 0 ? out.slice(0, to) : undefined;
        for (let k = 0; k < length && to - start < 4096; k++, to++) out[to] = out[to - back] as number;
      }
    }
    from = end;
  }
  return to > 0 ? out.slice(0, to) : undefined;
}

/** Records of the `dir` stream (2.3.4.2) that tell where a module's source begins. */
const MODULE_STREAM = 0x1a;
const MODULE_OFFSET = 0x31;
const PROJECT_VERSION = 0x09;

/** Module stream name to source offset, as the decompressed `dir` stream says. */
function offsetsOf(dir: Uint8Array): Map<string, number> {
  const view = new View(dir);
  const offsets = new Map<string, number>();
  let name = "";
  let at = 0;
  while (at + 6 <= view.length && offsets.size < MAX_MODULES) {
    const id = view.u16(at) as number;
    const size = view.u32(at + 2) as number;
    if (id === MODULE_STREAM) name = latin1(view.clip(at + 6, size).bytes);
    else if (id === MODULE_OFFSET && name !== "") offsets.set(name.toLowerCase(), view.u32(at + 6) ?? 0);
    // PROJECTVERSION's size field is reserved and says 4 where 6 follow.
    at += 6 + (id === PROJECT_VERSION ? 6 : size);
  }
  return offsets;
}

const ATTRIBUTE = [0x41, 0x74, 0x74, 0x72, 0x69, 0x62];

/** A compressed container that begins with `Attribut`: found by that when `dir` does not help. */
function findSource(data: Uint8Array): number {
  // Flag byte and the literal "Attribut" behind signature and header.
  for (let at = data.indexOf(0x41); at >= 0; at = data.indexOf(0x41, at + 1)) {
    if (ATTRIBUTE.every((byte, i) => data[at + i] === byte) && data[at - 4] === 1 && data[at - 1] === 0)
      return at - 4;
  }
  return -1;
}

/** The modules of every VBA project of a compound file; empty ones (only attributes) are left out. */
export function vbaModules(entries: readonly CfbEntry[]): VbaModule[] {
  const modules: VbaModule[] = [];
  for (const dirEntry of entries) {
    if (dirEntry.kind !== "stream" || !/(?:^|\/)VBA\/dir$/i.test(dirEntry.path)) continue;
    const folder = dirEntry.path.slice(0, -3).toLowerCase();
    const dir = decompressOvba(dirEntry.bytes());
    const offsets = dir === undefined ? new Map<string, number>() : offsetsOf(dir);
    for (const stream of entries) {
      if (modules.length >= MAX_MODULES) return modules;
      if (stream.kind !== "stream" || !stream.path.toLowerCase().startsWith(folder)) continue;
      if (/^(?:dir|_vba_project|__srp_\d+)$/i.test(stream.name)) continue;
      const data = stream.bytes();
      const told = offsets.get(stream.name.toLowerCase());
      const offset = told !== undefined && data[told] === 1 ? told : findSource(data);
      const text = offset < 0 ? undefined : decompressOvba(data, offset);
      if (text !== undefined) modules.push({ name: stream.name, stream, text, offset });
    }
  }
  return modules;
}

/** Source without its Attribute lines is more than a form's frame. */
export function hasCode(text: Uint8Array): boolean {
  return latin1(text)
    .split("\n", 10_000)
    .some((line) => line.trim() !== "" && !line.startsWith("Attribute "));
}
