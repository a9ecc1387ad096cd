/**
 * Trying an assembly's constants on what it hides: first on a block, then on a page, then on the whole, so that
 * thousands of keys cost milliseconds. What counts is only what `unwrap` recognises in the end.
 */
import { concatBytes, hex, type Span } from "../../bytes/index.ts";
import {
  type BlockMode,
  type BlockPadding,
  decryptAes,
  decryptDes,
  decryptRijndael256,
  rc4,
  xor,
  xorMinusNext,
  xorWithLast,
} from "../../codecs/index.ts";
import { applySteps, type Step } from "../../model/index.ts";
import { ivsOf, type KeyMaterial, keysOf } from "./keys.ts";
import { HEAD, type Masks, masksOf, nextMask, PREFIX, prefixHolds, startsLikePayload } from "./recognise.ts";
import type { Secrets } from "./secrets.ts";
import { type Opaque, type UnwrapContext, type Unwrapped, unwrap } from "./unwrap.ts";

/** Work that all trials on one assembly may cost, in the price of looking at one head: about 0.1 microseconds. */
const MAX_WORK = 5_000_000;
/** Prices of setting RC4's key up and of decrypting a page. */
/** IVs whose first bytes are looked at for one unit of it. */
const MASKS_PER_WORK = 20;
const RC4_WORK = 60;
const PAGE_WORK = 2500;
/** Whole decryptions of one blob that may lead to nothing. */
const MAX_FALSE = 8;

interface Cipher {
  /** As in the names of steps. */
  readonly name: string;
  readonly block: number;
  readonly keySizes: readonly number[];
  readonly decrypt: (
    mode: BlockMode,
    key: Uint8Array,
    iv: Uint8Array,
    data: Uint8Array,
    padding: BlockPadding,
  ) => Uint8Array | undefined;
  /** Price of setting a key up for a block. */
  readonly work: number;
  /** Classes of System.Security.Cryptography that mean it, and names that SymmetricAlgorithm.Create takes. */
  readonly classes: RegExp;
}

const CIPHERS: readonly Cipher[] = [
  {
    name: "aes",
    work: 190,
    block: 16,
    keySizes: [32, 16, 24],
    decrypt: decryptAes,
    classes: /^(Rijndael|Aes)/i,
  },
  {
    name: "3des",
    work: 600,
    block: 8,
    keySizes: [24, 16],
    decrypt: decryptDes,
    classes: /^(TripleDES|3DES)/i,
  },
  { name: "des", work: 250, block: 8, keySizes: [8], decrypt: decryptDes, classes: /^DES/i },
  {
    name: "rijndael256",
    work: 300,
    block: 32,
    keySizes: [32, 16, 24],
    decrypt: decryptRijndael256,
    classes: /^Rijndael/i,
  },
];

/** SymmetricAlgorithm, whose Create(String) makes any of them. */
const BASE_CLASS = "Symm";

/** Values of System.Security.Cryptography.CipherMode. */
const MODES: readonly (readonly [number, BlockMode])[] = [
  [1, "cbc"],
  [2, "ecb"],
  [4, "cfb"],
  [4, "cfb8"],
];

export class Trials {
  readonly #secrets: Secrets;
  readonly #material: KeyMaterial;
  readonly #context: UnwrapContext;
  readonly #keys = new Map<Cipher, Uint8Array[]>();
  /** IVs by their size. */
  readonly #ivs = new Map<number, Masks>();
  #left = MAX_WORK;
  #falseLeft = MAX_FALSE;

  constructor(secrets: Secrets, material: KeyMaterial, context: UnwrapContext) {
    this.#secrets = secrets;
    this.#material = material;
    this.#context = context;
  }

  /** False when the work allowed did not suffice for all. */
  get isComplete(): boolean {
    return this.#left > 0;
  }

  /** The payload under a cipher, with all steps from the source's bytes. */
  open(opaque: Opaque): Unwrapped | undefined {
    if (opaque.bytes.length < 2 * HEAD) return undefined;
    this.#falseLeft = MAX_FALSE;
    const random = isRandom(opaque.bytes);
    const modes = this.#modes(random);
    if (modes.length > 0)
      for (const cipher of this.#ciphers()) {
        const got = this.#openBlocks(cipher, modes, opaque);
        if (got !== undefined) return got;
      }
    return this.#openStream(opaque, random);
  }

