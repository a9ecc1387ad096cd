/** .NET loaders: what their resources, fields and strings hide, opened with what their own code knows. */
import { equalBytes, View } from "../../bytes/index.ts";
import type { Dotnet } from "../../formats/index.ts";
import type { Reason } from "../../model/index.ts";
import { applySteps } from "../../model/index.ts";
import type { Budget } from "../budget.ts";
import { type Inner, type Layer, type LayerInput, type LayerOutput, NOTHING, reason } from "../layer.ts";
import { isRandom, Trials } from "./decrypt.ts";
import { keyMaterial } from "./keys.ts";
import { isPicture, pixelsOf, readsPixels } from "./pixels.ts";
import { protectorsOf } from "./protectors.ts";
import { textUnit } from "./recognise.ts";
import { type Secrets, secretsOf } from "./secrets.ts";
import { type Source, sourcesOf, textSource } from "./sources.ts";
import { type Opaque, type UnwrapContext, type Unwrapped, unwrap } from "./unwrap.ts";

/** Smallest opaque thing that ciphers are tried on: it has this size, or is one of so many parts of the file. */
const MIN_OPAQUE = 128;
const LARGE = 1 << 14;
const MIN_SHARE = 32;
/** Smallest opaque thing that a reason speaks of. */
const MIN_UNOPENED = 4096;
/** Opaque things that ciphers are tried on. */
const MAX_OPAQUE = 64;
/** Characters without a space at the start of a text that is one of bytes. */
const UNBROKEN = 256;
/** Pictures whose pixels are read. */
const MAX_PICTURES = 16;
/** What is taken out although nothing covers it. JavaScript and the like are resources of any web program. */
const CLEAR_KINDS: ReadonlySet<string> = new Set([
  "PE",
  "zip",
  "7z",
  "rar",
  "cab",
  "resources",
  "powershell script",
  "batch script",
  "vbs script",
]);
/** Bytes behind which a thing is a picture, a font or a document, and not tried. */
const FORMATS: readonly string[] = [
  "\x89PNG",
  "\xff\xd8\xff",
  "GIF8",
  "RIFF",
  "BM",
  "\0\0\x01\0",
  "%PDF",
  "OTTO",
  "\0\x01\0\0",
  "wOFF",
  "<?xml",
  "\xef\xbb\xbf<",
  "{\\rt",
  "\x0c\0\0\0M\0S\0B\0A\0M\0L\0",
  "ID3",
  "OggS",
  "\xd0\xcf\x11\xe0",
];

export const dotnetLoader: Layer = {
  id: "dotnet-loader",
  title: ".NET loaders",
  how:
    "Manifest resources (raw, ResourceManager's format, Costura), initial data of fields and long strings are taken " +
    "out when they hold a program, an archive or a script: as they stand, under gzip, zlib, deflate, reversal, " +
    "base64, hex or decimal text, in the pixels of pictures, and under AES, Rijndael-256, 3DES, DES, RC4 or XOR with keys that are constants of " +
    "the code or follow from them. Protectors are only named.",
  peel(input: LayerInput): LayerOutput {
    const dotnet = input.image.pe === undefined ? undefined : input.image.dotnet;
    return dotnet === undefined ? NOTHING : new Run(input, dotnet).peel();
  },
};

class Run {
  readonly #input: LayerInput;
  readonly #dotnet: Dotnet;
  readonly #inner: Inner[] = [];
  readonly #reasons: Reason[] = [];
  /** What may be encrypted. */
  readonly #closed: { readonly source: Source; readonly opaque: Opaque }[] = [];
  /** Texts that may be of bytes, once something is replaced in them. */
  #texts: Source[] = [];
  #picturesLeft = MAX_PICTURES;
  #readsPixels: boolean | undefined;

  constructor(input: LayerInput, dotnet: Dotnet) {
    this.#input = input;
    this.#dotnet = dotnet;
  }

