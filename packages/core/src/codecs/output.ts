/** The output of a decompressor that copies from its own output: grows by doubling, never past its limit. */

const FIRST = 0x10000;

export class Output {
  bytes: Uint8Array;
  size = 0;
  readonly limit: number;

  /** `expected`: a first size, when the format says one; never trusted beyond `limit`. */
  constructor(limit: number, expected = FIRST) {
    this.limit = limit;
    this.bytes = new Uint8Array(Math.max(0, Math.min(limit, expected, 0x1000000)));
  }

  /** Makes room for `count` more bytes; false when the limit does not allow them. */
  reserve(count: number): boolean {
    const needed = this.size + count;
    if (needed > this.limit) return false;
    if (needed > this.bytes.length) {
      const larger = new Uint8Array(Math.min(this.limit, Math.max(needed, this.bytes.length * 2, FIRST)));
      larger.set(this.bytes.subarray(0, this.size));
      this.bytes = larger;
    }
    return true;
  }

  /** Repeats `length` bytes from `distance` back, as far as the limit goes; the caller has checked `distance`. */
  copy(distance: number, length: number): boolean {
    const fits = Math.min(length, this.limit - this.size);
    this.reserve(fits);
    const bytes = this.bytes;
    let to = this.size;
    let from = to - distance;
    if (distance >= fits) bytes.copyWithin(to, from, from + fits);
    else for (let i = 0; i < fits; i++) bytes[to++] = bytes[from++] as number;
    this.size += fits;
    return fits === length;
  }

  done(): Uint8Array {
    return this.bytes.length > 2 * this.size
      ? this.bytes.slice(0, this.size)
      : this.bytes.subarray(0, this.size);
  }
}

/** What a decompressor made. */
export interface Unpacked {
  readonly bytes: Uint8Array;
  /** True when the limit stopped it: there is more. */
  readonly cut: boolean;
  /** Bytes of the input that the stream takes up; to the cut when it was cut. */
  readonly used: number;
}
