/** Takes members apart as `7z x -so -bb1 -bso2` gives them: bytes on one stream, `- name` and errors on the other. */

export interface RawMember {
  /** Path as 7-Zip prints it. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** What 7-Zip said against this member: `CRC Failed`, `Wrong password`. */
  readonly error: string | undefined;
  /** Bytes were left away because the limit was reached. */
  readonly cut: boolean;
}

export interface CollectorOptions {
  /** Bytes to keep over all members. */
  readonly bytes: number;
  /** Members to take. */
  readonly members: number;
  /** False for one that is not wanted; its bytes are passed over. */
  readonly wanted: (path: string) => boolean;
  /** The size that the archive declares for a member: how much room to make at once. */
  readonly size?: (path: string) => number | undefined;
  /** Given the first bytes of a member; false gives the member up. */
  readonly accept?: (head: Uint8Array) => boolean;
  /** An error at which the run is useless; true stops it. */
  readonly hopeless?: (error: string) => boolean;
}

/** Bytes of unwanted members that are decoded for nothing before the run is given up, for each byte allowed. */
const WASTE = 4;
const FIRST_BUFFER = 64 * 1024;
/** All that 7-Zip may say: two lines a member. */
const MAX_LOG = 64 * 1024 * 1024;

export class MemberCollector {
  readonly members: RawMember[] = [];
  /** Errors about the archive as a whole. */
  readonly errors: string[] = [];
  /** The limit in bytes was reached. */
  cut = false;
  /** Paths of all wanted members that were met, with or without bytes. */
  readonly met = new Set<string>();
  readonly #options: CollectorOptions;
  readonly #decoder = new TextDecoder();
  #line = "";
  #logged = 0;
  #begun = 0;
  #path: string | undefined;
  #wanted = false;
  #buffer: Uint8Array = new Uint8Array(0);
  #length = 0;
  #kept = 0;
  #wasted = 0;
  #error: string | undefined;
  #memberCut = false;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  data(bytes: Uint8Array): boolean {
    if (!this.#wanted) {
      this.#wasted += bytes.length;
      return this.#wasted <= this.#options.bytes * WASTE;
    }
    if (this.#length === 0 && this.#options.accept?.(bytes) === false) {
      this.#wanted = false;
      return false;
    }
    const room = this.#options.bytes - this.#kept;
    const part = bytes.length <= room ? bytes : bytes.subarray(0, room);
    if (!this.#reserve(this.#length + part.length)) {
      this.cut = true;
      this.#memberCut = true;
      return false;
    }
    this.#buffer.set(part, this.#length);
    this.#length += part.length;
    this.#kept += part.length;
    if (part.length === bytes.length) return true;
    this.cut = true;
    this.#memberCut = true;
    return false;
  }

  log(bytes: Uint8Array): boolean {
    this.#logged += bytes.length;
    if (this.#logged > MAX_LOG) return false;
    const lines = (this.#line + this.#decoder.decode(bytes, { stream: true })).split("\n");
    this.#line = lines.pop() ?? "";
    return lines.every((line) => this.#said(line));
  }

  /** `error`: what ended the run before its time, held against the member that it was at. */
  end(error?: string): void {
    this.#error ??= error;
    this.#finish();
  }

  #said(line: string): boolean {
    const begin = /^[-T.] (.*)$/.exec(line);
    if (begin !== null) {
      this.#finish();
      if (this.#begun >= this.#options.members) return false;
      this.#begin(begin[1] as string);
      return true;
    }
    if (!line.startsWith("ERROR: ")) {
      if (/^(Can ?not open|Unexpected end|Headers Error|There are data|Can't allocate)/.test(line))
        this.errors.push(line);
      return true;
    }
    const text = line.slice("ERROR: ".length);
    const tail = this.#path === undefined ? -1 : text.lastIndexOf(` : ${this.#path}`);
    if (tail >= 0) this.#error ??= text.slice(0, tail);
    else if (!text.startsWith("/in")) this.errors.push(text);
    return !(this.#options.hopeless?.(text) ?? false);
  }

  #begin(path: string): void {
    this.#path = path;
    this.#wanted = !path.endsWith("/") && this.#options.wanted(path);
    if (!this.#wanted) return;
    this.#begun++;
    this.met.add(path);
  }

  #finish(): void {
    if (this.#path !== undefined && this.#wanted && (this.#length > 0 || this.#error !== undefined)) {
      this.members.push({
        path: this.#path,
        // A copy when much of the buffer is empty: members live as long as the report.
        bytes:
          this.#length * 2 > this.#buffer.length
            ? this.#buffer.subarray(0, this.#length)
            : this.#buffer.slice(0, this.#length),
        error: this.#error,
        cut: this.#memberCut,
      });
    }
    this.#path = undefined;
    this.#wanted = false;
    this.#buffer = new Uint8Array(0);
    this.#length = 0;
    this.#error = undefined;
    this.#memberCut = false;
  }

  /** False when the process may not have so much memory. */
  #reserve(length: number): boolean {
    if (length <= this.#buffer.length) return true;
    const declared = this.#path === undefined ? undefined : this.#options.size?.(this.#path);
    const usual = this.#length === 0 && declared !== undefined ? declared : this.#buffer.length * 2;
    const most = Math.max(length, this.#options.bytes - this.#kept + this.#length);
    try {
      const grown = new Uint8Array(Math.min(Math.max(length, usual, FIRST_BUFFER), most));
      grown.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = grown;
      return true;
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
  }
}
