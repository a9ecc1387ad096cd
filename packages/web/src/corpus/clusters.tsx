/** Clusters that grew last. */
import { useMemo } from "react";
import { get } from "../api-client.ts";
import type { ClusterPage } from "../api-types.ts";
import { count, day } from "../format.ts";
import { typeName } from "../graph/labels.ts";
import { Hostile } from "../hostile.tsx";
import { Link } from "../shell/router.tsx";
import { familyName } from "../ui/badge.tsx";
import { Empty, Problem, Waiting } from "../ui/problem.tsx";
import { useAnswer } from "../use-answer.ts";

/** Of which the newest are shown. */
const ASKED = 200;
const SHOWN = 12;
const TIES = 3;

export function Clusters() {
  const { value, error, again } = useAnswer<ClusterPage>("clusters", (signal) =>
    get("/api/v1/clusters", { limit: ASKED }, signal),
  );
  const newest = useMemo(
    () => [...(value?.clusters ?? [])].sort((a, b) => (a.lastSeen < b.lastSeen ? 1 : -1)).slice(0, SHOWN),
    [value],
  );
  return (
    <section className="panel clusters" aria-label="Newest clusters">
      <header>
        <h2 className="grow">Clusters that grew last</h2>
        <Link className="button small" to="/graph">
          Graph
        </Link>
      </header>
      {error !== undefined && <Problem failure={error} again={again} />}
      {value === undefined && error === undefined && <Waiting what="Clustering" />}
      {value !== undefined && newest.length === 0 && <Empty>Nothing ties two samples yet.</Empty>}
      {newest.length > 0 && (
        <div className="scroll">
          <table className="plain">
            <thead>
              <tr>
                <th scope="col">Cluster</th>
                <th scope="col" className="number">
                  Samples
                </th>
                <th scope="col">Families</th>
                <th scope="col">Tied by</th>
                <th scope="col">Last</th>
              </tr>
            </thead>
            <tbody>
              {newest.map(({ id, size, families, shared, lastSeen }) => (
                <tr key={id}>
                  <td>
                    <Link to={`/graph?seed=${encodeURIComponent(id)}`} className="mono">
                      {id.replace(/^cluster-/, "")}
                    </Link>
                  </td>
                  <td className="number">{count(size)}</td>
                  <td>{families.map(familyName).join(", ")}</td>
                  <td>
                    {shared.slice(0, TIES).map((tie) => (
                      <div key={tie}>
                        <span className="dim small">{typeName(tie.slice(0, tie.indexOf(":")))}</span>{" "}
                        <Hostile text={tie.slice(tie.indexOf(":") + 1)} mono />
                      </div>
                    ))}
                    {shared.length > TIES && <span className="dim small">{shared.length - TIES} more</span>}
                  </td>
                  <td className="nowrap dim">{day(lastSeen)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
