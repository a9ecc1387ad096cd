/** Time that passes when somebody waits for it: no test takes as long as what it tests. */
import type { Clock } from "../clock.ts";

export class TestClock implements Clock {
  /** Every wait, in ms. */
  readonly slept: number[] = [];
  readonly #timers = new Set<{ readonly at: number; readonly call: () => void }>();
  #now = Date.parse("2026-01-01T00:00:00Z");
  /** Told before each wait ends. */
  onSleep: ((ms: number) => void) | undefined;

  now(): number {
    return this.#now;
  }

  async sleep(ms: number): Promise<void> {
    this.slept.push(ms);
    this.#now += ms;
    this.onSleep?.(ms);
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Timers end when `pass` says so: what is under way meanwhile is real. */
  after(ms: number, call: () => void): () => void {
    const timer = { at: this.#now + ms, call };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  pass(ms: number): void {
    this.#now += ms;
    for (const timer of [...this.#timers]) {
      if (timer.at > this.#now) continue;
      this.#timers.delete(timer);
      timer.call();
    }
  }
}
