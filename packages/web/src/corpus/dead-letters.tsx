/** Jobs that were given up: why, and whether to try again. */
import { useState } from "react";
import { type Failure, get, send } from "../api-client.ts";
import type { DeadPage, Me } from "../api-types.ts";
import { bytes, minute, short } from "../format.ts";
import { Hostile } from "../hostile.tsx";
import { Link } from "../shell/router.tsx";
import { Empty, Problem, Waiting } from "../ui/problem.tsx";
import { useAnswer } from "../use-answer.ts";

const SHOWN = 50;

export function DeadLetters() {
  const { value, error, again } = useAnswer<DeadPage>("dead", (signal) =>
    get("/api/v1/dead", { limit: SHOWN }, signal),
  );
  const me = useAnswer<Me>("me", (signal) => get("/api/v1/me", undefined, signal));
  const [failure, setFailure] = useState<Failure>();
  const [sure, setSure] = useState<string>();
  const mayChange = me.value?.role === "admin";
  const act = async (id: string, what: "retry" | "discard") => {
    const answer = await (what === "retry"
      ? send("POST", `/api/v1/dead/${id}/retry`)
      : send("DELETE", `/api/v1/dead/${id}`));
    setFailure(answer.ok ? undefined : answer.error);
    setSure(undefined);
    again();
  };
  return (
    <section className="panel dead" aria-label="Dead letters">
      <header>
        <h2>Dead letters</h2>
        <span className="dim small">given up: no worker came to an end with them</span>
      </header>
      {error !== undefined && <Problem failure={error} again={again} />}
      {failure !== undefined && <Problem failure={failure} />}
      {value === undefined && error === undefined && <Waiting what="Looking" />}
      {value !== undefined && value.dead.length === 0 && <Empty>No job was given up.</Empty>}
      {value !== undefined && value.dead.length > 0 && (
        <div className="scroll">
          <table className="plain">
            <thead>
              <tr>
                <th scope="col">Sample</th>
                <th scope="col">Reason</th>
                <th scope="col">Tries</th>
                <th scope="col">Given up</th>
                {mayChange && <th scope="col">What to do</th>}
              </tr>
            </thead>
            <tbody>
              {value.dead.map(({ id, sha256, names, size, reason, tries, diedAt }) => (
                <tr key={id}>
                  <td>
                    <Link to={`/samples/${sha256}`} className="mono">
                      {short(sha256)}
                    </Link>{" "}
                    {names[0] !== undefined && <Hostile text={names[0]} raw />}{" "}
                    <span className="dim small">{bytes(size)}</span>
                  </td>
                  <td>
                    <Hostile text={reason} />
                  </td>
                  <td>{tries}</td>
                  <td className="nowrap dim">{minute(diedAt)}</td>
                  {mayChange && (
                    <td className="nowrap">
                      <button type="button" className="button small" onClick={() => void act(id, "retry")}>
                        Try again
                      </button>{" "}
                      {sure === id ? (
                        <button
                          type="button"
                          className="button small"
                          onClick={() => void act(id, "discard")}
                        >
                          Discard for good
                        </button>
                      ) : (
                        <button type="button" className="button small plain" onClick={() => setSure(id)}>
                          Discard
                        </button>
                      )}
                    </td>
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
