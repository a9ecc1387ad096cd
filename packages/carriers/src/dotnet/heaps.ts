/** The four metadata heaps of ECMA-335 II.24.2. Equal entries are stored once, as csc does. */
import { utf8Bytes, utf16leBytes } from "@assay/core/bytes/index";
import { ByteWriter } from "./bytes.ts";

/** Compressed unsigned integer (II.23.2). */
export function compressed(value: number): Uint8Array {
  const out = new ByteWriter();
  if (value < 0x80) out.u8(value);
  else if (value < 0x4000) out.u8(0x80 | (value >> 8)).u8(value & 0xff);
  else
    out
      .u8(0xc0 | (value >> 24))
      .u8((value >> 16) & 0xff)
      .u8((value >> 8) & 0xff)
      .u8(value & 0xff);
  return out.toBytes();
}

/** The trailing byte of a #US entry (II.24.2.4): 1 when a char needs more than plain 8-bit handling. */
function userStringFlag(text: string): number {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    const low = unit & 0xff;
    if (unit > 0xff || (low >= 1 && low <= 8) || (low >= 0x0e && low <= 0x1f)) return 1;
    if (low === 0x27 || low === 0x2d || low === 0x7f) return 1;
  }
  return 0;
}

export class Heaps {
  readonly #strings = new ByteWriter().u8(0);
  readonly #userStrings = new ByteWriter().u8(0);
  readonly #blobs = new ByteWriter().u8(0);
  readonly #guids = new ByteWriter();
  readonly #seen = new Map<string, number>();

  string(text: string): number {
    if (text === "") return 0;
    return this.#once(`s${text}`, () => {
      const at = this.#strings.length;
      this.#strings.bytes(utf8Bytes(text)).u8(0);
      return at;
    });
  }

  /** Offset in #US: an ldstr token is 0x70000000 plus it. */
  userString(text: string): number {
    return this.#once(`u${text}`, () => {
      const at = this.#userStrings.length;
      const data = utf16leBytes(text);
      this.#userStrings
        .bytes(compressed(data.length + 1))
        .bytes(data)
        .u8(userStringFlag(text));
      return at;
    });
  }

  blob(data: Uint8Array): number {
    if (data.length === 0) return 0;
    return this.#once(`b${data.join(",")}`, () => {
      const at = this.#blobs.length;
      this.#blobs.bytes(compressed(data.length)).bytes(data);
      return at;
    });
  }

  /** Index from 1 of a 16-byte GUID. */
  guid(data: Uint8Array): number {
    this.#guids.bytes(data);
    return this.#guids.length / 16;
  }

  /** Heap bytes, padded to four as the format wants. */
  build(): { strings: Uint8Array; userStrings: Uint8Array; blobs: Uint8Array; guids: Uint8Array } {
    return {
      strings: this.#strings.align(4).toBytes(),
      userStrings: this.#userStrings.align(4).toBytes(),
      blobs: this.#blobs.align(4).toBytes(),
      guids: this.#guids.toBytes(),
    };
  }

  #once(key: string, add: () => number): number {
    let at = this.#seen.get(key);
    if (at === undefined) {
      at = add();
      this.#seen.set(key, at);
    }
    return at;
  }
}
