/** Questions to a database that is away for a while. */
import { setTimeout as sleep } from "node:timers/promises";
import { isAway } from "../../packages/app/src/jobs/transaction.ts";

const PAUSE_MS = 200;

/** Asks until there is an answer. */
export async function persist<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isAway(error)) throw error;
      await sleep(PAUSE_MS);
    }
  }
}
