/** `assay cart` as people run it. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const bin = fileURLToPath(new URL("../../bin/assay.cjs", import.meta.url));
const content = "MZ not a program, only its beginning";
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "assay-cart-"));
  writeFileSync(join(folder, "a.exe"), content, { mode: 0o755 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function cart(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, "cart", ...args], {
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

describe("assay cart", () => {
  it("seals and opens a file, and warns before raw malware is written", () => {
    const out = join(folder, "sealed");
    const sealed = cart(join(folder, "a.exe"), "--out", out);
    expect(sealed).toMatchObject({ status: 0, stderr: "" });
    expect(sealed.stdout).toMatch(/^[0-9a-f]{64} {2}.*a\.exe\.cart\n$/);
    expect(readFileSync(join(out, "a.exe.cart"), "latin1")).not.toContain("program");

    const opened = cart(join(out, "a.exe.cart"), "--decode");
    expect(opened.status).toBe(0);
    expect(opened.stderr).toContain("raw malware is being written");
    expect(readFileSync(join(out, "a.exe"), "utf8")).toBe(content);
    // The file system of Windows has no such bits.
    if (process.platform !== "win32") expect(statSync(join(out, "a.exe")).mode & 0o777).toBe(0o600);
  });

  it("replaces nothing unasked, and says what went wrong", () => {
    const out = join(folder, "twice");
    const args = [join(folder, "a.exe"), "--out", out];
    cart(...args);
    const again = cart(...args);
    expect(again).toMatchObject({ status: 1, stdout: "" });
    expect(again.stderr).toContain("--force replaces it");
    expect(cart(...args, "--force").status).toBe(0);
    expect(cart(join(out, "a.exe.cart")).stderr).toContain("is a CaRT already");
    expect(cart("--decode", join(folder, "a.exe")).stderr).toContain("is no CaRT");
    expect(cart("--key", "xyz", join(folder, "a.exe")).status).toBe(2);
  });

  it("with a private key opens with that key only", () => {
    const out = join(folder, "private");
    cart(join(folder, "a.exe"), "--out", out, "--key", "c0ffee");
    expect(cart("--decode", join(out, "a.exe.cart")).stderr).toContain("--key");
    expect(cart("--decode", join(out, "a.exe.cart"), "--key", "00").stderr).toContain("wrong key");
    expect(cart("--decode", join(out, "a.exe.cart"), "--key", "c0ffee").status).toBe(0);
  });
});
