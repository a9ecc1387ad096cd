/**
 * Compound File Binary ([MS-CFB]): the file system of .doc, .xls, .msg, .msi and vbaProject.bin. Streams are given as
 * spans of the file, so that what is read from one keeps its place.
 */
import { attempt, hex, ParseError, type Result, type Span, utf16le, type View } from "../bytes/index.ts";

const MAGIC = Uint8Array.of(0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1);
const HEADER_DIFAT = 109;
const ENTRY_SIZE = 128;
/** The highest number of a real sector (MAXREGSECT); end-of-chain and free marks lie above. */
const MAX_SECTOR = 0xffff_fffa;
const NO_ENTRY = 0xffff_ffff;

/** Directory entries that are looked at; an installer has some hundreds, a large mail some thousands. */
const MAX_ENTRIES = 32_768;
/** Storages in storages; a mail in a mail takes two levels. */
const MAX_DEPTH = 64;
/** Sector steps over all streams together, for each sector of the file: streams that overlap are cut off there. */
const STEPS_PER_SECTOR = 4;

export interface CfbEntry {
  /** Names from the root down, joined by `/`: `__attach_version1.0_#00000000/__substg1.0_37010102`. */
  readonly path: string;
  readonly name: string;
  readonly kind: "storage" | "stream";
  /** CLSID of a storage, as `000C1084-0000-0000-C000-000000000046`; all zeros when it has none. */
  readonly clsid: string;
  /** Bytes, as the directory says; `spans` may hold fewer when the file is damaged. */
  readonly size: number;
  /** Present in the directory but not reachable from its root: deleted, or hidden. */
  readonly orphan: boolean;
  /** Where the stream's bytes lie, in order; their lengths sum to `size` or, in a damaged file, to less. */
  spans(): readonly Span[];
  /** The stream's bytes; a copy unless it lies in one piece. */
  bytes(): Uint8Array;
}

export interface Cfb {
  /** CLSID of the root storage: tells an installer from a mail. */
  readonly clsid: string;
  /** Breadth first in the directory's order; the root itself is not among them. */
  readonly entries: readonly CfbEntry[];
  /** What does not hold: `FAT chain loops`, `streams overlap`. */
  readonly anomalies: readonly string[];
}

/** Reads header, allocation tables and directory. Fails on what is no compound file; damage beyond that is an anomaly. */
export function parseCfb(view: View): Result<Cfb> {
  return attempt(() => new Reader(view).read());
}

interface Raw {
  readonly name: string;
  readonly type: number;
  readonly left: number;
  readonly right: number;
  readonly child: number;
  readonly clsid: string;
  readonly start: number;
  readonly size: number;
}

/** A run of sectors that lie side by side. */
interface Run {
  readonly offset: number;
  length: number;
}

const STORAGE = 1;
const STREAM = 2;
const ROOT = 5;

class Reader {
  readonly #view: View;
  readonly #sectorSize: number;
  readonly #miniSize: number;
  readonly #cutoff: number;
  readonly #sectors: number;
  readonly #anomalies = new Set<string>();
  readonly #fat: Uint32Array;
  /** Number of the walk that last met each sector: a chain that meets its own mark loops. */
  readonly #marks: Uint32Array;
  #walk = 0;
  #steps: number;
  #miniFat: Uint32Array = new Uint32Array(0);
  #miniStream: readonly number[] = [];

  constructor(view: View) {
    this.#view = view;
    if (!MAGIC.every((byte, i) => view.bytes[i] === byte))
      throw new ParseError("bad-magic", "_abSig", view.span(0, 0));
    if (view.length < 512) throw new ParseError("truncated", "StructuredStorageHeader", view.span(0, 0));
    const shift = view.u16(30) as number;
    if (shift !== 9 && shift !== 12) throw new ParseError("bad-value", "_uSectorShift", view.span(30, 2));
    const miniShift = view.u16(32) as number;
    if (miniShift !== 6) throw new ParseError("bad-value", "_uMiniSectorShift", view.span(32, 2));
    this.#sectorSize = 1 << shift;
    this.#miniSize = 1 << miniShift;
    this.#cutoff = view.u32(56) as number;
    this.#sectors = Math.max(0, Math.ceil(view.length / this.#sectorSize) - 1);
    this.#marks = new Uint32Array(this.#sectors);
    this.#steps = this.#sectors * STEPS_PER_SECTOR + 64;
    this.#fat = this.#table(this.#fatSectors());
  }

