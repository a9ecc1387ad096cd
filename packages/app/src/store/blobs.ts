/** The samples themselves, sealed as CaRT under the hash of what is inside. */
import { createHash, randomBytes } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { View } from "@assay/core/bytes/index";
import { inflate, rc4 } from "@assay/core/codecs/index";
import { parseCart, writeCart } from "@assay/core/formats/cart";
import { attemptIo } from "../batch/io.ts";
import { CorpusError } from "./errors.ts";

export type BlobRead =
  | { readonly status: "ok"; readonly bytes: Uint8Array }
  | { readonly status: "missing" }
  /** `text` says how. */
  | { readonly status: "corrupt"; readonly text: string };

/** Where sealed samples are kept: a folder, or a service that speaks S3. */
export interface BlobStore {
  /** Returns when the blob is there to stay. `bytes` must be those of `sha256`. */
  put(sha256: string, bytes: Uint8Array): Promise<void>;
  /** The sample itself; what is not what its name says is `corrupt`. */
  get(sha256: string): Promise<BlobRead>;
  has(sha256: string): Promise<boolean>;
  /** Every hash that something is kept under. */
  list(): AsyncIterable<string>;
  /** Nothing when there is no such blob. */
  remove(sha256: string): Promise<void>;
  /** Lets go of connections, where there are any. */
  close?(): void;
}

/** Most bytes that one blob may open to; larger samples are not stored. */
export const MAX_BLOB_BYTES = 1024 ** 3;

/** The CaRT of a sample. */
export function seal(bytes: Uint8Array): Uint8Array {
  return writeCart(bytes);
}

/** The sample in a CaRT, when its SHA-256 is this one. */
export function unseal(sealed: Uint8Array, sha256: string): BlobRead {
  const cart = parseCart(new View(sealed));
  if (!cart.ok) return { status: "corrupt", text: `no CaRT (${cart.error.code} at ${cart.error.field})` };
  const content = inflate("zlib", rc4(cart.value.key, cart.value.data.bytes), MAX_BLOB_BYTES);
  if (content === undefined || content.cut)
    return { status: "corrupt", text: "its content cannot be opened" };
  const found = createHash("sha256").update(content.bytes).digest("hex");
  return found === sha256
    ? { status: "ok", bytes: content.bytes }
    : { status: "corrupt", text: `holds another file (${found})` };
}

/** Malware: nobody but the owner reads it, and nobody runs it. */
const MODE = 0o600;
const FOLDER_MODE = 0o700;
const NAME = /^([0-9a-f]{64})\.cart$/;

/** `<root>/ab/cd/abcd….cart` */
export class FolderBlobs implements BlobStore {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  pathOf(sha256: string): string {
    return join(this.#root, sha256.slice(0, 2), sha256.slice(2, 4), `${sha256}.cart`);
  }

  async put(sha256: string, bytes: Uint8Array): Promise<void> {
    const path = this.pathOf(sha256);
    const folder = dirname(path);
    mkdirSync(folder, { recursive: true, mode: FOLDER_MODE });
    const draft = `${path}.${process.pid}-${randomBytes(4).toString("hex")}.draft`;
    try {
      const file = openSync(draft, "wx", MODE);
      try {
        writeWhole(file, seal(bytes));
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(draft, path);
    } finally {
      rmSync(draft, { force: true });
    }
    // The name itself, and those of the folders above that may be new.
    for (const of of [folder, dirname(folder), this.#root]) syncFolder(of);
  }

  async get(sha256: string): Promise<BlobRead> {
    const sealed = attemptIo(() => readFileSync(this.pathOf(sha256)));
    if ("code" in sealed)
      return sealed.text.includes("ENOENT")
        ? { status: "missing" }
        : { status: "corrupt", text: sealed.text };
    return unseal(sealed.value, sha256);
  }

  async has(sha256: string): Promise<boolean> {
    return "value" in attemptIo(() => statSync(this.pathOf(sha256)));
  }

  async remove(sha256: string): Promise<void> {
    const gone = attemptIo(() => rmSync(this.pathOf(sha256), { force: true }));
    if ("code" in gone) throw new CorpusError(`the blob ${sha256} cannot be removed: ${gone.text}`);
  }

  async *list(): AsyncGenerator<string> {
    for (const high of entries(this.#root))
      for (const low of entries(join(this.#root, high)))
        for (const name of entries(join(this.#root, high, low))) {
          const sha256 = NAME.exec(name)?.[1];
          if (sha256?.startsWith(`${high}${low}`)) yield sha256;
        }
  }
}

function writeWhole(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}

/** Not every system lets a folder be opened; where it does, its entries are on the disk after this. */
function syncFolder(folder: string): void {
  const opened = attemptIo(() => openSync(folder, "r"));
  if ("code" in opened) return;
  try {
    attemptIo(() => fsyncSync(opened.value));
  } finally {
    closeSync(opened.value);
  }
}

/** In order; none for what is no folder. */
function entries(folder: string): string[] {
  const names = attemptIo(() => readdirSync(folder));
  return "code" in names ? [] : names.value.sort();
}
