/** A process that holds much for long, in as little room as it needs. */
import { setFlagsFromString } from "node:v8";

/** By how much what survived a collection may grow before the next (percent). */
const GROWING_PERCENT = 30;

/**
 * V8 lets what lives long double before it collects it. What an export of many samples has learned lives to its end:
 * collecting earlier costs little, and saves a third of the memory. Holds for the whole process from here on.
 */
export function keepHeapLean(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWING_PERCENT}`);
}
