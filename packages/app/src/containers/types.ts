/** Which of 7-Zip's formats are containers to us, and how its names and ours meet. */

export interface ContainerType {
  /** 7-Zip's own name, as in `Type = Rar5`. */
  readonly type: string;
  /** Name of the step in a report, where it is not the type's. */
  readonly op?: string;
  /** What people call it. */
  readonly title: string;
  /** One stream and nothing else: its listing's size and name prove nothing. */
  readonly stream?: true;
  /** Ending that its content is named by when the archive gives no name: `.tgz` holds a `.tar`. */
  readonly endings?: readonly (readonly [ending: string, becomes: string])[];
}

export const CONTAINER_TYPES: readonly ContainerType[] = [
  { type: "zip", title: "zip (Deflate, Deflate64, BZip2, LZMA, PPMd, ZipCrypto, AES, zip64)" },
  { type: "7z", title: "7z (also with encrypted headers)" },
  { type: "Rar", title: "rar 1.5 to 4" },
  { type: "Rar5", title: "rar 5" },
  { type: "tar", title: "tar" },
  {
    type: "gzip",
    title: "gzip",
    stream: true,
    endings: [
      [".tgz", ".tar"],
      [".gz", ""],
    ],
  },
  {
    type: "bzip2",
    title: "bzip2",
    stream: true,
    endings: [
      [".tbz2", ".tar"],
      [".tbz", ".tar"],
      [".bz2", ""],
    ],
  },
  {
    type: "xz",
    title: "xz",
    stream: true,
    endings: [
      [".txz", ".tar"],
      [".xz", ""],
    ],
  },
  {
    type: "zstd",
    title: "zstandard",
    stream: true,
    endings: [
      [".tzst", ".tar"],
      [".zst", ""],
    ],
  },
  { type: "lzma", title: "lzma (.lzma)", stream: true, endings: [[".lzma", ""]] },
  {
    type: "Z",
    title: "compress (.Z)",
    stream: true,
    endings: [
      [".taz", ".tar"],
      [".z", ""],
    ],
  },
  { type: "Cab", title: "cab" },
  { type: "Compound", op: "msi", title: "msi, msp" },
  { type: "Iso", title: "iso 9660" },
  { type: "Udf", title: "udf" },
  { type: "VHD", title: "vhd" },
  { type: "VHDX", title: "vhdx" },
  { type: "VMDK", title: "vmdk" },
  { type: "VDI", title: "vdi" },
  { type: "QCOW", title: "qcow2" },
  { type: "MBR", title: "disk image with MBR" },
  { type: "GPT", title: "disk image with GPT" },
  { type: "FAT", title: "fat image" },
  { type: "NTFS", title: "ntfs image" },
  { type: "Ext", title: "ext2, ext3, ext4 image" },
  { type: "wim", title: "wim" },
  { type: "Arj", title: "arj" },
  { type: "Lzh", title: "lzh" },
  { type: "Chm", title: "chm" },
  { type: "Nsis", title: "NSIS installer" },
  { type: "Dmg", title: "dmg" },
  { type: "HFS", title: "hfs+ image" },
  { type: "APFS", title: "apfs image" },
  { type: "Xar", title: "xar, pkg" },
  { type: "Cpio", title: "cpio" },
  { type: "Rpm", title: "rpm" },
  { type: "Ar", title: "ar, deb" },
  { type: "SquashFS", title: "squashfs" },
  { type: "CramFS", title: "cramfs" },
  { type: "MsLZ", title: "compress.exe (SZDD)", stream: true },
];

const BY_TYPE: ReadonlyMap<string, ContainerType> = new Map(CONTAINER_TYPES.map((type) => [type.type, type]));

export function containerType(type: string | undefined): ContainerType | undefined {
  return type === undefined ? undefined : BY_TYPE.get(type);
}
