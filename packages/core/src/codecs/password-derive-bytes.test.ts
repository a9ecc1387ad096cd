import { describe, expect, it } from "vitest";
import { hex, latin1Bytes } from "../bytes/index.ts";
import { passwordDeriveBytes } from "./password-derive-bytes.ts";

const PASSWORD = latin1Bytes("passphrase");
const SALT = latin1Bytes("saltvalue");

/** What Mono's class of the same name gives, which keeps to the Framework's, bug included. */
describe("PasswordDeriveBytes", () => {
  it("gives a key and then an IV, from SHA-1 a hundred times", () => {
    expect(passwordDeriveBytes(PASSWORD, SALT, "SHA1", 100, [32, 16]).map(hex)).toEqual([
      "42c82aff454a10eae9b6c7d462cb5d86a96e5c3c40a1ebae0a91c09fdbf8c5a2",
      "e9b6c7d462cb5d8628d9009360ae02cb",
    ]);
  });

  it("gives a key and then an IV, from MD5 twice", () => {
    expect(passwordDeriveBytes(PASSWORD, SALT, "MD5", 2, [32, 16]).map(hex)).toEqual([
      "7325825e098627e3dad0d26bb4e145a2ce2ac98e7b75a5852af70e8ce40926f5",
      "adf778bd128c716f5e3c894a6d0130cd",
    ]);
  });

  it("goes on within a digest", () => {
    const [whole] = passwordDeriveBytes(PASSWORD, SALT, "SHA1", 100, [20]);
    const parts = passwordDeriveBytes(PASSWORD, SALT, "SHA1", 100, [5, 15]);
    expect(parts.map(hex).join("")).toBe(hex(whole ?? new Uint8Array()));
  });
});
