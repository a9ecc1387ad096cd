/** Two samples' configs side by side. */
import { type FormEvent, useState } from "react";
import { type Answer, get } from "../api-client.ts";
import type { Finding, SampleDetail } from "../api-types.ts";
import { counted, short } from "../format.ts";
import { Hostile } from "../hostile.tsx";
import { valueId } from "../sample/config-list.tsx";
import type { Row } from "../sample/config-model.ts";
import { Link, useQuery } from "../shell/router.tsx";
import type { ViewProps } from "../shell/routes.ts";
import { Badge, familyName } from "../ui/badge.tsx";
import { Empty, Problem, Waiting } from "../ui/problem.tsx";
import { type Asked, useAnswer } from "../use-answer.ts";
import { compareFindings } from "./compare-model.ts";
import "./compare.css";

const SHA256 = /^[0-9a-f]{64}$/;

export default function CompareView(_: ViewProps) {
  const [query, setQuery] = useQuery();
  const a = useSide(query.get("a"));
  const b = useSide(query.get("b"));
  const [onlyOther, setOnlyOther] = useState(false);
  const left = chosen(a.value, query.get("x"));
  const right = chosen(b.value, query.get("y"));
  return (
    <section className="panel compare">
      <header className="bar">
        <h1 className="grow">Two configs side by side</h1>
        <label className="bar">
          <input
            type="checkbox"
            checked={onlyOther}
            onChange={(event) => setOnlyOther(event.currentTarget.checked)}
          />
          only what differs
        </label>
      </header>
      <div className="compare-heads">
        <Side
          asked={a}
          label="First sample"
          finding={left}
          onSample={(sha256) => setQuery({ a: sha256, x: undefined })}
          onFinding={(n) => setQuery({ x: n })}
        />
        <Side
          asked={b}
          label="Second sample"
          finding={right}
          onSample={(sha256) => setQuery({ b: sha256, y: undefined })}
          onFinding={(n) => setQuery({ y: n })}
        />
      </div>
      {left !== undefined && right !== undefined && a.value !== undefined && b.value !== undefined ? (
        <Pairs {...{ left, right, onlyOther }} samples={[a.value, b.value]} />
      ) : (
        <Empty>Two samples with configs, by their SHA-256; or select two rows of a batch.</Empty>
      )}
    </section>
  );
}

function useSide(sha256: string | null): Asked<SampleDetail> {
  const wanted = sha256 !== null && SHA256.test(sha256) ? sha256 : undefined;
  return useAnswer<SampleDetail>(
    wanted && `sample:${wanted}`,
    (signal): Promise<Answer<SampleDetail>> => get(`/api/v1/samples/${wanted}`, undefined, signal),
  );
}

function findingsOf(detail: SampleDetail | undefined): readonly Finding[] {
  const sample = detail?.report?.samples[0];
  const subject = detail?.result?.subject ?? 0;
  return (sample?.findings ?? []).filter((one) => subject === 0 || one.subject === subject);
}

function chosen(detail: SampleDetail | undefined, n: string | null): Finding | undefined {
  return findingsOf(detail)[Number(n ?? 0)];
}

interface SideProps {
  readonly asked: Asked<SampleDetail>;
  readonly label: string;
  readonly finding: Finding | undefined;
  readonly onSample: (sha256: string) => void;
  readonly onFinding: (n: string) => void;
}

function Side({ asked, label, finding, onSample, onFinding }: SideProps) {
  const [text, setText] = useState("");
  const { value } = asked;
  const findings = findingsOf(value);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const sha256 = text.trim().toLowerCase();
    if (SHA256.test(sha256)) onSample(sha256);
  };
  return (
    <div className="compare-head">
      <form onSubmit={submit} className="bar">
        <input
          className="mono grow"
          aria-label={`${label}: SHA-256`}
          placeholder={value?.sha256 ?? "SHA-256"}
          spellCheck={false}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <button type="submit" className="button small">
          Take
        </button>
      </form>
      {asked.loading && value === undefined && <Waiting what="Reading" />}
      {asked.error !== undefined && <Problem failure={asked.error} again={asked.again} />}
      {value !== undefined && (
        <div className="bar">
          <Link to={`/samples/${value.sha256}`}>
            <Hostile text={value.names[0] ?? short(value.sha256)} raw />
          </Link>
          {findings.length > 1 ? (
            <select
              aria-label={`${label}: finding`}
              value={Math.max(0, finding === undefined ? 0 : findings.indexOf(finding))}
              onChange={(event) => onFinding(event.currentTarget.value)}
            >
              {findings.map((one, i) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: findings have no other identity
                <option key={i} value={i}>
                  {familyName(one.family)} {one.version}
                </option>
              ))}
            </select>
          ) : (
            finding !== undefined && (
              <strong>
                {familyName(finding.family)}{" "}
                {finding.version !== undefined && <Hostile text={finding.version} />}
              </strong>
            )
          )}
          {finding === undefined ? (
            <span className="dim">no config</span>
          ) : (
            <Badge value={finding.confidence} />
          )}
        </div>
      )}
    </div>
  );
}

interface PairsProps {
  readonly left: Finding;
  readonly right: Finding;
  readonly samples: readonly [SampleDetail, SampleDetail];
  readonly onlyOther: boolean;
}

function Pairs({ left, right, samples, onlyOther }: PairsProps) {
  const sections = compareFindings(left, right);
  const numbers = samples.map((detail, i) => String(findingsOf(detail).indexOf(i === 0 ? left : right)));
  return (
    <table className="plain compare-table">
      <colgroup>
        <col className="label" />
        <col />
        <col />
      </colgroup>
      {sections.map(({ id, title, pairs }) => {
        const drawn = onlyOther ? pairs.filter(({ same }) => !same) : pairs;
        if (drawn.length === 0) return null;
        const shared = pairs.filter(({ same }) => same).length;
        return (
          <tbody key={id}>
            <tr className="compare-section">
              <th colSpan={3} scope="rowgroup">
                {title}{" "}
                <span className="dim">
                  {counted(shared, "shared value")}, {pairs.length - shared} not
                </span>
              </th>
            </tr>
            {drawn.map((pair) => (
              <tr
                key={`${pair.label} ${pair.left?.pointer ?? ""} ${pair.right?.pointer ?? ""}`}
                className={pair.same ? "same" : pair.near ? "near" : "other"}
              >
                <th scope="row" className="dim">
                  {pair.label.replaceAll("_", " ")}
                  {pair.near && <span className="badge warn">same host</span>}
                </th>
                <Cell row={pair.left} sha256={samples[0].sha256} prefix={numbers[0] ?? "0"} />
                {pair.same ? (
                  <td className="dim">the same</td>
                ) : (
                  <Cell row={pair.right} sha256={samples[1].sha256} prefix={numbers[1] ?? "0"} />
                )}
              </tr>
            ))}
          </tbody>
        );
      })}
    </table>
  );
}

function Cell({
  row,
  sha256,
  prefix,
}: {
  readonly row: Row | undefined;
  readonly sha256: string;
  readonly prefix: string;
}) {
  if (row === undefined) return <td className="dim">not there</td>;
  return (
    <td className="mono">
      <Hostile text={row.value} copy />
      {row.evidence.length > 0 && (
        <Link
          className="copy"
          to={`/samples/${sha256}?v=${encodeURIComponent(valueId(prefix, row.pointer))}`}
          title="Its bytes"
        >
          bytes
        </Link>
      )}
    </td>
  );
}
