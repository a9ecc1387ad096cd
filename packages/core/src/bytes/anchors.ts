/**
 * Looks for many byte strings in one pass. The window is read as 32-bit words at every fourth address: of any seven
 * neighbouring bytes four make up such a word, so a string of seven bytes or more is met by one of four of its words,
 * wherever it stands. A table of 65,536 hashes lets nearly all other words pass.
 */

/** Of any seven bytes, four lie at an address that four divides. */
export const MIN_ANCHOR = 7;
const PHASES = 4;
/** Places of one anchor kept of one window. Configs have a handful; a window made against us has as many as it likes. */
export const MAX_ANCHOR_HITS = 0x4000;

const HASHES = 0x10000;
/** Knuth's multiplier: 2^32 over the golden ratio, odd. */
const SPREAD = 0x9e3779b1;

/** Bytes that fill memory: words of nothing but these stop the search too often. */
const FILLING = new Set([0x00, 0x20, 0xff]);

export interface AnchorSet {
  readonly anchors: readonly Uint8Array[];
  /** By hash: 1 where a word of an anchor has it. */
  readonly filter: Uint8Array;
  /** By hash: index of the first row with it, where the filter says that there is one. */
  readonly heads: Uint16Array;
  /** One word of one anchor each, by hash; of one anchor the later position first, so that hits ascend. */
  readonly rows: readonly Row[];
}

interface Row {
  readonly hash: number;
  readonly word: number;
  readonly anchor: number;
  /** Of the word within the anchor. */
  readonly position: number;
}

export interface AnchorHits {
  /** Ascending offsets of each anchor, in the anchors' order. */
  readonly offsets: readonly (readonly number[])[];
  /** Anchors of which `MAX_ANCHOR_HITS` were kept though there may be more. */
  readonly cut: readonly number[];
}

/** Throws RangeError for an anchor under seven bytes: anchors are source code, not input. */
export function anchorSet(anchors: readonly Uint8Array[]): AnchorSet {
  const rows: Row[] = [];
  anchors.forEach((bytes, anchor) => {
    if (bytes.length < MIN_ANCHOR)
      throw new RangeError(`anchor of ${bytes.length} bytes; ${MIN_ANCHOR} are needed`);
    const start = rarestStart(bytes);
    for (let position = start; position < start + PHASES; position++) {
      const word = wordAt(bytes, position);
      rows.push({ hash: hashOf(word), word, anchor, position });
    }
  });
  rows.sort((a, b) => a.hash - b.hash || a.anchor - b.anchor || b.position - a.position);
  const filter = new Uint8Array(HASHES);
  const heads = new Uint16Array(HASHES);
  for (let i = rows.length - 1; i >= 0; i--) {
    const { hash } = rows[i] as Row;
    filter[hash] = 1;
    heads[hash] = i;
  }
  return { anchors, filter, heads, rows };
}

/** Every place of every anchor in the window. */
export function findAnchors(bytes: Uint8Array, set: AnchorSet): AnchorHits {
  const { filter, anchors } = set;
  const offsets: number[][] = anchors.map(() => []);
  const cut = new Set<number>();
  const start = -bytes.byteOffset & 3;
  const count = Math.max(0, (bytes.length - start) >> 2);
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset + start, count);
  const collect = (from: number, to: number): void => {
    for (let i = from; i < to; i++) {
      const word = words[i] as number;
      if (filter[hashOf(word)] !== 0) take(bytes, set, word, start + 4 * i, offsets, cut);
    }
  };
  let i = 0;
  // Four at a time: without a branch for each word the loop runs twice as fast.
  for (; i + 3 < count; i += 4) {
    const met =
      (filter[Math.imul(words[i] as number, SPREAD) >>> 16] as number) |
      (filter[Math.imul(words[i + 1] as number, SPREAD) >>> 16] as number) |
      (filter[Math.imul(words[i + 2] as number, SPREAD) >>> 16] as number) |
      (filter[Math.imul(words[i + 3] as number, SPREAD) >>> 16] as number);
    if (met !== 0) collect(i, i + 4);
  }
  collect(i, count);
  return { offsets, cut: [...cut].sort((a, b) => a - b) };
}

/** The anchors that have `word` where it stands at `at`. */
function take(
  bytes: Uint8Array,
  { heads, rows, anchors }: AnchorSet,
  word: number,
  at: number,
  offsets: number[][],
  cut: Set<number>,
): void {
  const hash = hashOf(word);
  for (let i = heads[hash] as number; i < rows.length; i++) {
    const row = rows[i] as Row;
    if (row.hash !== hash) return;
    if (row.word !== word) continue;
    const offset = at - row.position;
    if (!standsAt(bytes, anchors[row.anchor] as Uint8Array, offset)) continue;
    const known = offsets[row.anchor] as number[];
    if (known.length < MAX_ANCHOR_HITS) known.push(offset);
    else cut.add(row.anchor);
  }
}

function standsAt(bytes: Uint8Array, anchor: Uint8Array, offset: number): boolean {
  if (offset < 0 || offset + anchor.length > bytes.length) return false;
  for (let i = 0; i < anchor.length; i++) if (bytes[offset + i] !== anchor[i]) return false;
  return true;
}

/** Where the four words begin that the anchor is met by: those with the fewest filling bytes. */
function rarestStart(bytes: Uint8Array): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let start = 0; start + MIN_ANCHOR <= bytes.length; start++) {
    let filling = 0;
    for (let i = start; i < start + MIN_ANCHOR; i++) if (FILLING.has(bytes[i] as number)) filling++;
    if (filling < least) [best, least] = [start, filling];
  }
  return best;
}

/** In the order of bytes that this machine reads a Uint32Array in. */
function wordAt(bytes: Uint8Array, at: number): number {
  return new Uint32Array(Uint8Array.from(bytes.subarray(at, at + 4)).buffer)[0] as number;
}

function hashOf(word: number): number {
  return Math.imul(word, SPREAD) >>> 16;
}
