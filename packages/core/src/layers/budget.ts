/** What one sample may cost, over all its layers. Whatever is cut off says so. */

export interface Limits {
  /** Layers below the sample itself. */
  readonly depth: number;
  /** Inner artifacts of one sample. */
  readonly artifacts: number;
  /** Bytes of all inner artifacts together. */
  readonly bytes: number;
  /** Bytes out for each byte in, of one step; `RATIO_FLOOR` bytes are always allowed. */
  readonly ratio: number;
}

export const DEFAULT_LIMITS: Limits = { depth: 8, artifacts: 2000, bytes: 1024 ** 3, ratio: 200 };

/** A step may always give this many bytes: small inputs compress better than any honest ratio. */
export const RATIO_FLOOR = 16 * 1024 * 1024;

export class Budget {
  readonly limits: Limits;
  #artifacts = 0;
  #bytes = 0;
  readonly #cuts = new Set<keyof Limits>();

  constructor(limits: Limits = DEFAULT_LIMITS) {
    this.limits = limits;
  }

  /** Inner artifacts that still fit. */
  get left(): number {
    return this.limits.artifacts - this.#artifacts;
  }

  /** Which limits were reached. */
  get cuts(): readonly (keyof Limits)[] {
    return [...this.#cuts];
  }

  /** Most bytes that one step may still make out of `input` bytes. Decompressors stop there. */
  allowance(input: number): number {
    return Math.max(
      0,
      Math.min(this.limits.bytes - this.#bytes, Math.max(RATIO_FLOOR, input * this.limits.ratio)),
    );
  }

  /** Takes one inner artifact of `size` bytes from the budget; false, and remembered, when it does not fit. */
  take(size: number): boolean {
    if (this.#artifacts >= this.limits.artifacts) return this.cut("artifacts");
    if (this.#bytes + size > this.limits.bytes) return this.cut("bytes");
    this.#artifacts++;
    this.#bytes += size;
    return true;
  }

  /** Remembers that something was cut off by a limit. Always false, to be returned. */
  cut(limit: keyof Limits): false {
    this.#cuts.add(limit);
    return false;
  }
}
