/**
 * The transforms that a report may name, each runnable again from what the report says of it:
 * applying an artifact's steps to the bytes of its `from` spans gives the artifact.
 */
import { concatBytes, latin1, latin1Bytes, unhex, utf8Bytes, utf16le, View } from "../bytes/index.ts";
import {
  type AesMode,
  type AesPadding,
  BASE64_DIALECTS,
  type Base64Dialect,
  type BlockMode,
  type BlockPadding,
  chacha20,
  customBase64,
  decodeBase64,
  decodeQuotedPrintable,
  decryptAes,
  decryptDes,
  decryptRijndael256,
  type InflateKind,
  inflate,
  rc4,
  type Unpacked,
  unpackAplib,
  unpackLzmaFile,
  unpackLznt1,
  xor,
  xorIncrementing,
  xorMinusNext,
  xorRolling,
  xorWithLast,
} from "../codecs/index.ts";
import { type PixelOrder, pixelBytes, readBitmap } from "../formats/bitmap.ts";
import type { Step } from "./report.ts";

/** Most bytes that a decompression without a limit of its own gives: the whole budget of a sample. */
const DEFAULT_OUTPUT = 1024 ** 3;

type Params = NonNullable<Step["params"]>;
type Transform = (input: Uint8Array, params: Params) => Uint8Array | undefined;

function bytesParam(params: Params, name: string): Uint8Array {
  const bytes = unhex(String(params[name] ?? ""));
  if (bytes === undefined) throw new RangeError(`step parameter ${name} is not hex`);
  return bytes;
}

function dialectOf(params: Params): Base64Dialect {
  if (params.alphabet !== undefined) return customBase64(String(params.alphabet));
  const name = String(params.dialect ?? "standard");
  const dialect = (BASE64_DIALECTS as Readonly<Record<string, Base64Dialect>>)[name];
  if (dialect === undefined) throw new RangeError(`unknown base64 dialect ${name}`);
  return dialect;
}

function aes(mode: AesMode): Transform {
  return (input, params) =>
    decryptAes(
      mode,
      bytesParam(params, "key"),
      mode === "ecb" ? new Uint8Array(16) : bytesParam(params, "iv"),
      input,
      (params.padding ?? "pkcs7") as AesPadding,
    );
}

/** The key's length tells DES from Triple DES. */
function blocks(decrypt: typeof decryptDes, size: number, mode: BlockMode): Transform {
  return (input, params) =>
    decrypt(
      mode,
      bytesParam(params, "key"),
      mode === "ecb" ? new Uint8Array(size) : bytesParam(params, "iv"),
      input,
      (params.padding ?? "pkcs7") as BlockPadding,
    );
}

/** Bytes of a text of numbers, `77, 90, 144`: one for each run of digits. */
function decimals(input: Uint8Array): Uint8Array | undefined {
  const out: number[] = [];
  let value = -1;
  for (let i = 0; i <= input.length; i++) {
    const digit = (input[i] ?? 0) - 0x30;
    if (digit >= 0 && digit <= 9) {
      value = Math.max(value, 0) * 10 + digit;
      if (value > 255) return undefined;
    } else if (value >= 0) {
      out.push(value);
      value = -1;
    }
  }
  return Uint8Array.from(out);
}

/** `limit`: most bytes that may come out, the rest is cut off. A step of ours always names it. */
function decompress(kind: InflateKind): Transform {
  return (input, params) => inflate(kind, input, Number(params.limit ?? DEFAULT_OUTPUT))?.bytes;
}

/** A decompressor of ours; `limit` as in `decompress`. */
function unpack(codec: (input: Uint8Array, limit: number) => Unpacked | undefined): Transform {
  return (input, params) => codec(input, Number(params.limit ?? DEFAULT_OUTPUT))?.bytes;
}

/** `ranges`: `offset+length` with commas, ascending, of what is left out. */
const cut: Transform = (input, params) => {
  const kept: Uint8Array[] = [];
  let from = 0;
  for (const range of String(params.ranges).split(",")) {
    const [start = Number.NaN, length = Number.NaN] = range.split("+").map(Number);
    if (!(start >= from && length >= 0 && start + length <= input.length)) return undefined;
    kept.push(input.subarray(from, start));
    from = start + length;
  }
  return concatBytes(...kept, input.subarray(from));
};

/** `writes`: `offset:hex` with commas, bytes put over those that are there. */
const patch: Transform = (input, params) => {
  const out = Uint8Array.from(input);
  for (const write of String(params.writes).split(",")) {
    const [at = "", value = ""] = write.split(":");
    const bytes = unhex(value);
    if (bytes === undefined || !(Number(at) + bytes.length <= out.length)) return undefined;
    out.set(bytes, Number(at));
  }
  return out;
};

