/**
 * Unpacks UPX (upx.github.io) without running it: PE32 and PE32+, NRV2B, NRV2D, NRV2E and LZMA, from the header or, where
 * that is wiped or damaged, from what the stub's code says.
 */
import { indexesOf, type View } from "../../bytes/index.ts";
import {
  adler32,
  decompressNrv2b,
  decompressNrv2d,
  decompressNrv2e,
  type NrvOutput,
  unpackLzma,
} from "../../codecs/index.ts";
import type { Image } from "../../formats/image.ts";
import type { Pe } from "../../formats/pe/model.ts";
import type { Reason } from "../../model/index.ts";
import { type Layer, type LayerInput, type LayerOutput, NOTHING, reason } from "../layer.ts";
import { rebuildExports } from "./exports.ts";
import { writeFile } from "./file.ts";
import { undoFilter } from "./filter.ts";
import { type PackHeader, readPackHeader, UPX_MAGIC, type UpxMethod } from "./header.ts";
import { readUpxImage, rebuildPart, type UpxImage } from "./image.ts";
import { rebuildImports } from "./imports.ts";
import { rebuildRelocations } from "./relocations.ts";
import { rebuildResources } from "./resources.ts";
import { findStub, isUpxShaped, type UpxStub } from "./stub.ts";

/** The header stands before the first section's data or inside it, behind the section table in between. */
const HEADER_SEARCH = 0x2000;
/** Magics looked at. */
const MAX_MAGICS = 4;
/** Image and file are both held; programs that UPX packs are far smaller. */
const MAX_IMAGE = 0x1000_0000;
/** Sections are mapped in pages, and UPX needs some room behind the image to decompress in place. */
const OVERLAP = 0x1_0000;

const FALLBACKS: readonly UpxMethod[] = [
  { algorithm: "nrv2e", width: 32 },
  { algorithm: "nrv2b", width: 32 },
  { algorithm: "nrv2d", width: 32 },
];
const NRV = { nrv2b: decompressNrv2b, nrv2d: decompressNrv2d, nrv2e: decompressNrv2e };

export const upx: Layer = {
  id: "upx",
  title: "UPX: PE32 and PE32+; NRV2B, NRV2D, NRV2E, LZMA",
  how: "Decompressed and rebuilt as `upx -d` does (sections, imports, relocations, resources, exports, overlay), also with renamed sections and a damaged or wiped header; filters that PE files have are undone, others named.",
  peel(input: LayerInput): LayerOutput {
    const { image } = input;
    const { pe } = image;
    if (pe === undefined || image.layout !== "file" || pe.sections.length < 2) return NOTHING;
    const stub = findStub(image);
    const header = findHeader(image, pe, stub);
    if (stub === undefined && header === undefined) return onlyNamed(image, pe);
    return unpack(input, pe, stub, header);
  },
};

interface Unpacked {
  readonly image: UpxImage;
  readonly method: UpxMethod;
  /** What was decompressed, in the packed file. */
  readonly source: View;
  readonly consumed: number;
  /** Adler-32 as decompressed. */
  readonly adler: number;
}

