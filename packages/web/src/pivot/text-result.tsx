/** A pasted report: its indicators, and which of them the corpus knows. */
import { useEffect, useMemo, useState } from "react";
import { get } from "../api-client.ts";
import type { Pivot } from "../api-types.ts";
import { counted } from "../format.ts";
import { typeName } from "../graph/labels.ts";
import { Hostile } from "../hostile.tsx";
import { Link } from "../shell/router.tsx";
import { familyName } from "../ui/badge.tsx";
import { CopyButton } from "../ui/copy.tsx";
import { Empty } from "../ui/problem.tsx";
import { meant, type Picked, pick } from "./paste.ts";

/** Values that are asked for: each is a request. */
const MAX_ASKED = 200;
const AT_ONCE = 4;
/** Samples of an answer: families are gathered from them. */
const LOOK = 10;

interface Known {
  readonly samples: number;
  readonly families: readonly string[];
}

export function TextResult({ text }: { readonly text: string }) {
  const reading = useMemo(() => pick(text), [text]);
  const known = useKnown(reading.found);
  const rows = useMemo(
    () =>
      [...reading.found].sort(
        (a, b) => (known.get(b.key)?.samples ?? -1) - (known.get(a.key)?.samples ?? -1),
      ),
    [reading, known],
  );
  const hits = [...known.values()].filter(({ samples }) => samples > 0).length;
  const asked = Math.min(MAX_ASKED, reading.found.length);
  return (
    <>
      <section className="panel" aria-label="Indicators of the text">
        <header>
          <h2>{counted(reading.found.length, "indicator")}</h2>
          <span className="grow dim small" role="status">
            read as {reading.title};{" "}
            {known.size < asked ? `${known.size} of ${asked} asked` : `${hits} known to the corpus`}
            {reading.found.length > MAX_ASKED && `, of the first ${MAX_ASKED}`}
          </span>
          {rows.length > 0 && (
            <CopyButton
              text={rows.map(({ value }) => value).join("\n")}
              label="copy raw"
              title="All of them, one a line, as they are"
            />
          )}
        </header>
        {rows.length === 0 ? (
          <Empty>
            No indicator in this text. What is not defanged counts only in a list of one word a line.
          </Empty>
        ) : (
          <div className="scroll">
            <table className="plain">
              <thead>
                <tr>
                  <th scope="col">Type</th>
                  <th scope="col">Value</th>
                  <th scope="col">In the corpus</th>
                  <th scope="col">Families</th>
                </tr>
              </thead>
              <tbody>
                {rows.map((one) => (
                  <Row key={one.key} one={one} known={known.get(one.key)} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
      {reading.leftOutCount > 0 && (
        <details className="panel left-out">
          <summary>{counted(reading.leftOutCount, "thing")} left out, and why</summary>
          <table className="plain">
            <tbody>
              {reading.leftOut.slice(0, MAX_ASKED).map(({ what, why }, i) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: the same word may be left out twice
                <tr key={i}>
                  <td>
                    <Hostile text={what} mono />
                  </td>
                  <td className="dim">{why}</td>
                  <td>
                    <Link to={`/search?q=${encodeURIComponent(meant(what))}`}>Pivot all the same</Link>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      )}
    </>
  );
}

function Row({ one, known }: { readonly one: Picked; readonly known: Known | undefined }) {
  return (
    <tr>
      <td>{typeName(one.type)}</td>
      <td>
        <Hostile text={one.value} mono copy />
      </td>
      <td>
        {known === undefined ? (
          <span className="dim">…</span>
        ) : known.samples === 0 ? (
          <span className="dim">not known</span>
        ) : (
          <Link to={`/search?q=${encodeURIComponent(one.key)}`}>{counted(known.samples, "sample")}</Link>
        )}
      </td>
      <td>{known?.families.map(familyName).join(", ")}</td>
    </tr>
  );
}

/** Asks for each value, some at a time. */
function useKnown(found: readonly Picked[]): ReadonlyMap<string, Known> {
  const [known, setKnown] = useState<ReadonlyMap<string, Known>>(new Map());
  useEffect(() => {
    const gone = new AbortController();
    const waiting = found.slice(0, MAX_ASKED);
    setKnown(new Map());
    const work = async () => {
      for (let one = waiting.shift(); one !== undefined && !gone.signal.aborted; one = waiting.shift()) {
        const { key } = one;
        const answer = await get<Pivot>("/api/v1/pivot", { value: key, limit: LOOK }, gone.signal);
        if (!answer.ok) return;
        const { total, samples } = answer.value;
        const families = [
          ...new Set(samples.flatMap(({ findings }) => findings.map(({ family }) => family))),
        ];
        setKnown((all) => new Map([...all, [key, { samples: total, families }]]));
      }
    };
    for (let i = 0; i < AT_ONCE; i++) void work();
    return () => gone.abort();
  }, [found]);
  return known;
}
