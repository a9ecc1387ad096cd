/** The values of a finding in their sections; the one in hand is marked, `j` and `k` go through those with a proof. */
import type { Finding } from "../api-types.ts";
import { Hostile } from "../hostile.tsx";
import { Link } from "../shell/router.tsx";
import type { Row, Section } from "./config-model.ts";

export interface ConfigListProps {
  readonly finding: Finding;
  /** Names the finding, for the values in hand. */
  readonly prefix: string;
  readonly sections: readonly Section[];
  readonly current: string | undefined;
  readonly onPick: (id: string) => void;
}

export function valueId(prefix: string, pointer: string): string {
  return `${prefix}${pointer}`;
}

export function ConfigList({ finding, prefix, sections, current, onPick }: ConfigListProps) {
  return (
    <>
      {sections.map((section) =>
        section.id === "raw" ? (
          <details key={section.id} className="config-section">
            <summary>
              {section.title} <span className="dim">{section.rows.length}</span>
            </summary>
            <Values {...{ section, prefix, current, onPick }} />
          </details>
        ) : (
          <section key={section.id} className="config-section" aria-label={section.title}>
            <h3>{section.title}</h3>
            <Values {...{ section, prefix, current, onPick }} />
          </section>
        ),
      )}
      {finding.reasons.length > 0 && (
        <section className="config-section" aria-label="Why">
          <h3>What it rests on</h3>
          <ul className="reasons">
            {finding.reasons.map((reason) => (
              <li key={`${reason.code} ${reason.text}`}>
                <Hostile text={reason.text} />
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

type ValuesProps = Pick<ConfigListProps, "prefix" | "current" | "onPick"> & { readonly section: Section };

function Values({ section, prefix, current, onPick }: ValuesProps) {
  return (
    <table className="config">
      <tbody>
        {section.rows.map((row) => (
          <Value key={row.pointer} {...{ row, section, prefix, current, onPick }} />
        ))}
      </tbody>
    </table>
  );
}

interface ValueProps extends Pick<ConfigListProps, "prefix" | "current" | "onPick"> {
  readonly row: Row;
  readonly section: Section;
}

/** Values that others may have, and are worth asking for. */
const PIVOTS = new Set(["c2", "connections", "identity"]);

function Value({ row, section, prefix, current, onPick }: ValueProps) {
  const id = valueId(prefix, row.pointer);
  const isProved = row.evidence.length > 0;
  return (
    <tr className={id === current ? "current" : undefined}>
      {section.id !== "c2" && (
        <th scope="row" className="dim">
          {row.label.replaceAll("_", " ")}
        </th>
      )}
      <td className="mono">
        <Hostile text={row.value} copy />
        {row.note !== "" && <span className="badge dim">{row.note.replaceAll("_", " ")}</span>}
      </td>
      <td className="config-acts">
        {PIVOTS.has(section.id) && (
          <Link className="copy" to={`/search?q=${encodeURIComponent(row.value)}`} title="Who else has it">
            pivot
          </Link>
        )}
        {isProved && (
          <button
            type="button"
            className="button small"
            data-value={id}
            aria-pressed={id === current}
            onClick={() => onPick(id)}
            title="Show its bytes and the way to them"
          >
            bytes
          </button>
        )}
      </td>
    </tr>
  );
}
