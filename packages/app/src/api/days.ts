/** Days of a query. */

/** As moments: from the first of them on, before the other. */
export function rangeOf({
  since,
  until,
}: {
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}) {
  const moment = (day: string) => `${day}T00:00:00.000Z`;
  return {
    ...(since === undefined ? {} : { since: moment(since) }),
    ...(until === undefined ? {} : { until: moment(until) }),
  };
}
