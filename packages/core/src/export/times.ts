/** Moments in what goes out. */

/**
 * When the scheme of ids began. An object whose id is made from its content is the same object in every run, so its
 * `created` may not change with the run; `modified` and what was seen when carry the report's own time.
 */
export const EPOCH = "2026-01-01T00:00:00.000Z";

/** The report's start as RFC 3339 with milliseconds, never before the epoch of the ids; that epoch when it is no time. */
export function momentOf(startedAt: string): string {
  const time = Date.parse(startedAt);
  if (Number.isNaN(time)) return EPOCH;
  const text = new Date(time).toISOString();
  return text.length === EPOCH.length && text > EPOCH ? text : EPOCH;
}
