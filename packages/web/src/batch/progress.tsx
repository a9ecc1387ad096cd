/** How far a batch is: a bar and its numbers. */
import type { BatchDetail } from "../api-types.ts";
import { count } from "../format.ts";

const PARTS = [
  ["done", "done"],
  ["failed", "failed"],
  ["dead", "given up"],
  ["active", "being analysed"],
  ["queued", "waiting"],
] as const;

export function Progress({ detail }: { readonly detail: Pick<BatchDetail, "byState" | "total" | "ended"> }) {
  const total = Math.max(1, detail.total);
  const over = detail.byState.done + detail.byState.failed + detail.byState.dead;
  return (
    <span className="progress-line">
      <span
        className="progress-bar"
        role="progressbar"
        aria-label="Files analysed"
        aria-valuemin={0}
        aria-valuemax={detail.total}
        aria-valuenow={over}
      >
        {PARTS.map(([state]) => (
          <span
            key={state}
            className={`part ${state}`}
            style={{ width: `${(100 * detail.byState[state]) / total}%` }}
          />
        ))}
      </span>
      <span className="small">
        {PARTS.filter(([state]) => detail.byState[state] > 0)
          .map(([state, label]) => `${count(detail.byState[state])} ${label}`)
          .join(" · ")}
      </span>
    </span>
  );
}
