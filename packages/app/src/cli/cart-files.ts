/** Seals files as CaRT and opens them. */
import { chmodSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { hex, View } from "@assay/core/bytes/index";
import { inflate, rc4, sha256 } from "@assay/core/codecs/index";
import { printable } from "@assay/core/export/escape";
import { isCart, parseCart, writeCart } from "@assay/core/formats/cart";
import { attemptIo } from "../batch/collect.ts";
import { MAX_SAMPLE_BYTES, readSample } from "../batch/read.ts";

/** Nobody but the owner reads it, and nobody runs it. */
const MODE = 0o600;
/** Most bytes that one CaRT may give. */
const MAX_OUTPUT = 1024 ** 3;

export interface CartFlags {
  readonly decode?: boolean;
  readonly out?: string;
  readonly force?: boolean;
  readonly key?: Uint8Array;
}

export type Line = { readonly done: string } | { readonly error: string };

export function seal(file: string, flags: CartFlags): Line {
  const read = readSample(Buffer.from(file), MAX_SAMPLE_BYTES);
  if (!("bytes" in read)) return { error: read.reason.text };
  if (isCart(new View(read.bytes))) return { error: "is a CaRT already" };
  const name = basename(file);
  const sealed = writeCart(read.bytes, { name, ...(flags.key === undefined ? {} : { key: flags.key }) });
  return write(file, `${name}.cart`, sealed, flags, hex(sha256(read.bytes)));
}

export function open(file: string, flags: CartFlags): Line {
  const read = readSample(Buffer.from(file), MAX_SAMPLE_BYTES);
  if (!("bytes" in read)) return { error: read.reason.text };
  const parsed = parseCart(new View(read.bytes), flags.key);
  if (!parsed.ok) {
    if (parsed.error.code === "bad-magic") return { error: "is no CaRT" };
    if (parsed.error.field === "arc4_key")
      return { error: "is sealed with a private key: give it with --key" };
    return {
      error: `cannot be opened: wrong key, or damaged (${parsed.error.code} at ${parsed.error.field})`,
    };
  }
  const content = inflate("zlib", rc4(parsed.value.key, parsed.value.data.bytes), MAX_OUTPUT);
  if (content === undefined) return { error: "cannot be opened: wrong key, or damaged" };
  if (content.cut) return { error: `holds more than ${MAX_OUTPUT} bytes` };
  const digest = hex(sha256(content.bytes));
  const stated = parsed.value.footer?.sha256;
  if (typeof stated === "string" && stated !== digest) return { error: "is damaged: its SHA-256 differs" };
  // The name in the header is the sender's, and may lead anywhere: the CaRT's own name is used.
  const own = basename(file);
  const name = own.toLowerCase().endsWith(".cart") && own.length > 5 ? own.slice(0, -5) : `${own}.raw`;
  return write(file, name, content.bytes, flags, digest);
}

function write(file: string, name: string, bytes: Uint8Array, flags: CartFlags, digest: string): Line {
  const target = join(flags.out ?? dirname(file), name);
  const written = attemptIo(() => {
    writeFileSync(target, bytes, { flag: flags.force ? "w" : "wx", mode: MODE });
    // A file that was there keeps its mode otherwise.
    chmodSync(target, MODE);
  });
  if ("code" in written) {
    const hint = written.text.includes("EEXIST")
      ? ": it is there already, --force replaces it"
      : `: ${written.text}`;
    return { error: `${printable(target)} cannot be written${hint}` };
  }
  return { done: `${digest}  ${printable(target)}` };
}