  read(): Cfb {
    const view = this.#view;
    const raw = this.#directory(this.#chain(view.u32(48) as number));
    const root = raw[0];
    if (root === undefined || root.type !== ROOT)
      throw new ParseError("bad-value", "root directory entry", view.span(48, 4));
    this.#miniFat = this.#table(this.#chain(view.u32(60) as number));
    this.#miniStream = this.#chain(root.start);
    return { clsid: root.clsid, entries: this.#tree(raw), anomalies: [...this.#anomalies] };
  }

  /** The numbers of the FAT's own sectors: 109 in the header, the rest in the DIFAT chain. */
  #fatSectors(): number[] {
    const view = this.#view;
    const perSector = this.#sectorSize / 4;
    const most = Math.ceil(this.#sectors / perSector);
    const found: number[] = [];
    const collect = (from: number, count: number): void => {
      for (let i = 0; i < count && found.length < most; i++) {
        const sector = view.u32(from + 4 * i);
        if (sector !== undefined && sector < this.#sectors) found.push(sector);
      }
    };
    collect(76, HEADER_DIFAT);
    let next = view.u32(68) as number;
    this.#walk++;
    while (next < this.#sectors) {
      if (this.#marks[next] === this.#walk) {
        this.#anomalies.add("DIFAT chain loops");
        break;
      }
      this.#marks[next] = this.#walk;
      const at = this.#offset(next);
      collect(at, perSector - 1);
      next = view.u32(at + this.#sectorSize - 4) ?? NO_ENTRY;
    }
    return found;
  }

  /** The 32-bit entries of these sectors, one table; entries past the end of the file read as free. */
  #table(sectors: readonly number[]): Uint32Array {
    const perSector = this.#sectorSize / 4;
    const out = new Uint32Array(sectors.length * perSector).fill(NO_ENTRY);
    sectors.forEach((sector, n) => {
      const at = this.#offset(sector);
      for (let i = 0; i < perSector; i++) out[n * perSector + i] = this.#view.u32(at + 4 * i) ?? NO_ENTRY;
    });
    return out;
  }

  #offset(sector: number): number {
    return (sector + 1) * this.#sectorSize;
  }

  /** Sector numbers from `start` along the FAT, at most `limit`. Ends at a mark, an impossible number or a loop. */
  #chain(start: number, limit = this.#sectors): number[] {
    const sectors: number[] = [];
    this.#walk++;
    let next = start;
    while (next < this.#sectors && sectors.length < limit) {
      if (this.#marks[next] === this.#walk) {
        this.#anomalies.add("FAT chain loops");
        break;
      }
      if (--this.#steps < 0) {
        this.#anomalies.add("streams overlap");
        break;
      }
      this.#marks[next] = this.#walk;
      sectors.push(next);
      next = this.#fat[next] ?? NO_ENTRY;
    }
    if (sectors.length < limit && next < MAX_SECTOR && next >= this.#sectors)
      this.#anomalies.add("FAT chain leaves the file");
    return sectors;
  }

  #directory(sectors: readonly number[]): Raw[] {
    const entries: Raw[] = [];
    const perSector = this.#sectorSize / ENTRY_SIZE;
    for (const sector of sectors) {
      for (let i = 0; i < perSector; i++) {
        if (entries.length >= MAX_ENTRIES) {
          this.#anomalies.add("directory cut off");
          return entries;
        }
        const entry = this.#view.sub(this.#offset(sector) + i * ENTRY_SIZE, ENTRY_SIZE);
        if (entry === undefined) return entries;
        entries.push(rawEntry(entry));
      }
    }
    return entries;
  }

