/**
 * Picks members out of a JSON document far too large to parse: CAPE's report.json holds every call of every process.
 * One pass over the bytes; only what is picked is kept.
 */

/** Names from the top down; `*` stands for any member or element. */
export type JsonPath = readonly string[];

export interface Picked {
  /** Number of the path in the list given. */
  readonly path: number;
  readonly value: unknown;
}

/** Bytes of one picked value. */
const MAX_VALUE = 8 * 1024 * 1024;
/** Bytes of all picked values. */
const MAX_PICKED = 64 * 1024 * 1024;
/** Levels that are followed by name; a document nested deeper than MAX_DEPTH is given up. */
const MAX_DEPTH = 512;
/** A longer name is none that is looked for. */
const MAX_NAME = 256;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const COLON = 0x3a;

interface Level {
  readonly array: boolean;
  name: string;
}

/** Feed it chunks with `take`; `picked` then holds what was found, in document order. */
export class JsonPicker {
  readonly picked: Picked[] = [];
  /** What is odd: values left out, a document that ends half-way. */
  readonly notes: string[] = [];
  readonly #paths: readonly JsonPath[];
  readonly #levels: Level[] = [];
  #inString = false;
  #escaped = false;
  /** Bytes of the string being read, when it may be a member's name. */
  #name: number[] | undefined;
  #lastString = "";
  /** The value being kept: its path, depth, and bytes so far. */
  #keep: { path: number; depth: number; parts: Uint8Array[]; size: number } | undefined;
  #kept = 0;
  #ended = false;

  constructor(paths: readonly JsonPath[]) {
    this.#paths = paths;
  }

  /** False when nothing more can come of this document. */
  take(chunk: Uint8Array): boolean {
    let from = this.#keep === undefined ? -1 : 0;
    for (let i = 0; i < chunk.length && !this.#ended; i++) {
      const byte = chunk[i] as number;
      if (this.#inString) {
        i = this.#string(chunk, i);
        continue;
      }
      switch (byte) {
        case QUOTE:
          this.#inString = true;
          this.#name = this.#keep === undefined ? [] : undefined;
          break;
        case COLON:
          if (this.#keep === undefined) {
            const level = this.#levels.at(-1);
            if (level !== undefined) level.name = this.#lastString;
            if (this.#begin()) from = i + 1;
          }
          break;
        case OPEN_OBJECT:
        case OPEN_ARRAY:
          if (this.#levels.length >= MAX_DEPTH) {
            this.notes.push("nested too deep");
            this.#ended = true;
            break;
          }
          this.#levels.push({ array: byte === OPEN_ARRAY, name: "*" });
          if (byte === OPEN_ARRAY && this.#keep === undefined && this.#begin()) from = i + 1;
          break;
        case COMMA:
          if (this.#keep !== undefined && this.#levels.length === this.#keep.depth) {
            this.#add(chunk.subarray(from, i));
            this.#finish();
            from = -1;
          }
          if (this.#keep === undefined && this.#levels.at(-1)?.array && this.#begin()) from = i + 1;
          break;
        case CLOSE_OBJECT:
        case CLOSE_ARRAY:
          if (this.#keep !== undefined && this.#levels.length === this.#keep.depth) {
            this.#add(chunk.subarray(from, i));
            this.#finish();
            from = -1;
          }
          this.#levels.pop();
          if (this.#levels.length === 0) this.#ended = true;
          break;
      }
    }
    if (this.#keep !== undefined && from >= 0) this.#add(chunk.slice(from));
    return !this.#ended;
  }

  /** After the last chunk. */
  end(): void {
    if (!this.#ended) this.notes.push("the report ends half-way");
  }

  /** Reads on inside a string; the index of its last byte in this chunk. */
  #string(chunk: Uint8Array, start: number): number {
    for (let i = start; i < chunk.length; i++) {
      const byte = chunk[i] as number;
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) {
        this.#inString = false;
        this.#lastString = this.#name === undefined ? "" : String.fromCharCode(...this.#name);
        return i;
      }
      if (this.#name !== undefined && this.#name.length < MAX_NAME) this.#name.push(byte);
    }
    return chunk.length;
  }

  /** Whether a value that begins here is to be kept. */
  #begin(): boolean {
    const depth = this.#levels.length;
    const path = this.#paths.findIndex(
      (names) =>
        names.length === depth &&
        names.every((name, i) => {
          const level = this.#levels[i];
          return name === "*" || (level !== undefined && !level.array && level.name === name);
        }),
    );
    if (path < 0) return false;
    this.#keep = { path, depth, parts: [], size: 0 };
    return true;
  }

  #add(bytes: Uint8Array): void {
    const keep = this.#keep;
    if (keep === undefined) return;
    keep.size += bytes.length;
    if (keep.size <= MAX_VALUE && this.#kept + keep.size <= MAX_PICKED) keep.parts.push(bytes);
    else keep.parts.length = 0;
  }

  #finish(): void {
    const keep = this.#keep;
    this.#keep = undefined;
    if (keep === undefined || keep.size === 0) return;
    const name = (this.#paths[keep.path] ?? []).join(".");
    if (keep.parts.length === 0) {
      this.notes.push(`${name} is too large to be read`);
      return;
    }
    const text = new TextDecoder().decode(Buffer.concat(keep.parts)).trim();
    if (text === "") return;
    try {
      this.picked.push({ path: keep.path, value: JSON.parse(text) as unknown });
      this.#kept += keep.size;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      this.notes.push(`${name} is no JSON`);
    }
  }
}