function unpack(input: LayerInput, pe: Pe, stub: UpxStub | undefined, header?: PackHeader): LayerOutput {
  const { image, budget } = input;
  const { view } = image;
  const allowed = Math.min(budget.allowance(view.length), MAX_IMAGE);
  const at = header === undefined ? view.span(stub?.at ?? 0, 16) : view.span(header.at, header.size);
  if (header?.isIntact && header.uncompressedSize > allowed) {
    budget.cut("ratio");
    const text = `UPX data of ${header.uncompressedSize} bytes is beyond the limit of ${allowed}`;
    return { inner: [], reasons: [reason(upx, "limit", text, at)] };
  }
  const limit = Math.min(allowed, pe.sizeOfImage + OVERLAP);
  const unpacked = decompress(view, pe, stub, header, limit);
  if (unpacked === undefined) {
    // A header that is not whole may be chance, and so may two instructions.
    if (header?.isIntact !== true && !hasUpxShape(pe)) return NOTHING;
    const isDump = (pe.sections[0]?.sizeOfRawData ?? 0) > 0;
    const text = isDump
      ? "memory image of a program that UPX packed: already unpacked"
      : "packed with UPX or a relative, but no method gives an image back";
    return { inner: [], reasons: [reason(upx, isDump ? "upx-dump" : "packer", text, at)] };
  }

  const reasons: Reason[] = [];
  const checksums = checkSums(unpacked, header);
  if (header === undefined || !header.isIntact) {
    const text = "UPX header damaged or wiped: unpacked by what the stub says";
    reasons.push(reason(upx, "upx-header", text, at));
  } else if (checksums === "differ") {
    reasons.push(reason(upx, "upx-checksum", "UPX header's Adler-32 does not hold", at));
  }
  const trusted = header?.isIntact ? header : undefined;
  const filter = trusted
    ? { id: trusted.filter, cto: trusted.filterCto }
    : (stub?.filter ?? { id: 0, cto: 0 });
  const failed = rebuild(unpacked.image, image, filter.id, filter.cto);
  if (failed.length > 0) {
    const text = `unpacked from UPX, but could not be rebuilt: ${failed.join(", ")}`;
    reasons.push(reason(upx, "upx-partial", text, at));
  }
  const overlay = image.overlay?.bytes ?? new Uint8Array(0);
  const dosPart = view.clip(0, Math.max(pe.lfanew, 0x40));
  const file = writeFile(unpacked.image, dosPart, overlay, Math.max(allowed, view.length));
  if (file === undefined) {
    reasons.push(reason(upx, "packer", "packed with UPX; the original headers ask for too much room", at));
    return { inner: [], reasons };
  }
  if (!budget.take(file.length)) {
    reasons.push(reason(upx, "limit", "unpacked from UPX, but the budget is used up", at));
    return { inner: [], reasons };
  }
  const params = {
    method: unpacked.method.algorithm,
    filter: filter.id.toString(16).padStart(2, "0"),
    checksums,
  };
  const from = [unpacked.source.span(0, unpacked.consumed)];
  const inner = input.ledger.adopt(file, from, [{ op: "upx", params }], "UPX data", "unpacked");
  return { inner: [{ view: inner, kind: "unpacked", hint: { layout: "file" } }], reasons };
}

/** The header right before the compressed data, else one with an intact magic and checksum where UPX puts it. */
function findHeader(image: Image, pe: Pe, stub: UpxStub | undefined): PackHeader | undefined {
  const { view } = image;
  if (stub !== undefined) {
    for (const size of [32, 28]) {
      const header = readPackHeader(view, stub.source - size);
      if (header?.size === size) return header;
    }
  }
  const starts = [0, (pe.sections[1]?.pointerToRawData ?? 0) - 64, pe.sections[2]?.pointerToRawData ?? 0];
  for (const start of starts) {
    let left = MAX_MAGICS;
    const from = Math.max(0, start);
    for (const at of indexesOf(view.bytes, UPX_MAGIC, from, from + HEADER_SEARCH)) {
      const header = readPackHeader(view, at);
      if (header?.isIntact) return header;
      if (--left === 0) break;
    }
  }
  return undefined;
}

