/** One box for anything: a value, a search, a pasted report. What is found is laid out to go on from. */
import { type FormEvent, type KeyboardEvent, useEffect, useMemo, useState } from "react";
import { useQuery } from "../shell/router.tsx";
import type { ViewProps } from "../shell/routes.ts";
import { askedFor } from "./paste.ts";
import { PivotResult } from "./pivot-result.tsx";
import { SearchResult } from "./search-result.tsx";
import { TextResult } from "./text-result.tsx";
import "./pivot.css";

/** A text that is longer stays out of the address. */
const MAX_ADDRESS = 1500;

export default function PivotView(_: ViewProps) {
  const [query, change] = useQuery();
  const q = query.get("q") ?? "";
  const [text, setText] = useState(q);
  const [pasted, setPasted] = useState<string>();
  useEffect(() => {
    if (q !== "") {
      setText(q);
      setPasted(undefined);
    }
  }, [q]);
  const asked = useMemo(() => askedFor(pasted ?? q), [pasted, q]);

  const ask = (value: string) => {
    if (askedFor(value).kind === "text" || value.length > MAX_ADDRESS) {
      setPasted(value);
      change({ q: undefined }, { replace: false });
    } else {
      setPasted(undefined);
      change({ q: value.trim() }, { replace: false });
    }
  };
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    ask(text);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.shiftKey) return;
    if (text.includes("\n") && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    ask(text);
  };
  return (
    <div className="pivot">
      <form className="box" onSubmit={onSubmit}>
        <h1>Search and pivot</h1>
        <label className="hidden-label" htmlFor="anything">
          A value, a search, or a pasted report
        </label>
        <textarea
          id="anything"
          rows={Math.min(8, Math.max(2, text.split("\n").length))}
          spellCheck={false}
          autoComplete="off"
          placeholder="An address, a hash, a mutex, any value of a config · family:remcos c2:77.105.132.0/24 · or a whole report: its indicators are picked out"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          onKeyDown={onKey}
        />
        <div className="bar">
          <button type="submit" className="button primary">
            Find
          </button>
          <span className="dim small">
            <kbd>Enter</kbd> finds; in a text of several lines <kbd>Ctrl</kbd> <kbd>Enter</kbd>. It is read
            here, and only single values are asked of your own server.
          </span>
        </div>
      </form>
      {asked.kind === "value" && <PivotResult key={asked.value} value={asked.value} />}
      {asked.kind === "search" && <SearchResult key={asked.query} query={asked.query} />}
      {asked.kind === "text" && <TextResult text={asked.text} />}
      {asked.kind === "nothing" && <Examples onAsk={ask} />}
    </div>
  );
}

const EXAMPLES: readonly (readonly [query: string, what: string])[] = [
  ["outcome:config", "every sample that gave a config, newest first"],
  ["outcome:identified", "known families whose config did not come out"],
  ["outcome:failed", "what could not be analysed"],
  ["family:lumma -confidence:proved", "of one family, less than proved"],
  ["c2:77.105.132.0/24", "C2s in a range"],
  ["since:2026-01 family:remcos,quasar", "two families, since a month"],
];

function Examples({ onAsk }: { readonly onAsk: (query: string) => void }) {
  return (
    <section className="panel" aria-label="Examples">
      <header>
        <h2>What can be asked</h2>
      </header>
      <table className="plain">
        <tbody>
          {EXAMPLES.map(([query, what]) => (
            <tr key={query}>
              <td>
                <button type="button" className="link mono" onClick={() => onAsk(query)}>
                  {query}
                </button>
              </td>
              <td className="dim">{what}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
