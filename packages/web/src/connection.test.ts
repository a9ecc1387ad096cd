import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { isLost, onConnection, reportFound, reportLost } from "./connection.ts";

const told: boolean[] = [];
const looks = vi.fn<() => Promise<Response>>();
let stop = () => {};

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", looks);
  looks.mockRejectedValue(new TypeError("no server"));
  stop = onConnection((lost) => told.push(lost));
});

afterEach(async () => {
  reportFound();
  await vi.runAllTimersAsync();
  stop();
  told.length = 0;
  looks.mockReset();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("a lost server", () => {
  it("is looked for until it answers, and told of once", async () => {
    reportLost();
    reportLost();
    await vi.advanceTimersByTimeAsync(1500);
    expect([isLost(), looks.mock.calls.length, told]).toEqual([true, 2, [true]]);
    looks.mockResolvedValue(new Response());
    await vi.advanceTimersByTimeAsync(2000);
    expect([isLost(), looks.mock.calls.length, told]).toEqual([false, 3, [true, false]]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(looks).toHaveBeenCalledTimes(3);
  });

  it("is found by any answer, at once, and nobody looks on", async () => {
    reportLost();
    reportFound();
    expect([isLost(), told]).toEqual([false, [true, false]]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(looks).not.toHaveBeenCalled();
  });

  it("that is lost again has one who looks, not two", async () => {
    reportLost();
    reportFound();
    reportLost();
    await vi.advanceTimersByTimeAsync(1500);
    expect([isLost(), looks.mock.calls.length]).toEqual([true, 2]);
  });
});
