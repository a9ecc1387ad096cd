import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventReader } from "./sse.ts";

const STREAM =
  'retry: 2000\n\nid: 1\nevent: sample\ndata: {"a":1}\n\n: still here\n\nid: 2\nevent: end\ndata: {}\n\n';

describe("server-sent events", () => {
  it("come out the same, however the stream is cut", () => {
    const whole = new EventReader().read(STREAM);
    expect(whole).toEqual([
      { id: "1", event: "sample", data: '{"a":1}' },
      { id: "2", event: "end", data: "{}" },
    ]);
    fc.assert(
      fc.property(fc.array(fc.nat(STREAM.length), { maxLength: 6 }), (cuts) => {
        const reader = new EventReader();
        const at = [0, ...cuts.sort((a, b) => a - b), STREAM.length];
        const parts = at.slice(1).flatMap((end, i) => reader.read(STREAM.slice(at[i], end)));
        expect(parts).toEqual(whole);
      }),
      { seed: 6, numRuns: 200 },
    );
  });

  it("keep line breaks of data that has several lines", () => {
    expect(new EventReader().read("data: a\r\ndata: b\r\n\r\n")).toEqual([
      { id: "", event: "message", data: "a\nb" },
    ]);
  });
});
