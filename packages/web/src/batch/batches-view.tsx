import { useState } from "react";
import { get } from "../api-client.ts";
import type { BatchPage } from "../api-types.ts";
import type { ViewProps } from "../shell/routes.ts";
import { Problem, Waiting } from "../ui/problem.tsx";
import { useAnswer } from "../use-answer.ts";
import { BatchList } from "./batch-list.tsx";

const PAGE = 25;

export default function BatchesView(_: ViewProps) {
  // The cursors of the pages before this one.
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const cursor = cursors.at(-1);
  const page = useAnswer<BatchPage>(`batches:${cursor ?? ""}`, (signal) =>
    get("/api/v1/batches", { limit: PAGE, cursor }, signal),
  );
  const next = page.value?.next ?? undefined;
  return (
    <section className="panel">
      <header>
        <h1 className="grow">Batches</h1>
        <button
          type="button"
          className="button small"
          disabled={cursors.length === 0}
          onClick={() => setCursors(cursors.slice(0, -1))}
        >
          Newer
        </button>
        <button
          type="button"
          className="button small"
          disabled={next === undefined}
          onClick={() => next !== undefined && setCursors([...cursors, next])}
        >
          Older
        </button>
      </header>
      {page.error !== undefined && <Problem failure={page.error} again={page.again} />}
      {page.value === undefined && page.loading && <Waiting what="Reading the batches" />}
      {page.value !== undefined && <BatchList batches={page.value.batches} />}
    </section>
  );
}
