/** The queue and who works at it, looked at again and again. */
import { useEffect } from "react";
import { get } from "../api-client.ts";
import type { QueueDepth } from "../api-types.ts";
import { count, seconds } from "../format.ts";
import { Problem } from "../ui/problem.tsx";
import { useAnswer } from "../use-answer.ts";

const EVERY_MS = 4000;

export function QueuePanel() {
  const { value, error, again } = useAnswer<QueueDepth>("queue", (signal) =>
    get("/api/v1/queue", undefined, signal),
  );
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) again();
    }, EVERY_MS);
    return () => clearInterval(timer);
  }, [again]);
  return (
    <section className="panel queue" aria-label="Queue">
      <header>
        <h2>Queue</h2>
      </header>
      {error !== undefined && <Problem failure={error} again={again} />}
      {value !== undefined && (
        <>
          <dl>
            <div>
              <dt>Waiting</dt>
              <dd>{count(value.queued)}</dd>
            </div>
            <div>
              <dt>Under way</dt>
              <dd>{count(value.active)}</dd>
            </div>
            <div>
              <dt>Workers</dt>
              <dd>{count(value.workers)}</dd>
            </div>
            <div>
              <dt>Given up</dt>
              <dd>{count(value.dead)}</dd>
            </div>
          </dl>
          {value.queued > 0 && (
            <p className="calm small">The oldest waits for {seconds(value.oldestSeconds)}.</p>
          )}
          {value.workers === 0 && (
            <p className="calm small warn-text">
              Nobody works. <code>assay worker</code> on the same corpus starts one.
            </p>
          )}
        </>
      )}
    </section>
  );
}
