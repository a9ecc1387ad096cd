/** What failed in the newest batches, by reason, to look into. */
import { ok } from "@assay/core/bytes/result";
import { useMemo } from "react";
import { type Answer, get } from "../api-client.ts";
import type { BatchDetail, BatchPage } from "../api-types.ts";
import { counted, minute, short } from "../format.ts";
import { Hostile } from "../hostile.tsx";
import { Link } from "../shell/router.tsx";
import { Empty, Problem, Waiting } from "../ui/problem.tsx";
import { useAnswer } from "../use-answer.ts";

const BATCHES = 20;
const FAILED = 50;
/** Samples of one reason that are named. */
const NAMED = 5;

interface Failed {
  readonly sha256: string;
  readonly name: string;
  readonly batch: string;
  readonly at: string;
  readonly stage: string;
  readonly reason: string;
}

export function Failures() {
  const { value, error, again } = useAnswer<readonly Failed[]>("failures", load);
  const reasons = useMemo(() => {
    const all = new Map<string, Failed[]>();
    for (const one of value ?? []) {
      const key = `${one.stage}\n${one.reason}`;
      all.set(key, [...(all.get(key) ?? []), one]);
    }
    return [...all.values()].sort((a, b) => b.length - a.length);
  }, [value]);
  return (
    <section className="panel failures" aria-label="Failures">
      <header>
        <h2>Failures</h2>
        <span className="dim small">of the newest {BATCHES} batches, by reason</span>
      </header>
      {error !== undefined && <Problem failure={error} again={again} />}
      {value === undefined && error === undefined && <Waiting what="Looking" />}
      {value !== undefined && reasons.length === 0 && <Empty>Nothing failed.</Empty>}
      {reasons.length > 0 && (
        <div className="scroll">
          <table className="plain">
            <thead>
              <tr>
                <th scope="col">Stage</th>
                <th scope="col">Reason</th>
                <th scope="col">Samples</th>
                <th scope="col">Last</th>
              </tr>
            </thead>
            <tbody>
              {reasons.map((all) => {
                const [first] = all;
                if (first === undefined) return null;
                return (
                  <tr key={`${first.stage}\n${first.reason}`}>
                    <td>{first.stage}</td>
                    <td>
                      <Hostile text={first.reason} />
                    </td>
                    <td>
                      {all.slice(0, NAMED).map(({ sha256, name, batch }) => (
                        <div key={`${batch} ${sha256}`}>
                          <Link to={`/samples/${sha256}`} className="mono">
                            {short(sha256)}
                          </Link>{" "}
                          <Hostile text={name} raw />
                        </div>
                      ))}
                      {all.length > NAMED && (
                        <span className="dim small">{counted(all.length - NAMED, "more", "more")}</span>
                      )}
                    </td>
                    <td className="nowrap dim">{minute(first.at)}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

async function load(signal: AbortSignal): Promise<Answer<readonly Failed[]>> {
  const page = await get<BatchPage>("/api/v1/batches", { limit: BATCHES }, signal);
  if (!page.ok) return page;
  const answers = await Promise.all(
    page.value.batches.map(({ id }) =>
      get<BatchDetail>(`/api/v1/batches/${id}`, { state: "failed", limit: FAILED }, signal),
    ),
  );
  const all: Failed[] = [];
  for (const answer of answers) {
    if (!answer.ok) return answer;
    const { id, createdAt, samples } = answer.value;
    for (const { sha256, name, stage, reason } of samples)
      all.push({
        sha256,
        name,
        batch: id,
        at: createdAt,
        stage: stage ?? "",
        reason: reason ?? "no reason told",
      });
  }
  return ok(all);
}
