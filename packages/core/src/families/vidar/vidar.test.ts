import { type Carrier, vidarCarriers } from "@assay/carriers/vidar";
import { describe, expect, it } from "vitest";

describe("x", () => {
  it("y", () => {
    expect(1).toBe(1);
  });
});
