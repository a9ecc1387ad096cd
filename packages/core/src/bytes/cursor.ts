import { ParseError } from "./result.ts";
import type { View } from "./view.ts";

/** Reads forward over a View inside a reader. Leaving the bytes throws `ParseError("truncated", field)`. */
export class Cursor {
  readonly view: View;
  offset: number;

  constructor(view: View, offset = 0) {
    this.view = view;
    this.offset = offset;
  }

  get remaining(): number {
    return Math.max(0, this.view.length - this.offset);
  }

  /** Takes `length` bytes as a View. */
  take(length: number, field: string): View {
    const part = this.view.sub(this.offset, length);
    if (part === undefined) throw this.#truncated(field);
    this.offset += length;
    return part;
  }

  skip(length: number, field: string): void {
    this.take(length, field);
  }

  u8(field: string): number {
    return this.#advance(1, this.view.u8(this.offset), field);
  }

  u16(field: string): number {
    return this.#advance(2, this.view.u16(this.offset), field);
  }

  u32(field: string): number {
    return this.#advance(4, this.view.u32(this.offset), field);
  }

  i32(field: string): number {
    return this.#advance(4, this.view.i32(this.offset), field);
  }

  u64(field: string): bigint {
    return this.#advance(8, this.view.u64(this.offset), field);
  }

  /** Stops the read: the value just read is not allowed here. */
  reject(field: string, length = 0): never {
    throw new ParseError("bad-value", field, this.view.span(this.offset - length, length));
  }

  #advance<T>(size: number, value: T | undefined, field: string): T {
    if (value === undefined) throw this.#truncated(field);
    this.offset += size;
    return value;
  }

  #truncated(field: string): ParseError {
    return new ParseError("truncated", field, this.view.span(Math.min(this.offset, this.view.length), 0));
  }
}
