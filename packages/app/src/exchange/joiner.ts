/** Characters of one chunk. */
const CHUNK = 64 * 1024;

/** Makes few large chunks of many small ones: each costs its reader a turn, or a call of the system. */
export class Joiner {
  #parts: string[] = [];
  #size = 0;

  *take(chunks: Iterable<string>): Generator<string> {
    for (const chunk of chunks) {
      this.#parts.push(chunk);
      this.#size += chunk.length;
      if (this.#size >= CHUNK) yield this.rest();
    }
  }

  rest(): string {
    const text = this.#parts.join("");
    this.#parts = [];
    this.#size = 0;
    return text;
  }
}
