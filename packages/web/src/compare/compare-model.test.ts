import { describe, expect, it } from "vitest";
import type { Finding } from "../api-types.ts";
import { compareFindings, hostOf } from "./compare-model.ts";

function finding(c2: readonly string[], mutex: string): Finding {
  return {
    ...{ family: "win.x", aliases: [], layout: "1", confidence: "proved", artifact: 0, subject: 0 },
    ...{ c2, config: { family: "win.x", mutex: [mutex] }, evidence: [], reasons: [], rules: [] },
  };
}

describe("two configs side by side", () => {
  const [c2, identity] = compareFindings(
    finding(["tcp://a:1", "tcp://b:1", "tcp://c:1"], "one"),
    finding(["tcp://d:1", "tcp://b:2", "tcp://a:1"], "two"),
  );
  const drawn = (c2?.pairs ?? []).map(({ left, right, same, near }) => [
    left?.value,
    right?.value,
    same,
    near,
  ]);

  it("find what both have wherever it stands, then what has the same host, then what one has", () => {
    expect(drawn).toEqual([
      ["tcp://a:1", "tcp://a:1", true, false],
      ["tcp://b:1", "tcp://b:2", false, true],
      ["tcp://c:1", undefined, false, false],
      [undefined, "tcp://d:1", false, false],
    ]);
  });

  it("set a field with one value on either side against the other", () => {
    expect(identity?.pairs).toMatchObject([{ left: { value: "one" }, right: { value: "two" }, same: false }]);
  });
});

it("tells the host of an address", () => {
  expect(["tcp://A.example:1", "https://[2001:db8::1]:443/x", "mutex", "http://"].map(hostOf)).toEqual([
    ...["a.example", "[2001:db8::1]", undefined, undefined],
  ]);
});
