/** Archives as sandboxes send them, made by 7-Zip itself: AES-256 as pyzipper writes it, or without a password. */
import SevenZip from "7z-wasm";

export interface ZipMember {
  /** With folders, as `CAPE/<sha256>`. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Packing takes a tenth of a second, and tests ask for the same files again and again. */
const made = new WeakMap<readonly ZipMember[], Map<string, Promise<Buffer>>>();

/** A zip of `members`; with a password, each is encrypted by AES-256 (WinZip's way), or by ZipCrypto as `7z a` does. */
export function makeZip(
  members: readonly ZipMember[],
  password?: string,
  method: "AES256" | "ZipCrypto" = "AES256",
): Promise<Buffer> {
  const known = made.get(members) ?? new Map<string, Promise<Buffer>>();
  made.set(members, known);
  const key = `${method} ${password ?? ""}`;
  const zip = known.get(key) ?? pack(members, password, method);
  known.set(key, zip);
  return zip;
}

async function pack(
  members: readonly ZipMember[],
  password: string | undefined,
  method: string,
): Promise<Buffer> {
  const zip = await SevenZip({ print: () => {}, printErr: () => {} });
  const { FS } = zip;
  FS.mkdir("/work");
  FS.chdir("/work");
  const folders = new Set<string>();
  for (const { name, bytes } of members) {
    const parts = name.split("/").slice(0, -1);
    for (let i = 1; i <= parts.length; i++) {
      const folder = parts.slice(0, i).join("/");
      if (!folders.has(folder)) FS.mkdir(folder);
      folders.add(folder);
    }
    FS.writeFile(name, bytes);
  }
  const exitCode = process.exitCode;
  const secret = password === undefined ? [] : [`-p${password}`, `-mem=${method}`];
  zip.callMain(["a", "-tzip", "-bso0", "-bsp0", "-r", ...secret, "/out.zip", "*"]);
  process.exitCode = exitCode;
  return Buffer.from(FS.readFile("/out.zip"));
}
