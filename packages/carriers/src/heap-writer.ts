/** Heaps as the Windows allocator and the CLR lay them out, filled object by object: what a config lies among in memory. */
import { latin1Bytes, utf16leBytes } from "@assay/core/bytes/index";
import { pseudoRandom } from "./remcos-fields.ts";

export interface HeapOptions {
  /** Of the process: 4 for a 32-bit one, which most malware is. */
  readonly pointerSize?: 4 | 8;
  readonly seed?: number;
}

/** Bytes of HEAP_ENTRY; on 64-bit the first eight belong to the block before. */
const ENTRY = { 4: 8, 8: 16 } as const;

export class HeapWriter {
  readonly pointerSize: 4 | 8;
  #seed: number;
  #bytes = new Uint8Array(0x10000);
  #length = 0;
  /** MethodTable of System.String, the same for every string of a process. */
  readonly #stringTable: Uint8Array;

  constructor({ pointerSize = 4, seed = 1 }: HeapOptions = {}) {
    this.pointerSize = pointerSize;
    this.#seed = seed;
    this.#stringTable =
      pointerSize === 4
        ? Uint8Array.of(0x14, 0xd4, 0x2b, 0x6f)
        : Uint8Array.of(0x98, 0xd6, 0x2b, 0x5e, 0xf8, 0x7f, 0, 0);
  }

  get length(): number {
    return this.#length;
  }

  /** A block of malloc or HeapAlloc. Gives the offset of its first byte. */
  block(content: Uint8Array | string): number {
    const bytes = typeof content === "string" ? latin1Bytes(content) : content;
    const granularity = ENTRY[this.pointerSize];
    this.#align(granularity);
    const header = this.#noise(granularity);
    // UnusedBytes: what the block has too much, its header included; nothing else in the header is readable.
    const size = Math.ceil((bytes.length + granularity) / granularity) * granularity;
    header[granularity - 1] = size - bytes.length;
    this.#append(header);
    const at = this.#append(bytes);
    this.#append(new Uint8Array(size - granularity - bytes.length));
    return at;
  }

  /** A NUL-terminated string in a block of its own. */
  cString(text: string): number {
    return this.block(`${text}\0`);
  }

  /** A NUL-terminated UTF-16LE string in a block of its own. */
  wideString(text: string): number {
    return this.block(utf16leBytes(`${text}\0`));
  }

  /** A System.String: sync block, MethodTable, length, characters, NUL. Gives the offset of its first character. */
  clrString(text: string): number {
    this.#align(this.pointerSize);
    this.#append(new Uint8Array(this.pointerSize));
    this.#append(this.#stringTable);
    const length = new Uint8Array(4);
    new DataView(length.buffer).setInt32(0, text.length, true);
    this.#append(length);
    const at = this.#append(utf16leBytes(`${text}\0`));
    this.#align(this.pointerSize);
    return at;
  }

  /** Objects of other types: their MethodTable, then references or numbers or noise. */
  clrObjects(count: number): this {
    for (let i = 0; i < count; i++) {
      this.#align(this.pointerSize);
      const table = Uint8Array.from(this.#stringTable);
      table[1] = (table[1] as number) ^ (1 + (i & 0x3f));
      this.#append(new Uint8Array(this.pointerSize));
      this.#append(table);
      this.#append(i % 3 === 0 ? this.#noise(24) : new Uint8Array(8 + (i % 5) * 8));
    }
    return this;
  }

  /** Blocks with noise, texts and pointers in them. */
  blocks(count: number): this {
    for (let i = 0; i < count; i++)
      this.block(
        i % 4 === 0 ? `C:\\Windows\\System32\\module${i}.dll\0` : this.#noise(16 + ((i * 37) % 200)),
      );
    return this;
  }

  /** Bytes as they are, wherever the heap stands. */
  raw(bytes: Uint8Array): number {
    return this.#append(bytes);
  }

  zeros(length: number): this {
    this.#append(new Uint8Array(length));
    return this;
  }

  /** Everything written so far, as memory that begins at a page. */
  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #noise(length: number): Uint8Array {
    return pseudoRandom(length, this.#seed++);
  }

  #align(size: number): void {
    this.#append(new Uint8Array(-this.#length & (size - 1)));
  }

  #append(bytes: Uint8Array): number {
    const at = this.#length;
    while (at + bytes.length > this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, at);
    this.#length += bytes.length;
    return at;
  }
}
