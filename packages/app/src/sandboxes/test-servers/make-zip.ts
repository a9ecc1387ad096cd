/** Archives as sandboxes send them, made by 7-Zip itself: AES-256 as pyzipper writes it, or without a password. */
import SevenZip from "7z-wasm";

export interface ZipMember {
  /** With folders, as `CAPE/<sha256>`. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A zip of `members`; with a password, each is encrypted by AES-256 (WinZip's way), or by ZipCrypto as `7z a` does. */
export async function makeZip(
  members: readonly ZipMember[],
  password?: string,
  method: "AES256" | "ZipCrypto" = "AES256",
): Promise<Buffer> {
  const zip = await SevenZip({ print: () => {}, printErr: () => {} });
  const { FS } = zip;
  FS.mkdir("/work");
  FS.chdir("/work");
  for (const { name, bytes } of members) {
    const folders = name.split("/").slice(0, -1);
    for (let i = 1; i <= folders.length; i++) {
      const folder = folders.slice(0, i).join("/");
      if (!FS.analyzePath(folder, false).exists) FS.mkdir(folder);
    }
    FS.writeFile(name, bytes);
  }
  const exitCode = process.exitCode;
  const secret = password === undefined ? [] : [`-p${password}`, `-mem=${method}`];
  zip.callMain(["a", "-tzip", "-bso0", "-bsp0", "-r", ...secret, "/out.zip", "*"]);
  process.exitCode = exitCode;
  return Buffer.from(FS.readFile("/out.zip"));
}
