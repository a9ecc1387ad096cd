import { describe, expect, it } from "vitest";
import { unhex } from "../../bytes/index.ts";
import { undoFilter } from "./filter.ts";

/** A call (E8) at 2 and a jump (E9) at 8, both to 20, before the filter; 5 bytes at the end are never looked at. */
const PLAIN = "9090e80d0000009090".concat("e90700000090".repeat(1), "90".repeat(15));

function undo(filtered: string, id: number, cto = 0, address = 0): string | undefined {
  const bytes = unhex(filtered) as Uint8Array;
  return undoFilter(bytes, id, cto, address) ? Buffer.from(bytes).toString("hex") : undefined;
}

const tail = `90${"90".repeat(15)}`;

describe("undoFilter", () => {
  // Targets count from the buffer's start plus its address: 2 + 5 + 0D = 14, 9 + 5 + 07 = 15 (hex).
  it.each([
    [0x11, `9090e8100000009090e907000000${tail}`],
    [0x12, `9090e80d0000009090e911000000${tail}`],
    [0x13, `9090e8100000009090e911000000${tail}`],
    [0x14, `9090e8000000109090e907000000${tail}`],
    [0x15, `9090e80d0000009090e900000011${tail}`],
    [0x16, `9090e8000000109090e900000011${tail}`],
    [0x24, `9090e8050000109090e907000000${tail}`],
    [0x25, `9090e80d0000009090e905000011${tail}`],
    [0x26, `9090e8050000109090e905000011${tail}`],
    [0x36, `9090e8050000109090e905000011${tail}`],
    [0x46, `9090e8050000109090e905000011${tail}`],
    [0x49, `9090e8050000109090e905000011${tail}`],
  ])("undoes filter %i", (id, filtered) => {
    expect(undo(filtered, id, 5)).toBe(PLAIN);
  });

  it("counts from the address of the first byte", () => {
    expect(undo(`9090e8050010109090e905001011${tail}`, 0x26, 5, 0x1000)).toBe(PLAIN);
  });

  it("leaves calls without the marker alone", () => {
    expect(undo(PLAIN, 0x26, 5)).toBe(PLAIN);
  });

  it("undoes long conditional jumps with 49 only", () => {
    const jump = `900f8405000010${tail}`;
    expect(undo(jump, 0x49, 5)).toBe(`900f840d000000${tail}`);
    expect(undo(jump, 0x46, 5)).toBe(jump);
  });

  it("changes nothing for a filter that it does not know", () => {
    expect(undo(PLAIN, 0x50)).toBeUndefined();
    expect(undo(PLAIN, 0)).toBe(PLAIN);
  });
});
