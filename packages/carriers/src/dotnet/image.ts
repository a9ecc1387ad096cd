/** The PE32 around managed code, laid out as csc does: .text with everything, .reloc for the start stub. */
import { ByteWriter } from "./bytes.ts";

export const TEXT_RVA = 0x2000;
/** Import address table (8) and CLI header (72) stand before the method bodies. */
export const CODE_RVA = TEXT_RVA + 0x50;

const IMAGE_BASE = 0x400000;
const SECTION_ALIGNMENT = 0x2000;
const FILE_ALIGNMENT = 0x200;
const HEADERS_SIZE = 0x200;
const CLI_FLAG_ILONLY = 1;

const up = (value: number, to: number) => Math.ceil(value / to) * to;

export interface ManagedImage {
  /** From CODE_RVA on: method bodies, field data, resources, metadata. */
  readonly code: Uint8Array;
  readonly metadata: { readonly rva: number; readonly size: number };
  readonly resources: { readonly rva: number; readonly size: number };
  readonly entryPointToken: number;
  readonly timeDateStamp: number;
  readonly console: boolean;
}

/** Metadata root (ECMA-335 II.24.2.1) with its streams. */
export function metadataRoot(
  version: string,
  streams: readonly { readonly name: string; readonly data: Uint8Array }[],
): Uint8Array {
  const name = up(version.length + 1, 4);
  const out = new ByteWriter().u32(0x424a5342).u16(1).u16(1).u32(0).u32(name);
  out.ascii(version).pad(16 + name);
  out.u16(0).u16(streams.length);
  const headers = streams.reduce((sum, stream) => sum + 8 + up(stream.name.length + 1, 4), out.length);
  let at = headers;
  for (const stream of streams) {
    out.u32(at).u32(stream.data.length);
    out.ascii(stream.name).u8(0).align(4);
    at += stream.data.length;
  }
  for (const stream of streams) out.bytes(stream.data);
  return out.toBytes();
}

export function buildManagedImage(image: ManagedImage): Uint8Array {
  const text = new ByteWriter()
    .pad(CODE_RVA - TEXT_RVA)
    .bytes(image.code)
    .align(4);
  const importRva = TEXT_RVA + text.length;
  const lookupRva = importRva + 40;
  const hintRva = lookupRva + 8;
  const nameRva = hintRva + 14;
  text
    .u32(lookupRva)
    .u32(0)
    .u32(0)
    .u32(nameRva)
    .u32(TEXT_RVA)
    .pad(lookupRva - TEXT_RVA);
  text.u32(hintRva).u32(0).u16(0).ascii("_CorExeMain\0").ascii("mscoree.dll\0");
  while ((text.length + 2) % 4 !== 0) text.u8(0);
  const entryRva = TEXT_RVA + text.length;
  text.u16(0x25ff).u32(IMAGE_BASE + TEXT_RVA);
  const importSize = hintRva + 14 + 12 - importRva;
  const body = text.toBytes();
  const head = new ByteWriter().u32(hintRva).u32(0).bytes(cliHeader(image)).toBytes();
  body.set(head);

  const relocRva = up(TEXT_RVA + body.length, SECTION_ALIGNMENT);
  const stub = entryRva + 2;
  const reloc = new ByteWriter()
    .u32(stub & ~0xfff)
    .u32(12)
    .u16(0x3000 | (stub & 0xfff))
    .u16(0)
    .toBytes();
  const textRaw = up(body.length, FILE_ALIGNMENT);
  const directories = new Map<number, readonly [number, number]>([
    [1, [importRva, importSize]],
    [5, [relocRva, reloc.length]],
    [12, [TEXT_RVA, 8]],
    [14, [TEXT_RVA + 8, 72]],
  ]);

  const out = new ByteWriter();
  out.u16(0x5a4d).pad(0x3c).u32(0x80).pad(0x80);
  // IMAGE_FILE_HEADER: x86, two sections; executable, 32-bit.
  out.u32(0x4550).u16(0x14c).u16(2).u32(image.timeDateStamp).u32(0).u32(0).u16(224).u16(0x102);
  out
    .u16(0x10b)
    .u8(48)
    .u8(0)
    .u32(textRaw)
    .u32(FILE_ALIGNMENT)
    .u32(0)
    .u32(entryRva)
    .u32(TEXT_RVA)
    .u32(relocRva);
  out.u32(IMAGE_BASE).u32(SECTION_ALIGNMENT).u32(FILE_ALIGNMENT);
  out.u16(4).u16(0).u16(0).u16(0).u16(4).u16(0).u32(0);
  out
    .u32(relocRva + SECTION_ALIGNMENT)
    .u32(HEADERS_SIZE)
    .u32(0);
  // DllCharacteristics: dynamic base, NX, no SEH, terminal server aware.
  out
    .u16(image.console ? 3 : 2)
    .u16(0x8540)
    .u32(0x100000)
    .u32(0x1000)
    .u32(0x100000)
    .u32(0x1000)
    .u32(0)
    .u32(16);
  for (let i = 0; i < 16; i++) {
    const [rva, size] = directories.get(i) ?? [0, 0];
    out.u32(rva).u32(size);
  }
  out.ascii(".text\0\0\0").u32(body.length).u32(TEXT_RVA).u32(textRaw).u32(HEADERS_SIZE);
  out.u32(0).u32(0).u32(0).u32(0x60000020);
  out
    .ascii(".reloc\0\0")
    .u32(reloc.length)
    .u32(relocRva)
    .u32(FILE_ALIGNMENT)
    .u32(HEADERS_SIZE + textRaw);
  out.u32(0).u32(0).u32(0).u32(0x42000040);
  out
    .pad(HEADERS_SIZE)
    .bytes(body)
    .pad(HEADERS_SIZE + textRaw)
    .bytes(reloc)
    .align(FILE_ALIGNMENT);
  return out.toBytes();
}

/** II.25.3.3. */
function cliHeader(image: ManagedImage): Uint8Array {
  const { metadata, resources } = image;
  return new ByteWriter()
    .u32(72)
    .u16(2)
    .u16(5)
    .u32(metadata.rva)
    .u32(metadata.size)
    .u32(CLI_FLAG_ILONLY)
    .u32(image.entryPointToken)
    .u32(resources.size === 0 ? 0 : resources.rva)
    .u32(resources.size)
    .pad(72)
    .toBytes();
}
