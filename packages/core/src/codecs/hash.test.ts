import { describe, expect, it } from "vitest";
import { hex, latin1Bytes, unhex } from "../bytes/index.ts";
import { hmac, hmacSha256, md5, sha1, sha256 } from "./hash.ts";

const text = latin1Bytes;
const bytes = (digits: string) => unhex(digits) as Uint8Array;

describe("MD5", () => {
  it.each([
    ["", "d41d8cd98f00b204e9800998ecf8427e"],
    ["a", "0cc175b9c0f1b6a831c399e269772661"],
    ["abc", "900150983cd24fb0d6963f7d28e17f72"],
    ["message digest", "f96b697d7cb7938d525a2f31aaf161d0"],
    ["abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"],
    [
      "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
      "57edf4a22be3c955ac49da2e2107b67a",
    ],
  ])("digests %j as RFC 1321, A.5 does", (input, digest) => expect(hex(md5(text(input)))).toBe(digest));
});

describe("SHA-1", () => {
  it.each([
    ["abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d"],
    [
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      1,
      "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
    ],
    ["a", 1_000_000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"],
    [
      "0123456701234567012345670123456701234567012345670123456701234567",
      10,
      "dea356a2cddd90c7a7ecedc5ebb563934f460452",
    ],
  ])("digests %j × %i as RFC 3174, 7.3 does", (input, times, digest) =>
    expect(hex(sha1(text(input.repeat(times))))).toBe(digest),
  );
});

describe("SHA-256", () => {
  it.each([
    ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    [
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    ],
  ])("digests %j as FIPS 180-4's examples do", (input, digest) =>
    expect(hex(sha256(text(input)))).toBe(digest),
  );
});

describe("HMAC", () => {
  it.each([
    ["0b".repeat(20), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"],
    [
      "4a656665",
      "what do ya want for nothing?",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ],
    [
      "aa".repeat(131),
      "Test Using Larger Than Block-Size Key - Hash Key First",
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ],
  ])("with SHA-256 and key %s is that of RFC 4231", (key, input, mac) =>
    expect(hex(hmacSha256(bytes(key), text(input)))).toBe(mac),
  );

  it.each([
    ["0b".repeat(20), "Hi There", "b617318655057264e28bc0b6fb378c8ef146be00"],
    ["4a656665", "what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"],
    [
      "aa".repeat(80),
      "Test Using Larger Than Block-Size Key - Hash Key First",
      "aa4ae5e15272d00e95705637ce8a3b55ed402112",
    ],
  ])("with SHA-1 and key %s is that of RFC 2202", (key, input, mac) =>
    expect(hex(hmac(sha1, bytes(key), text(input)))).toBe(mac),
  );

  it.each([
    ["0b".repeat(16), "Hi There", "9294727a3638bb1c13f48ef8158bfc9d"],
    ["4a656665", "what do ya want for nothing?", "750c783e6ab0b503eaa86e310a5db738"],
  ])("with MD5 and key %s is that of RFC 2202", (key, input, mac) =>
    expect(hex(hmac(md5, bytes(key), text(input)))).toBe(mac),
  );
});
