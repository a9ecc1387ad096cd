import type { ArtifactId, Span } from "./span.ts";

/**
 * A window onto an artifact's bytes that knows where it lies, so that reading a value yields its span.
 *
 * Reads are little-endian unless said, and give `undefined` past the end: probing is not an error.
 * Views share memory; nobody writes through one.
 */
export class View {
  readonly bytes: Uint8Array;
  readonly artifact: ArtifactId;
  /** Offset in the artifact of this view's byte 0. */
  readonly base: number;
  readonly #data: DataView;

  constructor(bytes: Uint8Array, artifact: ArtifactId = 0, base = 0) {
    this.bytes = bytes;
    this.artifact = artifact;
    this.base = base;
    this.#data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get length(): number {
    return this.bytes.length;
  }

  /** True when `length` bytes from `offset` lie wholly inside. */
  has(offset: number, length: number): boolean {
    return offset >= 0 && length >= 0 && offset + length <= this.bytes.length;
  }

  /** Exactly `length` bytes from `offset`, or undefined when they do not all lie inside. */
  sub(offset: number, length: number): View | undefined {
    return this.has(offset, length) ? this.clip(offset, length) : undefined;
  }

  /** Whatever of [offset, offset + length) lies inside; may be empty. */
  clip(offset: number, length: number = this.bytes.length): View {
    const start = Math.min(Math.max(offset, 0), this.bytes.length);
    const end = Math.min(Math.max(offset + length, start), this.bytes.length);
    return new View(this.bytes.subarray(start, end), this.artifact, this.base + start);
  }

  /** The place of `length` bytes from `offset`, in the artifact's own offsets. */
  span(offset = 0, length: number = this.bytes.length - offset): Span {
    return { artifact: this.artifact, offset: this.base + offset, length };
  }

  u8(offset: number): number | undefined {
    return this.bytes[offset];
  }

  u16(offset: number): number | undefined {
    return this.has(offset, 2) ? this.#data.getUint16(offset, true) : undefined;
  }

  u16be(offset: number): number | undefined {
    return this.has(offset, 2) ? this.#data.getUint16(offset, false) : undefined;
  }

  u32(offset: number): number | undefined {
    return this.has(offset, 4) ? this.#data.getUint32(offset, true) : undefined;
  }

  u32be(offset: number): number | undefined {
    return this.has(offset, 4) ? this.#data.getUint32(offset, false) : undefined;
  }

  i32(offset: number): number | undefined {
    return this.has(offset, 4) ? this.#data.getInt32(offset, true) : undefined;
  }

  u64(offset: number): bigint | undefined {
    return this.has(offset, 8) ? this.#data.getBigUint64(offset, true) : undefined;
  }

  i64(offset: number): bigint | undefined {
    return this.has(offset, 8) ? this.#data.getBigInt64(offset, true) : undefined;
  }

  f64(offset: number): number | undefined {
    return this.has(offset, 8) ? this.#data.getFloat64(offset, true) : undefined;
  }
}
