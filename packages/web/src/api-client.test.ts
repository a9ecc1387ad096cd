import { describe, expect, it } from "vitest";
import { apiUrl, readProblem } from "./api-client.ts";
import { matchPath, ownPath } from "./shell/router.tsx";

describe("what the server says is wrong", () => {
  it("is told with its detail, its errors and when to come again", () => {
    const problem = { type: "/problems/unavailable", title: "Not now", detail: "full", instance: "id" };
    const errors = [{ in: "querystring", pointer: "/limit", detail: "too many" }];
    expect(readProblem(503, JSON.stringify({ ...problem, errors }), "30")).toEqual({
      ...{ status: 503, code: "unavailable", title: "Not now", detail: "full: /limit: too many" },
      ...{ instance: "id", retryAfter: 30 },
    });
  });

  it("is told of a proxy's page as well", () => {
    expect(readProblem(502, "<h1>Bad gateway</h1>", "soon")).toEqual({
      ...{ status: 502, code: "http-502", title: "The server answered 502" },
    });
  });
});

it("leaves out of an address what is not asked", () => {
  expect(apiUrl("/x", { a: 1, b: undefined, c: "ä&" })).toBe("/x?a=1&c=%C3%A4%26");
});

describe("addresses of pages", () => {
  it("hold what they are of", () => {
    expect(matchPath("/samples/:sha256", "/samples/ab%20c/")).toEqual({ sha256: "ab c" });
    expect(matchPath("/samples/:sha256", "/samples")).toBeUndefined();
    expect(matchPath("/samples/:sha256", "/samples/%ff")).toBeUndefined();
    expect(matchPath("/", "/")).toEqual({});
  });

  it("never lead to another site", () => {
    expect(["//evil.example", "https://evil.example", "/\\evil.example", "/batches"].map(ownPath)).toEqual([
      ...["/", "/", "/", "/batches"],
    ]);
  });
});
