import type { View } from "../bytes/index.ts";
import type { Layout, Region } from "./address-space.ts";
import type { Dotnet } from "./dotnet/model.ts";
import { findModules, parseDotnet } from "./dotnet/parse-dotnet.ts";
import type { Image, ImageHint } from "./image.ts";
import { readCertificates } from "./pe/certificates.ts";
import { DIRECTORY } from "./pe/constants.ts";
import { readDebug } from "./pe/debug.ts";
import { readExports } from "./pe/exports.ts";
import { guessLayout } from "./pe/guess-layout.ts";
import { readImports } from "./pe/imports.ts";
import { kindOf } from "./pe/kind.ts";
import type {
  CertificateEntry,
  DebugInfo,
  ExportTable,
  ImportedDll,
  Pe,
  Resource,
  RichHeader,
} from "./pe/model.ts";
import { readOverlay } from "./pe/overlay.ts";
import { parsePe } from "./pe/parse-pe.ts";
import { peSpace } from "./pe/regions.ts";
import { readResources } from "./pe/resources.ts";
import { readRichHeader } from "./pe/rich-header.ts";
import { findPointerBase } from "./pointer-base.ts";
import { Space } from "./space.ts";

/**
 * An image over any bytes. Without a hint the content tells a file from a mapped image, and what has no PE headers is
 * raw. A hint of `raw` is obeyed; `file` and `mapped` are obeyed where there are headers to go by.
 */
export function openImage(view: View, hint: ImageHint = {}): Image {
  const parsed = hint.layout === "raw" ? undefined : parsePe(view, hint.layout);
  if (parsed === undefined || !parsed.ok) return new LazyImage(rawSpace(view, hint), undefined);
  const layout = hint.layout ?? guessLayout(view, parsed.value);
  const pe =
    layout === "mapped" && hint.layout === undefined ? reparsed(view, layout, parsed.value) : parsed.value;
  return new LazyImage(peSpace(view, pe, layout, hint.base), pe);
}

/** Anomalies speak of the layout, so they are taken again once it is known. */
function reparsed(view: View, layout: Layout, before: Pe): Pe {
  const again = parsePe(view, layout);
  return again.ok ? again.value : before;
}

/** A larger region is no one image that was moved: the address that is given for it stands. */
const MAX_MOVED = 1 << 22;

/** One region over all bytes, offset = RVA; headerless mapped images are the same thing. */
function rawSpace(view: View, hint: ImageHint): Space {
  const layout = hint.layout === "mapped" ? "mapped" : "raw";
  const whole: Region = {
    name: layout,
    rva: 0,
    offset: 0,
    size: view.length,
    executable: true,
    writable: true,
  };
  const { base } = hint;
  const find = (space: Space): number | undefined => {
    if (base === undefined) return findPointerBase(space, []);
    return view.length > MAX_MOVED ? base : findPointerBase(space, [base]);
  };
  return new Space(view, layout, hint.base ?? 0, view.length > 0 ? [whole] : [], view.length, find);
}

class LazyImage implements Image {
  readonly view: View;
  readonly layout: Layout;
  readonly base: number;
  readonly regions: readonly Region[];
  readonly format: string;
  readonly pe: Pe | undefined;
  readonly #space: Space;
  readonly #modules: () => readonly Dotnet[];
  readonly #imports: () => readonly ImportedDll[];
  readonly #exports: () => ExportTable | undefined;
  readonly #resources: () => readonly Resource[];
  readonly #debug: () => readonly DebugInfo[];
  readonly #richHeader: () => RichHeader | undefined;
  readonly #certificates: () => readonly CertificateEntry[];
  readonly #overlay: () => View | undefined;

  constructor(space: Space, pe: Pe | undefined) {
    this.view = space.view;
    this.layout = space.layout;
    this.base = space.base;
    this.regions = space.regions;
    this.format = pe === undefined ? "raw" : kindOf(pe, space);
    this.pe = pe;
    this.#space = space;
    const inFile = space.layout === "file" ? pe : undefined;
    this.#modules = once(() => {
      if (pe === undefined) return findModules(space);
      const own = readDotnetOf(space, pe, this.imports);
      return own === undefined ? [] : [own];
    });
    this.#imports = once(() => (pe === undefined ? [] : readImports(space, pe)));
    this.#exports = once(() => pe && readExports(space, pe));
    this.#resources = once(() => (pe === undefined ? [] : readResources(space, pe)));
    this.#debug = once(() => (pe === undefined ? [] : readDebug(space, pe)));
    this.#richHeader = once(() => pe && readRichHeader(space.view, pe));
    this.#certificates = once(() => (inFile === undefined ? [] : readCertificates(space.view, inFile)));
    this.#overlay = once(() => inFile && readOverlay(space.view, inFile));
  }

  get pointerBase(): number | undefined {
    return this.#space.pointerBase;
  }

  get dotnet(): Dotnet | undefined {
    return this.#modules()[0];
  }
  get modules(): readonly Dotnet[] {
    return this.#modules();
  }

  get imports(): readonly ImportedDll[] {
    return this.#imports();
  }

  get exports(): ExportTable | undefined {
    return this.#exports();
  }

  get resources(): readonly Resource[] {
    return this.#resources();
  }

  get debug(): readonly DebugInfo[] {
    return this.#debug();
  }

  get richHeader(): RichHeader | undefined {
    return this.#richHeader();
  }

  get certificates(): readonly CertificateEntry[] {
    return this.#certificates();
  }

  get overlay(): View | undefined {
    return this.#overlay();
  }

  offsetOfRva(rva: number): number | undefined {
    return this.#space.offsetOfRva(rva);
  }

  rvaOfOffset(offset: number): number | undefined {
    return this.#space.rvaOfOffset(offset);
  }

  offsetOfVa(va: number): number | undefined {
    return this.#space.offsetOfVa(va);
  }

  vaOfOffset(offset: number): number | undefined {
    return this.#space.vaOfOffset(offset);
  }

  readVa(va: number, length: number): View | undefined {
    return this.#space.readVa(va, length);
  }

  readRva(rva: number, length: number): View | undefined {
    return this.#space.readRva(rva, length);
  }
}

/**
 * The module that the CLI header leads to. Where data directory 14 is wiped, metadata is searched only in what still
 * looks like .NET: a native program that merely carries an assembly is not one.
 */
function readDotnetOf(space: Space, pe: Pe, imports: readonly ImportedDll[]): Dotnet | undefined {
  const directory = pe.dataDirectories[DIRECTORY.comDescriptor];
  if (directory !== undefined && directory.virtualAddress !== 0)
    return readDotnet(space, { rva: directory.virtualAddress, size: directory.size });
  const isLikely = imports.length === 0 || imports.some((dll) => dll.name.toLowerCase() === "mscoree.dll");
  return isLikely ? readDotnet(space) : undefined;
}

function readDotnet(
  space: Space,
  cliHeader?: { readonly rva: number; readonly size: number },
): Dotnet | undefined {
  const parsed = parseDotnet(space, cliHeader);
  return parsed.ok ? parsed.value : undefined;
}

/** Reads on first use and keeps the answer. */
function once<T>(read: () => T): () => T {
  let kept: { readonly value: T } | undefined;
  return () => {
    kept ??= { value: read() };
    return kept.value;
  };
}
