/** Which bytes are worth starting the archive reader for: a look at some fixed places, no parsing. */
import { latin1, type View } from "../bytes/index.ts";

/** Formats of `classify` that are containers. */
const CLASSIFIED: ReadonlySet<string> = new Set([
  "zip",
  "7z",
  "rar",
  "gzip",
  "bzip2",
  "xz",
  "zstd",
  "tar",
  "cab",
  "chm",
  "msi",
  "iso",
]);

/** Offset (from the end when negative), magic as one-byte text, name. */
const MAGICS: readonly (readonly [offset: number, magic: string, name: string])[] = [
  [0, "MSWIM\0\0\0", "wim"],
  [2, "-lh", "lzh"],
  [0x8001, "BEA01", "udf"],
  [0, "conectix", "vhd"],
  [-512, "conectix", "vhd"],
  [0, "vhdxfile", "vhdx"],
  [0, "KDMV", "vmdk"],
  [0, "QFI\xfb", "qcow"],
  [64, "\x7f\x10\xda\xbe", "vdi"],
  [-512, "koly\0\0\0\x04", "dmg"],
  [4, "\xef\xbe\xad\xdeNullsoftInst", "nsis"],
  [0, "xar!", "xar"],
  [0, "07070", "cpio"],
  [0, "\xed\xab\xee\xdb", "rpm"],
  [0, "!<arch>\ndebian-binary", "deb"],
  [0, "hsqs", "squashfs"],
  [16, "Compressed ROMFS", "cramfs"],
  [1024, "H+\0\x04", "hfs image"],
  [1024, "HX\0\x05", "hfs image"],
  [32, "NXSB", "apfs image"],
  [0, "SZDD\x88\xf0\x27\x33", "compress.exe"],
  [0, "\x1f\x9d", "compress"],
  [0, "\x5d\0\0\x80\0", "lzma"],
  [0, "\x5d\0\0\0\x04", "lzma"],
  [512, "EFI PART", "gpt image"],
  [3, "NTFS    ", "ntfs image"],
  [54, "FAT1", "fat image"],
  [82, "FAT32", "fat image"],
  [0, "**ACE**", "ace"],
  [7, "**ACE**", "ace"],
];

/** How far in front of the 7z a self-extractor's settings may reach. */
const SETTINGS_REACH = 64 * 1024;
/** A zip's end record with the longest comment. */
const END_REACH = 22 + 0xffff;

/**
 * The container's name, or undefined when these bytes are none. `format` is what `classify` says of them. Executables
 * are none: what is appended to them is their overlay, which comes by itself. `ace` is named only: nothing maintained
 * reads it.
 */
export function containerKind(view: View, format: string): string | undefined {
  // `classify` calls a zip what merely has an end record near its end.
  if (format === "zip" && !stands(view, 0, "PK")) return endsAsZip(view) ? format : undefined;
  if (CLASSIFIED.has(format)) return format;
  if (/^(PE|\.NET|ELF|Mach-O|minidump|memory dump)/.test(format)) return undefined;
  for (const [offset, magic, name] of MAGICS) {
    const at = offset < 0 ? view.length + offset : offset;
    if (at >= 0 && stands(view, at, magic)) return name;
  }
  if (isArj(view)) return "arj";
  if (isExt(view)) return "ext image";
  if (isDisk(view)) return "disk image";
  if (stands(view, 0, ";!@Install@!UTF-8!")) {
    const settings = latin1(view.clip(0, SETTINGS_REACH).bytes);
    if (settings.includes("7z\xbc\xaf\x27\x1c")) return "7z";
  }
  return endsAsZip(view) ? "zip" : undefined;
}

function stands(view: View, at: number, magic: string): boolean {
  if (!view.has(at, magic.length)) return false;
  for (let i = 0; i < magic.length; i++) if (view.bytes[at + i] !== magic.charCodeAt(i)) return false;
  return true;
}

/** Main header of an ARJ file: id, size of the basic header, and 2 for its file type. */
function isArj(view: View): boolean {
  const size = view.u16(2) ?? 0;
  return view.u16(0) === 0xea60 && size >= 30 && size <= 2600 && view.u8(10) === 2;
}

/** The superblock of ext2 to ext4: its magic, 1 to 64 KiB a block, a known revision, and blocks that fit the file. */
function isExt(view: View): boolean {
  const block = view.u32(1024 + 24) ?? 7;
  const blocks = view.u32(1024 + 4) ?? 0;
  if (view.u16(1024 + 56) !== 0xef53 || block > 6 || (view.u32(1024 + 76) ?? 2) > 1) return false;
  return blocks > 0 && blocks * 1024 * 2 ** block <= view.length + 2 ** 20;
}

/** A master boot record whose first partition starts inside the file. */
function isDisk(view: View): boolean {
  if (view.u16(510) !== 0xaa55 || view.length < 1024 * 1024) return false;
  const active = view.u8(446);
  const start = view.u32(454) ?? 0;
  return (active === 0 || active === 0x80) && view.u8(450) !== 0 && start > 0 && start * 512 < view.length;
}

/** A zip with something in front of it: its end record leads back to a central directory. */
function endsAsZip(view: View): boolean {
  const from = Math.max(0, view.length - END_REACH);
  const tail = view.clip(from);
  for (
    let at = tail.bytes.lastIndexOf(0x50);
    at >= 0;
    at = at === 0 ? -1 : tail.bytes.lastIndexOf(0x50, at - 1)
  ) {
    if (tail.u32(at) !== 0x0605_4b50) continue;
    const size = tail.u32(at + 12);
    const count = tail.u16(at + 10);
    if (size === undefined || count === undefined || count === 0 || size < 46) continue;
    const directory = from + at - size;
    if (view.u32(directory) === 0x0201_4b50 || size === 0xffff_ffff) return true;
  }
  return false;
}