  /** Those whose classes the code names; all, where it names the base class alone or lets a text choose. */
  #ciphers(): readonly Cipher[] {
    const { classes, texts } = this.#secrets;
    const named = CIPHERS.filter((cipher) => [...classes].some((name) => cipher.classes.test(name)));
    const chosen = CIPHERS.filter((cipher) => texts.some(({ value }) => cipher.classes.test(value)));
    const isAny = named.length === 0 && [...classes].some((name) => name.startsWith(BASE_CLASS));
    return isAny ? CIPHERS : CIPHERS.filter((cipher) => named.includes(cipher) || chosen.includes(cipher));
  }

  /** Modes that the code sets, and CBC, which it need not; ECB shows the repetitions of what is under it. */
  #modes(random: boolean): BlockMode[] {
    const { modes } = this.#secrets;
    return MODES.filter(([value, mode]) => {
      if (!random && mode !== "ecb") return false;
      return modes.has(value) || mode === "cbc" || (mode === "ecb" && modes.size === 0);
    }).map(([, mode]) => mode);
  }

  #openBlocks(cipher: Cipher, modes: readonly BlockMode[], opaque: Opaque): Unwrapped | undefined {
    const { bytes } = opaque;
    const { block } = cipher;
    const isWhole = bytes.length % block === 0;
    const size = Math.max(HEAD, block);
    const head = bytes.subarray(0, size);
    const behind = bytes.subarray(block, block + size);
    const none = new Uint8Array(block);
    const start = new Uint8Array(size);
    for (const key of this.#keysOf(cipher)) {
      if ((this.#left -= cipher.work) < 0) return undefined;
      const raw = isWhole ? cipher.decrypt("ecb", key, none, head, "none") : undefined;
      if (raw !== undefined) {
        if (modes.includes("ecb") && this.#isStart(raw)) {
          const got = this.#finish(cipher, "ecb", key, undefined, opaque);
          if (got !== undefined) return got;
        }
        start.set(raw);
        for (let i = block; i < size; i++) start[i] = (raw[i] as number) ^ (head[i - block] as number);
        const got = modes.includes("cbc") ? this.#openCbc(cipher, key, raw, start, opaque) : undefined;
        if (got !== undefined) return got;
        // The IV stands before the ciphertext.
        const next =
          modes.includes("cbc") && behind.length === size
            ? cipher.decrypt("cbc", key, bytes.subarray(0, block), behind, "none")
            : undefined;
        if (next !== undefined && this.#isStart(next)) {
          const rest = { steps: [...opaque.steps, skip(block)], bytes: bytes.subarray(block) };
          const got = this.#finish(cipher, "cbc", key, bytes.subarray(0, block), rest);
          if (got !== undefined) return got;
        }
      }
      for (const mode of modes) {
        if (mode !== "cfb" && mode !== "cfb8") continue;
        for (const iv of this.#masksOf(block).blocks) {
          if ((this.#left -= cipher.work) < 0) return undefined;
          const begin = cipher.decrypt(mode, key, iv, head.subarray(0, HEAD), "none");
          if (begin === undefined || !this.#isStart(begin)) continue;
          const got = this.#finish(cipher, mode, key, iv, opaque);
          if (got !== undefined) return got;
        }
      }
    }
    return undefined;
  }

  /** CBC under `key` with any of the IVs; `raw` is the first blocks as ECB has them, `start` has room for as much. */
  #openCbc(
    cipher: Cipher,
    key: Uint8Array,
    raw: Uint8Array,
    start: Uint8Array,
    opaque: Opaque,
  ): Unwrapped | undefined {
    const masks = this.#masksOf(cipher.block);
    const { inflates } = this.#secrets;
    this.#left -= masks.blocks.length / MASKS_PER_WORK;
    for (let n = nextMask(masks, raw, inflates, 0); n >= 0; n = nextMask(masks, raw, inflates, n + 1)) {
      const iv = masks.blocks[n] as Uint8Array;
      for (let i = 0; i < cipher.block; i++) start[i] = (raw[i] as number) ^ (iv[i] as number);
      if (!this.#isStart(start)) continue;
      const got = this.#finish(cipher, "cbc", key, iv, opaque);
      if (got !== undefined) return got;
    }
    return undefined;
  }

  #finish(
    cipher: Cipher,
    mode: BlockMode,
    key: Uint8Array,
    iv: Uint8Array | undefined,
    opaque: Opaque,
  ): Unwrapped | undefined {
    this.#left -= PAGE_WORK;
    // Without the last block: padding may be anything.
    const page = opaque.bytes.subarray(0, Math.min(PREFIX, opaque.bytes.length - cipher.block));
    const whole = mode.startsWith("cfb")
      ? page
      : page.subarray(0, page.length - (page.length % cipher.block));
    const prefix = cipher.decrypt(mode, key, iv ?? new Uint8Array(cipher.block), whole, "none");
    if (prefix === undefined || !prefixHolds(prefix, this.#secrets.inflates)) return undefined;
    for (const padding of ["pkcs7", "none"]) {
      const params = { key: hex(key), ...(iv === undefined ? {} : { iv: hex(iv) }), padding };
      const at = this.#originsOf(iv === undefined ? [key] : [key, iv]);
      const got = this.#whole(opaque, { op: `${cipher.name}-${mode}`, params, ...at });
      if (got !== undefined) return got;
    }
    return undefined;
  }

  /** RC4 and the XORs. */
  #openStream(opaque: Opaque, random: boolean): Unwrapped | undefined {
    const { bytes } = opaque;
    const head = bytes.subarray(0, HEAD);
    const last = bytes.subarray(-1);
    const longer = bytes.subarray(0, HEAD + 1);
    const start = new Uint8Array(HEAD);
    const singles = this.#secrets.bytes.map((byte) => Uint8Array.of(byte));
    const plain = this.#material.plain;
    for (const key of [...singles, ...plain]) {
      if ((this.#left -= 4) < 0) return undefined;
      for (let i = 0; i < HEAD; i++) start[i] = (head[i] as number) ^ (key[i % key.length] as number);
      const ways: [string, (data: Uint8Array) => Uint8Array][] = [];
      if (startsLikePayload(start, false)) ways.push(["xor", (data) => xor(data, key)]);
      const close = xorMinusNext(longer, key);
      if (startsLikePayload(close, false)) ways.push(["xor-minus-next", (data) => xorMinusNext(data, key)]);
      const noise = 112 ^ (last[0] as number);
      for (let i = 0; i < HEAD; i++) start[i] = (start[i] as number) ^ noise;
      if (startsLikePayload(start, false))
        ways.push(["xor-with-last", (data) => xorWithLast(concatBytes(data, last), key)]);
      for (const [op, run] of ways) {
        const got = this.#keyed(opaque, op, key, run);
        if (got !== undefined) return got;
      }
    }
    if (!random) return undefined;
    for (const key of [...plain, ...this.#material.hashed, ...this.#material.streams]) {
      if ((this.#left -= RC4_WORK) < 0) return undefined;
      if (key.length > 256 || !startsLikePayload(rc4(key, head), false)) continue;
      const got = this.#keyed(opaque, "rc4", key, (data) => rc4(key, data));
      if (got !== undefined) return got;
    }
    return undefined;
  }

  #keyed(
    opaque: Opaque,
    op: string,
    key: Uint8Array,
    run: (data: Uint8Array) => Uint8Array,
  ): Unwrapped | undefined {
    this.#left -= PAGE_WORK / 10;
    if (!prefixHolds(run(opaque.bytes.subarray(0, PREFIX)), false)) return undefined;
    return this.#whole(opaque, { op, params: { key: hex(key) }, ...this.#originsOf([key]) });
  }

  /** Where the constants stand that these were made of; an IV from the ciphertext has no place of its own. */
  #originsOf(secrets: readonly Uint8Array[]): { at?: Span[] } {
    const at = secrets.flatMap((secret) => this.#material.origins.get(hex(secret)) ?? []);
    return at.length === 0 ? {} : { at };
  }

  #whole(opaque: Opaque, step: Step): Unwrapped | undefined {
    if (this.#falseLeft-- <= 0) return undefined;
    const bytes = applySteps([step], opaque.bytes);
    const got = bytes && unwrap(bytes, this.#context);
    return got && { ...got, steps: [...opaque.steps, step, ...got.steps] };
  }

  #isStart(head: Uint8Array): boolean {
    this.#left--;
    return startsLikePayload(head, this.#secrets.inflates);
  }

  #keysOf(cipher: Cipher): readonly Uint8Array[] {
    let keys = this.#keys.get(cipher);
    if (keys === undefined) this.#keys.set(cipher, (keys = keysOf(this.#material, cipher.keySizes)));
    return keys;
  }

  #masksOf(size: number): Masks {
    let masks = this.#ivs.get(size);
    if (masks === undefined) this.#ivs.set(size, (masks = masksOf(ivsOf(this.#material, size))));
    return masks;
  }
}

function skip(bytes: number): Step {
  return { op: "skip", params: { bytes } };
}

/** Bytes on which randomness is judged. */
const RANDOM_SAMPLE = 4096;
/** Chi-square over 256 values stays below this for random bytes (255 is expected, deviation 22.6). */
const CHI_LIMIT = 380;

/** Whether the bytes are spread as those of a cipher are. */
export function isRandom(bytes: Uint8Array): boolean {
  const sample = bytes.subarray(0, RANDOM_SAMPLE);
  const counts = new Uint32Array(256);
  for (let i = 0; i < sample.length; i++)
    counts[sample[i] as number] = (counts[sample[i] as number] as number) + 1;
  let squares = 0;
  for (let i = 0; i < 256; i++) squares += (counts[i] as number) ** 2;
  return (squares * 256) / sample.length - sample.length < CHI_LIMIT;
}
