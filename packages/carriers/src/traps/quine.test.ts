import { gunzipSync, inflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { gzipQuine, zipQuine } from "./quine.ts";

describe("archives of themselves", () => {
  it("a zip's one member is the zip", () => {
    const zip = Buffer.from(zipQuine());
    const data = 30 + zip.readUInt16LE(26);
    expect(inflateRawSync(zip.subarray(data, data + zip.readUInt32LE(18))).equals(zip)).toBe(true);
  });

  it("a gzip stream is what it unpacks to", () => {
    const stream = Buffer.from(gzipQuine());
    expect(gunzipSync(stream).equals(stream)).toBe(true);
  });
});
