import { describe, expect, it } from "vitest";
import { concatBytes, latin1Bytes } from "../../bytes/index.ts";
import { chacha20 } from "../../codecs/index.ts";
import { startsAsHost } from "./chacha-probe.ts";

const KEY = Uint8Array.from({ length: 32 }, (_, i) => (i * 37 + 11) & 0xff);
const NONCE = Uint8Array.from({ length: 8 }, (_, i) => 200 - i);

describe("startsAsHost", () => {
  it.each(["evil.top\0", "1.2.3.4\0", "A-b.cd/e"])(
    "sees the host in %j as the codec encrypted it",
    (text) => {
      for (const counter of [0, 2, 16]) {
        const bytes = concatBytes(
          Uint8Array.of(1, 2, 3),
          KEY,
          NONCE,
          chacha20(KEY, NONCE, latin1Bytes(text), counter),
        );
        expect(startsAsHost(bytes, 3, 35, 43, counter)).toBe(true);
        expect(startsAsHost(bytes, 3, 35, 43, counter + 1)).toBe(false);
      }
    },
  );

  it.each(["ev l.top", "\0\0\0\0", "a\u00e4b.c"])("sees none in %j", (text) => {
    const bytes = concatBytes(KEY, NONCE, chacha20(KEY, NONCE, latin1Bytes(text), 2));
    expect(startsAsHost(bytes, 0, 32, 40, 2)).toBe(false);
  });
});
