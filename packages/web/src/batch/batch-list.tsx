/** Batches, newest first, each with how far it is. */
import { get } from "../api-client.ts";
import type { BatchDetail, BatchSummary } from "../api-types.ts";
import { count, minute } from "../format.ts";
import { Link } from "../shell/router.tsx";
import { Empty } from "../ui/problem.tsx";
import { useAnswer } from "../use-answer.ts";
import { Progress } from "./progress.tsx";
import "./batch.css";

export function BatchList({ batches }: { readonly batches: readonly BatchSummary[] }) {
  if (batches.length === 0) return <Empty>Nothing was dropped yet.</Empty>;
  return (
    <table className="plain batches">
      <thead>
        <tr>
          <th>Batch</th>
          <th>Begun</th>
          <th>Kind</th>
          <th className="number">Files</th>
          <th>State</th>
        </tr>
      </thead>
      <tbody>
        {batches.map((batch) => (
          <Row key={batch.id} batch={batch} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ batch }: { readonly batch: BatchSummary }) {
  const detail = useAnswer<BatchDetail>(`batch:${batch.id}`, (signal) =>
    get(`/api/v1/batches/${batch.id}`, { limit: 1 }, signal),
  );
  return (
    <tr>
      <td>
        <Link to={`/batches/${batch.id}`} className="mono">
          {batch.id.slice(0, 8)}
        </Link>
      </td>
      <td>{minute(batch.createdAt)}</td>
      <td>{batch.kind}</td>
      <td className="number">{count(batch.total)}</td>
      <td>{detail.value !== undefined && <Progress detail={detail.value} />}</td>
    </tr>
  );
}
