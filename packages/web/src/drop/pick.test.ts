import { describe, expect, it } from "vitest";
import { newBatchId, passwordsOf, shareOut } from "./pick.ts";

const MB = 1024 ** 2;
const LIMITS = { files: 2, requestBytes: 10 * MB, fileBytes: 8 * MB };
const sizes = (list: readonly (readonly { readonly size: number }[])[]) =>
  list.map((request) => request.map(({ size }) => size / MB));

describe("a large drop", () => {
  it("goes in requests that the server takes, in order", () => {
    const files = [4, 4, 4, 6, 1].map((n) => ({ size: n * MB }));
    expect(sizes(shareOut(files, LIMITS).requests)).toEqual([[4, 4], [4], [6, 1]]);
  });

  it("names what is too large, and sends the rest", () => {
    const { requests, tooLarge } = shareOut([{ size: 9 * MB }, { size: 1 }], LIMITS);
    expect([requests.flat().length, tooLarge.length]).toEqual([1, 1]);
  });

  it("of nothing is no request", () => {
    expect(shareOut([], LIMITS).requests).toEqual([]);
  });
});

it("takes a password a line, blanks within it included", () => {
  expect(passwordsOf("infected\r\na b\n\ninfected\n")).toEqual(["infected", "a b"]);
});

it("names batches with random UUIDs", () => {
  expect(newBatchId()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(newBatchId()).not.toBe(newBatchId());
});