const TRANSFORMS: Readonly<Record<string, Transform>> = {
  "3des-cbc": blocks(decryptDes, 8, "cbc"),
  "3des-cfb": blocks(decryptDes, 8, "cfb"),
  "3des-cfb8": blocks(decryptDes, 8, "cfb8"),
  "3des-ecb": blocks(decryptDes, 8, "ecb"),
  "aes-cbc": aes("cbc"),
  "aes-cfb": aes("cfb"),
  "aes-cfb8": aes("cfb8"),
  "aes-ecb": aes("ecb"),
  /** aPLib, with or without its AP32 header. */
  aplib: unpack(unpackAplib),
  /** `dialect` names one of BASE64_DIALECTS; `alphabet` gives one of the malware's own. */
  base64: (input, params) => decodeBase64(input, dialectOf(params)),
  chacha20: (input, params) =>
    chacha20(bytesParam(params, "key"), bytesParam(params, "nonce"), input, BigInt(params.counter ?? 0)),
  cut,
  decimals,
  "des-cbc": blocks(decryptDes, 8, "cbc"),
  "des-cfb": blocks(decryptDes, 8, "cfb"),
  "des-cfb8": blocks(decryptDes, 8, "cfb8"),
  "des-ecb": blocks(decryptDes, 8, "ecb"),
  gunzip: decompress("gzip"),
  /** `separator`: what stands between the pairs of digits. */
  hex: (input, params) => {
    const text = latin1(input);
    return unhex(params.separator === undefined ? text : text.replaceAll(String(params.separator), ""));
  },
  /** Raw deflate, as DeflateStream writes it. */
  inflate: decompress("deflate"),
  "quoted-printable": (input) => decodeQuotedPrintable(input),
  lznt1: unpack(unpackLznt1),
  /** A `.lzma` file. */
  lzma: unpack(unpackLzmaFile),
  patch,
  /** A picture's pixels, `order` columns or rows, `channels` as `rgb`; `skipEmpty` 1 passes over transparent black. */
  pixels: (input, params) => {
    const bitmap = readBitmap(new View(input));
    const order = String(params.order ?? "rows") as PixelOrder;
    return bitmap && pixelBytes(bitmap, order, String(params.channels ?? "rgb"), params.skipEmpty === 1);
  },
  rc4: (input, params) => rc4(bytesParam(params, "key"), input),
  /** Every `find` (one byte a character) becomes `with`; without `with` it goes. */
  replace: (input, params) => {
    const find = String(params.find ?? "");
    return find === ""
      ? undefined
      : latin1Bytes(
          latin1(input)
            .split(find)
            .join(String(params.with ?? "")),
        );
  },
  reverse: (input) => Uint8Array.from(input).reverse(),
  "rijndael256-cbc": blocks(decryptRijndael256, 32, "cbc"),
  "rijndael256-cfb": blocks(decryptRijndael256, 32, "cfb"),
  "rijndael256-cfb8": blocks(decryptRijndael256, 32, "cfb8"),
  "rijndael256-ecb": blocks(decryptRijndael256, 32, "ecb"),
  skip: (input, params) => {
    const bytes = Number(params.bytes);
    return bytes <= input.length ? input.subarray(bytes) : undefined;
  },
  /** The n-th character c (n from 0) of `table` becomes character (index(c) - n) mod length of `alphabet`. */
  "shifted-substitution": (input, params) => {
    const alphabet = latin1Bytes(String(params.alphabet));
    const table = latin1Bytes(String(params.table));
    const out = new Uint8Array(input.length);
    for (let n = 0; n < input.length; n++) {
      const index = table.indexOf(input[n] as number);
      if (index < 0) return undefined;
      const size = alphabet.length;
      out[n] = alphabet[(((index - n) % size) + size) % size] as number;
    }
    return out;
  },
  take: (input, params) => {
    const bytes = Number(params.bytes);
    return bytes <= input.length ? input.subarray(0, bytes) : undefined;
  },
  /** UTF-16LE text to the UTF-8 bytes of the same text. */
  utf16le: (input) => (input.length % 2 === 0 ? utf8Bytes(utf16le(input)) : undefined),
  /** `start`: the position in the key of the first byte. */
  xor: (input, params) => xor(input, bytesParam(params, "key"), Number(params.start ?? 0)),
  /** The key (a number) grows by `step` with each byte. */
  "xor-incrementing": (input, params) => xorIncrementing(input, Number(params.key), Number(params.step ?? 1)),
  /** Each byte against the ciphertext byte before it, the first against `seed` (a number). */
  "xor-rolling": (input, params) => xorRolling(input, Number(params.seed ?? 0)),
  "xor-minus-next": (input, params) => xorMinusNext(input, bytesParam(params, "key")),
  "xor-with-last": (input, params) => xorWithLast(input, bytesParam(params, "key")),
  zlib: decompress("zlib"),
};

/** Whether `applySteps` can do it: those of containers it cannot, which need their programs. */
export function canApply({ op }: { readonly op: string }): boolean {
  return Object.hasOwn(TRANSFORMS, op);
}

/** Applies the steps in order; undefined as soon as one refuses its input. An unknown step is a bug. */
export function applySteps(steps: readonly Step[], input: Uint8Array): Uint8Array | undefined {
  let bytes: Uint8Array | undefined = input;
  for (const step of steps) {
    const transform = TRANSFORMS[step.op];
    if (transform === undefined) throw new RangeError(`unknown step ${step.op}`);
    bytes = transform(bytes, step.params ?? {});
    if (bytes === undefined) return undefined;
  }
  return bytes;
}