  peel(): LayerOutput {
    const { image } = this.#input;
    const context = this.#context([]);
    for (const source of sourcesOf(this.#dotnet, image.view)) this.#look(source, context);
    if (this.#closed.length > 0 || this.#texts.length > 0) this.#open();
    for (const { name, mark, at } of protectorsOf(this.#dotnet, image.view))
      this.#reasons.push(reason(dotnetLoader, "protector", `protected with ${name} (${mark})`, ...at));
    return { inner: this.#inner, reasons: this.#reasons };
  }

  /** Takes a source's payload out when it lies there in the clear; else notes what it may be. */
  #look(source: Source, context: UnwrapContext): void {
    const bytes = applySteps(source.steps, source.view.bytes);
    if (bytes === undefined) return;
    const found: Opaque[] = [];
    const got = unwrap(bytes, context, found) ?? this.#lookAtPixels(bytes, context, found);
    if (got !== undefined) {
      if (got.steps.length > 0 || CLEAR_KINDS.has(got.kind)) this.#keep(source, got);
      return;
    }
    const isText = textUnit(bytes.subarray(0, UNBROKEN)) !== 0;
    if (!this.#isWorthwhile(bytes.length) || isTable(source)) return;
    if (isText && !bytes.subarray(0, UNBROKEN).includes(0x20)) this.#texts.push(source);
    if (!isText && source.steps.length === 0 && !isKnownFormat(bytes)) found.push({ steps: [], bytes });
    for (const opaque of found)
      if (this.#isWorthwhile(opaque.bytes.length) && this.#closed.length < MAX_OPAQUE)
        this.#closed.push({ source, opaque });
  }

  /** Where the code reads pixels, what each order of reading them gives. */
  #lookAtPixels(bytes: Uint8Array, context: UnwrapContext, found: Opaque[]): Unwrapped | undefined {
    if (!isPicture(bytes) || this.#picturesLeft <= 0) return undefined;
    this.#readsPixels ??= readsPixels(this.#dotnet);
    if (!this.#readsPixels) return undefined;
    this.#picturesLeft--;
    for (const pixels of pixelsOf(bytes)) {
      const got = unwrap(pixels.bytes, context);
      if (got !== undefined) return { ...got, steps: [...pixels.steps, ...got.steps] };
      found.push(pixels);
    }
    return undefined;
  }

  /** Following code costs; a loader is mostly payload, and what is large is worth it anywhere. */
  #isWorthwhile(size: number): boolean {
    return size >= MIN_OPAQUE && (size >= LARGE || size * MIN_SHARE >= this.#input.image.view.length);
  }

  #open(): void {
    const secrets = secretsOf(this.#dotnet);
    const context = this.#context(secrets.replacements);
    const again = secrets.replacements.length > 0 ? this.#texts : [];
    this.#texts = [];
    for (const text of [...this.#joinedTexts(secrets), ...again]) this.#look(text, context);
    this.#closed.sort((a, b) => b.source.view.length - a.source.view.length);
    const trials = new Trials(secrets, keyMaterial(secrets), context);
    const done = new Set<Source>();
    for (const { source, opaque } of this.#closed) {
      const got = done.has(source) ? undefined : trials.open(opaque);
      if (got === undefined) continue;
      this.#keep(source, got);
      done.add(source);
    }
    for (const { source, opaque } of this.#closed) {
      if (done.has(source) || opaque.bytes.length < MIN_UNOPENED || !isRandom(opaque.bytes)) continue;
      done.add(source);
      this.#reasons.push(
        reason(
          dotnetLoader,
          "encrypted",
          `${source.name}: ${opaque.bytes.length} bytes that look encrypted, and no constant of the code opens them`,
          ...source.at.slice(0, 1),
        ),
      );
    }
    if (!trials.isComplete)
      this.#reasons.push(reason(dotnetLoader, "limit", "not every constant of the code was tried as a key"));
  }

  /** Texts that the code joins: their parts, where these put together are the text. */
  #joinedTexts(secrets: Secrets): Source[] {
    return secrets.joined.flatMap(({ at }) => {
      const bytes = this.#input.ledger.read(at);
      const [first] = at;
      if (bytes === undefined || first === undefined || at.length < 2) return [];
      return [textSource(`${at.length} strings joined`, at, new View(bytes, first.artifact, first.offset))];
    });
  }

  #keep(source: Source, { kind, steps, bytes }: Unwrapped): void {
    const { ledger, budget } = this.#input;
    if (!budget.take(bytes.length)) {
      this.#reasons.push(
        reason(
          dotnetLoader,
          "limit",
          `${source.name}: left out, the sample's budget is used up`,
          ...source.at.slice(0, 1),
        ),
      );
      return;
    }
    const innerKind = kind.endsWith("script") ? "script" : source.kind;
    const view = ledger.derive(source.at, [...source.steps, ...steps], source.name, innerKind);
    if (view === undefined || !equalBytes(view.bytes, bytes)) return;
    const name = costuraName(source.name);
    this.#inner.push({ view, kind: innerKind, ...(name === undefined ? {} : { name }) });
  }

  #context(replacements: UnwrapContext["replacements"]): UnwrapContext {
    const budget: Budget = this.#input.budget;
    return {
      allowance: (size) => budget.allowance(size),
      onCut: () => {
        budget.cut("ratio");
        this.#reasons.push(
          reason(dotnetLoader, "limit", "a decompression was cut off at the sample's budget"),
        );
      },
      replacements,
    };
  }
}

/** Largest table of constants that a cipher, a hash or a compressor needs. */
const MAX_TABLE = 1 << 14;

/** Initial data of a power of two's size: tables of a library look as random as ciphertexts. */
function isTable({ view, kind, steps }: Source): boolean {
  const { length } = view;
  return kind === "payload" && steps.length === 0 && length <= MAX_TABLE && (length & (length - 1)) === 0;
}

/** `costura.foo.dll.compressed` holds foo.dll (Fody's Costura). */
function costuraName(source: string): string | undefined {
  return /^resource costura[0-9]*\.(.+\.(?:dll|exe))(?:\.compressed)?$/i.exec(source)?.[1];
}

function isKnownFormat(bytes: Uint8Array): boolean {
  return FORMATS.some((magic) => {
    for (let i = 0; i < magic.length; i++) if (bytes[i] !== magic.charCodeAt(i)) return false;
    return true;
  });
}