  #tree(raw: readonly Raw[]): CfbEntry[] {
    const entries: CfbEntry[] = [];
    const seen = new Uint8Array(raw.length);
    seen[0] = 1;
    const queue: { readonly id: number; readonly prefix: string; readonly depth: number }[] = [
      { id: (raw[0] as Raw).child, prefix: "", depth: 1 },
    ];
    for (let at = 0; at < queue.length; at++) {
      const { id, prefix, depth } = queue[at] as (typeof queue)[number];
      for (const sibling of siblings(raw, id, seen)) {
        const entry = raw[sibling] as Raw;
        const path = prefix + entry.name;
        entries.push(this.#entry(entry, path, false));
        if (entry.type === STORAGE && depth < MAX_DEPTH)
          queue.push({ id: entry.child, prefix: `${path}/`, depth: depth + 1 });
      }
    }
    raw.forEach((entry, id) => {
      if (seen[id] === 0 && entry.type === STREAM && entry.size > 0)
        entries.push(this.#entry(entry, entry.name, true));
    });
    return entries;
  }

  #entry(raw: Raw, path: string, orphan: boolean): CfbEntry {
    let spans: readonly Span[] | undefined;
    const size = raw.type === STREAM ? raw.size : 0;
    const locate = (): readonly Span[] => {
      spans ??= this.#locate(raw.start, size);
      return spans;
    };
    return {
      path,
      name: raw.name,
      kind: raw.type === STREAM ? "stream" : "storage",
      clsid: raw.clsid,
      size,
      orphan,
      spans: locate,
      bytes: () => {
        const at = locate();
        const parts = at.map((span) => this.#view.clip(span.offset - this.#view.base, span.length).bytes);
        if (parts.length === 1) return parts[0] as Uint8Array;
        // Not concatBytes: a scattered stream has more parts than a call takes arguments.
        const out = new Uint8Array(at.reduce((sum, span) => sum + span.length, 0));
        let to = 0;
        for (const part of parts) {
          out.set(part, to);
          to += part.length;
        }
        return out;
      },
    };
  }

  #locate(start: number, size: number): Span[] {
    const wanted = Math.min(size, this.#view.length);
    const runs =
      size < this.#cutoff
        ? this.#miniRuns(start, wanted)
        : joined(
            this.#chain(start, Math.ceil(wanted / this.#sectorSize)).map((sector) => this.#offset(sector)),
            this.#sectorSize,
          );
    const spans: Span[] = [];
    let left = wanted;
    for (const run of runs) {
      const part = this.#view.clip(run.offset, Math.min(run.length, left));
      if (part.length > 0) spans.push(part.span());
      left -= part.length;
      if (left <= 0) break;
    }
    return spans;
  }

  /** Small streams lie in 64-byte pieces of the root's own stream, chained by the mini FAT. */
  #miniRuns(start: number, wanted: number): Run[] {
    const places: number[] = [];
    const perSector = this.#sectorSize / this.#miniSize;
    const limit = Math.ceil(wanted / this.#miniSize);
    let next = start;
    while (places.length < limit && next < this.#miniFat.length) {
      const sector = this.#miniStream[Math.floor(next / perSector)];
      if (sector === undefined || --this.#steps < 0) break;
      places.push(this.#offset(sector) + (next % perSector) * this.#miniSize);
      next = this.#miniFat[next] as number;
    }
    return joined(places, this.#miniSize);
  }
}

/** Neighbours in the red-black tree of one storage, each once; the tree's shape is not trusted. */
function siblings(raw: readonly Raw[], first: number, seen: Uint8Array): number[] {
  const found: number[] = [];
  const stack = [first];
  while (stack.length > 0) {
    const id = stack.pop() as number;
    const entry = raw[id];
    if (entry === undefined || seen[id] !== 0) continue;
    seen[id] = 1;
    if (entry.type === STREAM || entry.type === STORAGE) found.push(id);
    stack.push(entry.right, entry.left);
  }
  return found.sort((a, b) => a - b);
}

function rawEntry(entry: View): Raw {
  const nameLength = Math.min(Math.max((entry.u16(64) as number) - 2, 0), 62) & ~1;
  return {
    name: utf16le(entry.bytes.subarray(0, nameLength)),
    type: entry.u8(66) as number,
    left: entry.u32(68) as number,
    right: entry.u32(72) as number,
    child: entry.u32(76) as number,
    clsid: clsidText(entry),
    start: entry.u32(116) as number,
    // Version 3 files may hold rubbish in the upper half ([MS-CFB] 2.6.3); no file here reaches 4 GiB.
    size: entry.u32(120) as number,
  };
}

function joined(places: readonly number[], size: number): Run[] {
  const runs: Run[] = [];
  for (const offset of places) {
    const last = runs.at(-1);
    if (last !== undefined && last.offset + last.length === offset) last.length += size;
    else runs.push({ offset, length: size });
  }
  return runs;
}

/** Three little-endian numbers, then eight bytes in order. */
function clsidText(entry: View): string {
  const digits = hex(
    Uint8Array.from(
      [83, 82, 81, 80, 85, 84, 87, 86, 88, 89, 90, 91, 92, 93, 94, 95],
      (at) => entry.u8(at) ?? 0,
    ),
  ).toUpperCase();
  return [
    [0, 8],
    [8, 12],
    [12, 16],
    [16, 20],
    [20, 32],
  ]
    .map(([from, to]) => digits.slice(from, to))
    .join("-");
}
