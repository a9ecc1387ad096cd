/**
 * The transforms that a report may name, each runnable again from what the report says of it:
 * applying an artifact's steps to the bytes of its `from` spans gives the artifact.
 */
import { latin1, latin1Bytes, unhex, utf8Bytes, utf16le } from "../bytes/index.ts";
import {
  type AesMode,
  type AesPadding,
  BASE64_DIALECTS,
  type Base64Dialect,
  chacha20,
  customBase64,
  decodeBase64,
  decryptAes,
  type InflateKind,
  inflate,
  rc4,
  xor,
  xorIncrementing,
  xorRolling,
} from "../codecs/index.ts";
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

/** `limit`: most bytes that may come out, the rest is cut off. A step of ours always names it. */
function decompress(kind: InflateKind): Transform {
  return (input, params) => inflate(kind, input, Number(params.limit ?? DEFAULT_OUTPUT))?.bytes;
}

const TRANSFORMS: Readonly<Record<string, Transform>> = {
  "aes-cbc": aes("cbc"),
  "aes-cfb": aes("cfb"),
  "aes-cfb8": aes("cfb8"),
  "aes-ecb": aes("ecb"),
  /** `dialect` names one of BASE64_DIALECTS; `alphabet` gives one of the malware's own. */
  base64: (input, params) => decodeBase64(input, dialectOf(params)),
  chacha20: (input, params) =>
    chacha20(bytesParam(params, "key"), bytesParam(params, "nonce"), input, BigInt(params.counter ?? 0)),
  gunzip: decompress("gzip"),
  /** `separator`: what stands between the pairs of digits. */
  hex: (input, params) => {
    const text = latin1(input);
    return unhex(params.separator === undefined ? text : text.replaceAll(String(params.separator), ""));
  },
  /** Raw deflate, as DeflateStream writes it. */
  inflate: decompress("deflate"),
  rc4: (input, params) => rc4(bytesParam(params, "key"), input),
  reverse: (input) => Uint8Array.from(input).reverse(),
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
  /** UTF-16LE text to the UTF-8 bytes of the same text. */
  utf16le: (input) => (input.length % 2 === 0 ? utf8Bytes(utf16le(input)) : undefined),
  /** `start`: the position in the key of the first byte. */
  xor: (input, params) => xor(input, bytesParam(params, "key"), Number(params.start ?? 0)),
  /** The key (a number) grows by `step` with each byte. */
  "xor-incrementing": (input, params) => xorIncrementing(input, Number(params.key), Number(params.step ?? 1)),
  /** Each byte against the ciphertext byte before it, the first against `seed` (a number). */
  "xor-rolling": (input, params) => xorRolling(input, Number(params.seed ?? 0)),
  zlib: decompress("zlib"),
};

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
