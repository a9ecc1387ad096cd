/** A growing little-endian byte buffer: what the writers of this package build with. */
export class ByteWriter {
  #bytes = new Uint8Array(1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    this.#room(1)[this.#length++] = value;
    return this;
  }

  u16(value: number): this {
    return this.u8(value & 0xff).u8((value >>> 8) & 0xff);
  }

  u32(value: number): this {
    return this.u16(value & 0xffff).u16((value >>> 16) & 0xffff);
  }

  u64(value: bigint): this {
    return this.u32(Number(value & 0xffffffffn)).u32(Number((value >> 32n) & 0xffffffffn));
  }

  bytes(data: Uint8Array): this {
    this.#room(data.length).set(data, this.#length);
    this.#length += data.length;
    return this;
  }

  /** One byte a char. */
  ascii(text: string): this {
    for (let i = 0; i < text.length; i++) this.u8(text.charCodeAt(i) & 0xff);
    return this;
  }

  /** Zeros up to the next multiple of `to`. */
  align(to: number): this {
    while (this.#length % to !== 0) this.u8(0);
    return this;
  }

  /** Zeros up to `offset`. */
  pad(offset: number): this {
    while (this.#length < offset) this.u8(0);
    return this;
  }

  toBytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #room(size: number): Uint8Array {
    if (this.#length + size > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + size));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    return this.#bytes;
  }
}
