/** What the sandbox said that the sample came out of: claims, beside what is proved here. */
import { SAID_BY, saidValues } from "@assay/core/model/sandbox";
import type { Sample } from "../api-types.ts";
import { counted } from "../format.ts";
import { Hostile } from "../hostile.tsx";
import { plain } from "../hostile-text.ts";
import { Badge } from "../ui/badge.tsx";

/** Lines drawn; the report has all. */
const MAX_LINES = 200;

export function SandboxSaid({ sandbox }: { readonly sandbox: NonNullable<Sample["sandbox"]> }) {
  const values = saidValues(sandbox);
  const families = sandbox.families.map((one) => plain(one)).join(", ") || "no family";
  return (
    <section className="config-section" aria-label="Said by the sandbox">
      <h3>
        Said by the sandbox: {plain(sandbox.name)}
        {sandbox.task !== "" && ` task ${plain(sandbox.task)}`}
      </h3>
      <p className="dim small">
        {families}; {counted(sandbox.artefacts, "file")} of the run analysed
      </p>
      <table className="config">
        <tbody>
          {values.slice(0, MAX_LINES).map(({ in: where, name, value, ours }) => (
            <tr key={`${where} ${name} ${value} ${ours}`}>
              <th scope="row" className="dim cut">
                <Hostile text={name.replaceAll("_", " ")} raw />
              </th>
              <td className="mono">
                <Hostile text={value} copy />
              </td>
              <td className="config-acts">
                <Badge value={SAID_BY[where]} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {values.length > MAX_LINES && (
        <p className="dim small">{values.length - MAX_LINES} more in the report</p>
      )}
    </section>
  );
}
