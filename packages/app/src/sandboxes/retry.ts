/** When to ask again, and for how long. */

/** Waits between attempts: the first, doubled each time, up to the last. */
const FIRST_WAIT_MS = 1_000;
const LAST_WAIT_MS = 60_000;
/** A Retry-After beyond this is no wait that anybody sits through. */
export const MAX_RETRY_AFTER_MS = 15 * 60_000;

/** Wait after failed attempt number `attempt` (from 1), in ms. */
export function backOff(attempt: number): number {
  return Math.min(LAST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(attempt - 1, 16));
}

/**
 * `Retry-After` (RFC 9110, 10.2.3) in ms from `now`: seconds, or an HTTP date. Undefined when it is missing or
 * neither; a date that has passed is 0.
 */
export function retryAfter(header: string | null, now: number): number | undefined {
  const text = header?.trim() ?? "";
  if (/^\d{1,10}$/.test(text)) return Number(text) * 1000;
  // An HTTP date starts with the day's name; Date.parse alone would take "-5" or "2" for a date.
  if (!/^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
