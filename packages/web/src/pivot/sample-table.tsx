/** Samples as one goes on from them: what they are, where they call, when they came. */
import type { SamplePage } from "../api-types.ts";
import { minute, short } from "../format.ts";
import { Hostile } from "../hostile.tsx";
import { Link } from "../shell/router.tsx";
import { Badge, familyName } from "../ui/badge.tsx";

export type Found = SamplePage["samples"][number];

/** C2s of a row. */
const MAX_C2 = 3;

export function SampleTable({
  samples,
  usages = false,
}: {
  readonly samples: readonly Found[];
  readonly usages?: boolean;
}) {
  return (
    <div className="scroll">
      <table className="plain samples">
        <thead>
          <tr>
            <th scope="col">Sample</th>
            <th scope="col">Family</th>
            <th scope="col">Outcome</th>
            {usages && <th scope="col">Uses it as</th>}
            <th scope="col">C2</th>
            <th scope="col">Seen</th>
          </tr>
        </thead>
        <tbody>
          {samples.map((row) => (
            <tr key={row.sha256}>
              <td>
                <Link to={`/samples/${row.sha256}`} className="mono">
                  {short(row.sha256)}
                </Link>{" "}
                {row.names[0] !== undefined && <Hostile text={row.names[0]} raw />}
              </td>
              <td>{row.findings.map((finding) => told(finding)).join(", ")}</td>
              <td>
                <Badge value={row.findings[0]?.confidence ?? row.outcome} />
              </td>
              {usages && <td>{row.usages.map((usage) => usage.replaceAll("_", " ")).join(", ")}</td>}
              <td className="mono">
                <C2s all={row.findings.flatMap(({ c2 }) => c2)} />
              </td>
              <td className="dim nowrap">{minute(row.lastSeen)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function told({ family, version }: Found["findings"][number]): string {
  return version === null ? familyName(family) : `${familyName(family)} ${version}`;
}

function C2s({ all }: { readonly all: readonly string[] }) {
  const left = all.length - MAX_C2;
  return (
    <>
      {all.slice(0, MAX_C2).map((c2) => (
        <div key={c2}>
          <Hostile text={c2} mono />
        </div>
      ))}
      {left > 0 && <span className="dim small">{left} more</span>}
    </>
  );
}
