/** Samples that meet a search, page by page. */
import { useState } from "react";
import { get } from "../api-client.ts";
import type { SamplePage } from "../api-types.ts";
import { counted } from "../format.ts";
import { Hostile } from "../hostile.tsx";
import { Link } from "../shell/router.tsx";
import { Empty, Problem, Waiting } from "../ui/problem.tsx";
import { useAnswer } from "../use-answer.ts";
import { type Found, SampleTable } from "./sample-table.tsx";

const PAGE = 50;

export function SearchResult({ query }: { readonly query: string }) {
  const [pages, setPages] = useState<readonly Found[]>([]);
  const [cursor, setCursor] = useState<string | null>();
  const first = useAnswer<SamplePage>(`search ${query}`, (signal) =>
    get("/api/v1/samples", { q: query, limit: PAGE }, signal),
  );
  const [isMore, setMore] = useState(false);
  if (first.error !== undefined) return <Problem failure={first.error} again={first.again} />;
  if (first.value === undefined) return <Waiting what="Searching" />;
  const { samples, total } = first.value;
  const next = cursor === undefined ? first.value.next : cursor;
  const all = [...samples, ...pages];
  const more = () => {
    setMore(true);
    void get<SamplePage>("/api/v1/samples", { q: query, limit: PAGE, cursor: next ?? undefined }).then(
      (answer) => {
        setMore(false);
        if (!answer.ok) return;
        setPages([...pages, ...answer.value.samples]);
        setCursor(answer.value.next);
      },
    );
  };
  return (
    <section className="panel" aria-label="Samples found">
      <header>
        <h2>{counted(total ?? all.length, "sample")}</h2>
        <span className="grow dim small">
          <Hostile text={query} mono />
        </span>
        {samples.length > 0 && (
          <Link className="button small" to={`/indicators?q=${encodeURIComponent(query)}`}>
            Indicators and export
          </Link>
        )}
      </header>
      {all.length === 0 ? <Empty>No sample of the corpus meets this.</Empty> : <SampleTable samples={all} />}
      {next !== null && (
        <footer className="more">
          <button type="button" className="button small" disabled={isMore} onClick={more}>
            {PAGE} more
          </button>
        </footer>
      )}
    </section>
  );
}
