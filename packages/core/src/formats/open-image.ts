import type { View } from "../bytes/index.ts";
import type { AddressSpace, Layout, Region } from "./address-space.ts";
import type { Dotnet } from "./dotnet/model.ts";
import type { Image, ImageHint } from "./image.ts";
import { readCertificates } from "./pe/certificates.ts";
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
  return new Space(view, layout, hint.base ?? 0, view.length > 0 ? [whole] : [], view.length);
}

class LazyImage implements Image {
  readonly pe: Pe | undefined;
  readonly format: string;
  readonly #space: Space;
  readonly #kept = new Map<string, unknown>();

  constructor(space: Space, pe: Pe | undefined) {
    this.#space = space;
    this.pe = pe;
    this.format = pe === undefined ? "raw" : kindOf(pe, space);
  }

  get view(): View {
    return this.#space.view;
  }

  get layout(): Layout {
    return this.#space.layout;
  }

  get base(): number {
    return this.#space.base;
  }

  get regions(): AddressSpace["regions"] {
    return this.#space.regions;
  }

  get dotnet(): Dotnet | undefined {
    return undefined;
  }

  get imports(): readonly ImportedDll[] {
    return this.#once("imports", [], (pe) => readImports(this.#space, pe));
  }

  get exports(): ExportTable | undefined {
    return this.#once("exports", undefined, (pe) => readExports(this.#space, pe));
  }

  get resources(): readonly Resource[] {
    return this.#once("resources", [], (pe) => readResources(this.#space, pe));
  }

  get debug(): readonly DebugInfo[] {
    return this.#once("debug", [], (pe) => readDebug(this.#space, pe));
  }

  get richHeader(): RichHeader | undefined {
    return this.#once("richHeader", undefined, (pe) => readRichHeader(this.view, pe));
  }

  get certificates(): readonly CertificateEntry[] {
    return this.#once("certificates", [], (pe) =>
      this.layout === "file" ? readCertificates(this.view, pe) : [],
    );
  }

  get overlay(): View | undefined {
    return this.#once("overlay", undefined, (pe) =>
      this.layout === "file" ? readOverlay(this.view, pe) : undefined,
    );
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

  #once<T>(name: string, absent: T, read: (pe: Pe) => T): T {
    if (this.pe === undefined) return absent;
    if (!this.#kept.has(name)) this.#kept.set(name, read(this.pe));
    return this.#kept.get(name) as T;
  }
}
