import { describe, expect, it } from "vitest";
import { baseOfName } from "./region-name.ts";

describe("the base in a region's name", () => {
  it.each([
    ["0x400000.bin", 0x40_0000n],
    ["/tmp/dumps/0x7FF6A0000000", 0x7ff6_a000_0000n],
    ["C:\\dumps\\4711_0x2340000_rwx.dmp", 0x234_0000n],
    ["4711-0x2340000.dmp", 0x234_0000n],
    ["pid.1234.vad.0x400000-0x4fffff.dmp", 0x40_0000n],
    ["2044-5-0x0000000000400000-0x0000000000408000-memory.dmp", 0x40_0000n],
    ["0x2340010_0123456789abcdef", 0x234_0010n],
    ["2340010_0123456789abcdef", 0x234_0010n],
    ["7ff6a0000000_0123456789abcdef.vad", 0x7ff6_a000_0000n],
    ["7ff6a0000000.name.exe", 0x7ff6_a000_0000n],
    ["400000.RegAsm.exe", 0x40_0000n],
    ["10000.shc", 0x1_0000n],
    ["2340000.some.name.corrupt_dll", 0x234_0000n],
    ["7ffff7dd0000-7ffff7dd1000.dump", 0x7fff_f7dd_0000n],
    ["400000.bin", 0x40_0000n],
  ])("of %s is read", (name, base) => {
    expect(baseOfName(name)).toBe(base);
  });

  it.each([
    "",
    "4711.dmp",
    "12000.dmp",
    "sample.exe",
    "deadbeef.exe",
    "beef01.bin",
    "0x.bin",
    "0xyz.bin",
    "00x400000.bin",
    "0x12345678901234567.bin",
    "000000.bin",
    "6929fff132c05ae7d348867f4ea77ba18f84fb8fae17d45dde3571c9e33f0000",
    "0x400000/sample.bin",
  ])("is not in %s", (name) => {
    expect(baseOfName(name)).toBeUndefined();
  });

  it("is looked for in linear time", () => {
    const start = performance.now();
    for (const part of ["a.", "0x", "_0x1g", "f"]) baseOfName(part.repeat(1_000_000));
    baseOfName(`400000.${"exe.".repeat(100_000)}x`);
    expect(performance.now() - start).toBeLessThan(3000);
  });
});
