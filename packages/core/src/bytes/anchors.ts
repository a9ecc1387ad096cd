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
  /** Four rows an anchor, by hash; of one anchor the later position first, so that hits ascend. */
  readonly rows: Rows;
}

/** One word of one anchor in each row. */
interface Rows {
  readonly words: Uint32Array;
  readonly anchors: Uint16Array;
  /** Of the word within the anchor. */
  readonly positions: Uint16Array;
}

export interface AnchorHits {
  /** Ascending offsets of each anchor, in the anchors' order. */
  readonly offsets: readonly (readonly number[])[];
  /** Anchors of which `MAX_ANCHOR_HITS` were kept though there may be more. */
  readonly cut: readonly number[];
}

/** Throws RangeError for an anchor under seven bytes: anchors are source code, not input. */
export function anchorSet(anchors: readonly Uint8Array[]): AnchorSet {
  const rows: { hash: number; word: number; anchor: number; position: number }[] = [];
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
  rows.forEach(({ hash }, i) => {
    if (filter[hash] === 0) heads[hash] = i;
    filter[hash] = 1;
  });
  return {
    anchors,
    filter,
    heads,
    rows: {
      words: Uint32Array.from(rows, ({ word }) => word),
      anchors: Uint16Array.from(rows, ({ anchor }) => anchor),
      positions: Uint16Array.from(rows, ({ position }) => position),
    },
  };
}

/** Every place of every anchor in the window. */
export function findAnchors(bytes: Uint8Array, set: AnchorSet): AnchorHits {
  const { filter, anchors } = set;
  const offsets: number[][] = anchors.map(() => []);
  const cut = new Uint8Array(anchors.length);
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
  return { offsets, cut: anchors.flatMap((_, i) => (cut[i] === 0 ? [] : [i])) };
}

/** The anchors that have `word`, which stands at `at`. */
function take(
  bytes: Uint8Array,
  { heads, rows, anchors }: AnchorSet,
  word: number,
  at: number,
  offsets: number[][],
  cut: Uint8Array,
): void {
  const { words, anchors: owners, positions } = rows;
  const hash = hashOf(word);
  for (let i = heads[hash] as number; i < words.length; i++) {
    const other = words[i] as number;
    if (other !== word) {
      if (hashOf(other) !== hash) return;
      continue;
    }
    const anchor = owners[i] as number;
    const known = offsets[anchor] as number[];
    const isFull = known.length === MAX_ANCHOR_HITS;
    if (isFull && cut[anchor] === 1) continue;
    const offset = at - (positions[i] as number);
    if (!standsAt(bytes, anchors[anchor] as Uint8Array, offset)) continue;
    if (isFull) cut[anchor] = 1;
    else known.push(offset);
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