function decompress(
  view: View,
  pe: Pe,
  stub: UpxStub | undefined,
  header: PackHeader | undefined,
  limit: number,
): Unpacked | undefined {
  if (header !== undefined) {
    const source = view.clip(header.at + header.size, header.compressedSize);
    const found = tryMethod(pe, source, header.method, limit, header.uncompressedSize);
    if (found !== undefined) return found;
  }
  if (stub === undefined) return undefined;
  const source = view.clip(stub.source, stub.sourceEnd - stub.source);
  if (stub.lzma !== undefined) {
    const { uncompressedSize, compressedSize } = stub.lzma;
    const method: UpxMethod = { algorithm: "lzma", width: 32 };
    return tryMethod(pe, source.clip(0, compressedSize), method, limit, uncompressedSize);
  }
  for (const method of FALLBACKS) {
    const found = tryMethod(pe, source, method, limit);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Decompresses, and lets the result's own headers prove it. */
function tryMethod(
  pe: Pe,
  source: View,
  method: UpxMethod,
  limit: number,
  size?: number,
): Unpacked | undefined {
  const most = Math.min(size ?? limit, limit);
  const output =
    method.algorithm === "lzma"
      ? unlzma(source.bytes, size ?? 0, limit)
      : NRV[method.algorithm](source.bytes, { width: method.width, limit: most });
  if (output === undefined) return undefined;
  const image = readUpxImage(output.bytes, pe.machine, pe.is64);
  if (image === undefined) return undefined;
  return { image, method, source, consumed: output.consumed, adler: adler32(output.bytes) };
}

/** UPX's form: pb and lc + lp in the first byte, lp and lc in the second, then the raw stream without an end marker. */
function unlzma(source: Uint8Array, size: number, limit: number): NrvOutput | undefined {
  const [first = 0, second = 0] = source;
  const properties = { pb: first & 7, lp: second >> 4, lc: second & 15 };
  // What LZMA allows, so that the tables stay small.
  if (properties.pb > 4 || properties.lp > 4 || properties.lc > 8 || size > limit) return undefined;
  const output = unpackLzma(source.subarray(2), properties, size, limit);
  return output && { bytes: output.bytes, consumed: Math.min(output.used + 2, source.length) };
}

function checkSums(unpacked: Unpacked, header: PackHeader | undefined): "hold" | "differ" | "absent" {
  if (header === undefined || (header.uncompressedAdler === 0 && header.compressedAdler === 0))
    return "absent";
  const compressed = unpacked.source.clip(0, header.compressedSize).bytes;
  return unpacked.adler === header.uncompressedAdler && adler32(compressed) === header.compressedAdler
    ? "hold"
    : "differ";
}

/** Undoes what UPX did to the image; what could not be undone by name. */
function rebuild(image: UpxImage, packed: Image, filter: number, cto: number): string[] {
  const failed: string[] = [];
  const optional = image.headers + 24;
  const codeSize = image.data.getUint32(optional + 4, true);
  const code = image.data.getUint32(optional + 20, true) - image.first;
  const isInside = code >= 0 && code + codeSize <= image.headers;
  if (
    filter !== 0 &&
    !(isInside && undoFilter(image.bytes.subarray(code, code + codeSize), filter, cto, code))
  )
    failed.push(`code (filter ${filter.toString(16)})`);

  if (!rebuildPart(() => rebuildImports(image, packed))) failed.push("imports");
  if (!rebuildPart(() => rebuildRelocations(image, packed))) failed.push("relocations");
  if (!rebuildPart(() => rebuildExports(image, packed))) failed.push("exports");
  if (!rebuildPart(() => rebuildResources(image, packed))) failed.push("resources");
  return failed;
}

function hasUpxShape(pe: Pe): boolean {
  return pe.sections.some((section, i) => isUpxShaped(section, pe.sections[i + 1]));
}

/** UPX's section names over something else: a relative that packs in its own way. */
function onlyNamed(image: Image, pe: Pe): LayerOutput {
  const names = pe.sections.map((section) => section.name);
  if (!names.includes("UPX0") || !names.includes("UPX1") || !hasUpxShape(pe)) return NOTHING;
  const table = pe.lfanew + 24 + pe.sizeOfOptionalHeader;
  const span = image.view.span(table, 40 * pe.sections.length);
  return {
    inner: [],
    reasons: [reason(upx, "packer", "sections named as UPX names them, but no stub or header of UPX", span)],
  };
}
