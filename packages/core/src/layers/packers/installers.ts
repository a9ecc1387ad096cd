/** Installers and wrappers that are known by the data behind their image. */
import { indexOf, latin1Bytes, unhex, type View } from "../../bytes/index.ts";

interface Mark {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Where it may stand in the overlay: at this offset, or within so many bytes of the start or the end. */
  readonly at: number | { readonly first: number } | { readonly last: number };
}

const text = (value: string): Uint8Array => latin1Bytes(value);
const raw = (value: string): Uint8Array => unhex(value) ?? new Uint8Array(0);

/** First match wins. */
const MARKS: readonly Mark[] = [
  // The first header stands at a multiple of 512; flags before it.
  { name: "NSIS", bytes: raw("efbeadde4e756c6c736f6674496e7374"), at: { first: 0x1000 } },
  { name: "AutoIt", bytes: raw("a3484bbe986c4aa9994c530a86d6487d"), at: { first: 0x10000 } },
  { name: "AutoIt", bytes: text("AU3!EA0"), at: { last: 0x100 } },
  { name: "Inno Setup", bytes: text("Inno Setup Setup Data ("), at: { first: 0x1000 } },
  { name: "Inno Setup", bytes: raw("7a6c621a"), at: 0 },
  { name: "Inno Setup", bytes: text("idska32\x1a"), at: 0 },
  { name: "7z SFX", bytes: text(";!@Install@!UTF-8!"), at: { first: 0x100 } },
  { name: "7z SFX", bytes: raw("377abcaf271c"), at: 0 },
  { name: "WinRAR SFX", bytes: raw("526172211a07"), at: { first: 0x1000 } },
  { name: "InstallShield", bytes: text("InstallShield\0"), at: { first: 0x40 } },
  { name: "InstallShield", bytes: text("ISSetupStream"), at: { first: 0x40 } },
  { name: "Setup Factory", bytes: raw("e0e0e1e1e2e2e3e3e4e4e5e5e6e6e7e7"), at: { first: 0x40 } },
  { name: "Smart Install Maker", bytes: text("Smart Install Maker v"), at: { first: 0x40 } },
  { name: "Advanced Installer", bytes: text("ADVINSTSFX"), at: { last: 0x100 } },
  { name: "PyInstaller", bytes: raw("4d45490c0b0a0b0e"), at: { last: 0x1000 } },
  { name: "Nuitka", bytes: raw("4b415928b52ffd"), at: 0 },
  { name: "nexe (Node.js)", bytes: text("<nexe~~sentinel>"), at: { last: 0x100 } },
  // Bundle header's signature (dotnet/runtime, apphost): SHA-256 of ".net core bundle".
  {
    name: ".NET single file",
    bytes: raw("8b1202b96a612038727b930214d7a03213f5b9e6efae3318ee3b2dce24b36aae"),
    at: { last: 0x100 },
  },
  { name: "zip SFX", bytes: raw("504b0304"), at: 0 },
  { name: "cabinet SFX", bytes: raw("4d53434600000000"), at: 0 },
];

/** Name of the installer whose data this overlay is; undefined for anything else. */
export function installerOf(overlay: View): string | undefined {
  const { bytes } = overlay;
  return MARKS.find(({ bytes: mark, at }) => {
    const [from, to] =
      typeof at === "number"
        ? [at, at + mark.length]
        : "first" in at
          ? [0, at.first]
          : [Math.max(0, bytes.length - at.last), bytes.length];
    return indexOf(bytes.subarray(from, to), mark) >= 0;
  })?.name;
}
