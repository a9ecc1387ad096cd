/** One sample: its config with the proof of every value, the bytes of every artifact. */
import { useCallback, useEffect, useMemo, useState } from "react";
import { get } from "../api-client.ts";
import type { Finding, Sample, SampleDetail } from "../api-types.ts";
import { counted } from "../format.ts";
import { Hostile } from "../hostile.tsx";
import { plain } from "../hostile-text.ts";
import { isTyping } from "../shell/keys.ts";
import { Link, useQuery } from "../shell/router.tsx";
import type { ViewProps } from "../shell/routes.ts";
import { Badge, familyName } from "../ui/badge.tsx";
import { Empty, Problem, Waiting } from "../ui/problem.tsx";
import { useAnswer } from "../use-answer.ts";
import { ArtifactTree } from "./artifact-tree.tsx";
import { BytesSource } from "./bytes-source.ts";
import { chainTo, type Span } from "./chain.ts";
import { ConfigList, valueId } from "./config-list.tsx";
import { type Row, sectionsOf } from "./config-model.ts";
import { HexPane, type Mark } from "./hex-pane.tsx";
import { Proof } from "./proof.tsx";
import { SampleHead } from "./sample-head.tsx";
import { SandboxSaid } from "./sandbox-said.tsx";
import "./sample.css";

export default function SampleView({ params }: ViewProps) {
  const sha256 = (params.sha256 ?? "").toLowerCase();
  const asked = useAnswer<SampleDetail>(`sample:${sha256}`, (signal) =>
    get(`/api/v1/samples/${encodeURIComponent(sha256)}`, undefined, signal),
  );
  if (asked.value === undefined)
    return asked.error === undefined ? (
      <Waiting what="Reading the sample" />
    ) : (
      <Problem failure={asked.error} again={asked.again} />
    );
  const detail = asked.value;
  const sample = detail.report?.samples[0];
  return (
    <div className="sample-view">
      <SampleHead sample={detail} />
      {sample === undefined || detail.result === null ? (
        <Empty>
          No result yet: it waits for its turn.{" "}
          <button type="button" className="button small" onClick={asked.again}>
            Look again
          </button>
        </Empty>
      ) : (
        <Result key={sha256} detail={detail} sample={sample} subject={detail.result.subject} />
      )}
    </div>
  );
}

interface Picked {
  readonly row: Row;
  readonly finding: Finding;
}

function Result({
  detail,
  sample,
  subject,
}: {
  readonly detail: SampleDetail;
  readonly sample: Sample;
  readonly subject: number;
}) {
  // An archive speaks of all that it holds, a file of itself.
  const findings = useMemo(
    () => (subject === 0 ? sample.findings : sample.findings.filter((one) => one.subject === subject)),
    [sample, subject],
  );
  const drawn = useMemo(
    () => findings.map((finding, i) => ({ finding, prefix: `${i}`, sections: sectionsOf(finding) })),
    [findings],
  );
  const byId = useMemo(() => {
    const all = new Map<string, Picked>();
    for (const { finding, prefix, sections } of drawn)
      for (const { rows } of sections)
        for (const row of rows)
          if (row.evidence.length > 0) all.set(valueId(prefix, row.pointer), { row, finding });
    return all;
  }, [drawn]);
  const marks = useMemo(() => marksOf(byId), [byId]);
  const source = useMemo(() => new BytesSource(detail.sha256), [detail.sha256]);
  const [query, setQuery] = useQuery();
  const asked = query.get("v") ?? undefined;
  const current = asked !== undefined && byId.has(asked) ? asked : firstOf(byId);
  const picked = current === undefined ? undefined : byId.get(current);
  const [nth, setNth] = useState(0);
  const evidence = picked?.row.evidence[nth] ?? picked?.row.evidence[0];
  const [shown, setShown] = useState<{ artifact: number; spans: readonly Span[] }>({
    artifact: subject,
    spans: [],
  });

  useEffect(() => {
    const [first] = evidence?.at ?? [];
    if (evidence !== undefined && first !== undefined)
      setShown({ artifact: first.artifact, spans: evidence.at });
  }, [evidence]);

  const pick = useCallback(
    (id: string) => {
      setNth(0);
      setQuery({ v: id });
      document.querySelector(`[data-value="${CSS.escape(id)}"]`)?.scrollIntoView({ block: "nearest" });
    },
    [setQuery],
  );
  useEffect(() => {
    const ids = [...byId.keys()];
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const step = event.key === "j" ? 1 : event.key === "k" ? -1 : 0;
      const next = step === 0 ? undefined : ids[ids.indexOf(current ?? "") + step];
      if (next !== undefined) pick(next);
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [byId, current, pick]);

  const chain = useMemo(
    () => new Set(chainTo(sample.artifacts, shown.artifact).map(({ artifact }) => artifact.id)),
    [sample, shown.artifact],
  );
  const found = useMemo(() => new Set(sample.findings.map(({ artifact }) => artifact)), [sample]);
  const isKept = detail.stored || detail.result?.of !== detail.sha256;

  return (
    <div className="sample-panes">
      <section className="panel sample-config" aria-label="Config">
        {drawn.length === 0 && <NoFinding sample={sample} />}
        {drawn.map(({ finding, prefix, sections }) => (
          <article key={prefix} className="finding">
            <header className="bar">
              <h2>{familyName(finding.family)}</h2>
              {finding.version !== undefined && <Hostile text={finding.version} />}
              <Badge value={finding.confidence} />
              <span className="dim small">layout {plain(finding.layout)}</span>
              {subject === 0 && finding.subject !== 0 && (
                <MemberLink sample={sample} subject={finding.subject} />
              )}
              <span className="dim small">{counted(finding.c2.length, "C2")}</span>
              <span className="dim small cut aliases">
                {finding.aliases.map((one) => plain(one)).join(", ")}
              </span>
            </header>
            <ConfigList {...{ finding, prefix, sections, current }} onPick={pick} />
          </article>
        ))}
        {drawn.length > 0 && sample.reasons.length > 0 && <Reasons sample={sample} />}
        {subject === 0 && sample.sandbox !== undefined && <SandboxSaid sandbox={sample.sandbox} />}
      </section>
      <section className="panel sample-proof" aria-label="Proof">
        <header>
          <h2>Proof</h2>
          {picked !== undefined && (
            <span className="mono cut">
              <Hostile text={picked.row.value} cut />
            </span>
          )}
          <span className="grow" />
          {picked !== undefined && picked.row.evidence.length > 1 && (
            <span className="bar small">
              <span className="dim">
                place {Math.min(nth, picked.row.evidence.length - 1) + 1} of {picked.row.evidence.length}
              </span>
              <button
                type="button"
                className="button small"
                onClick={() => setNth((nth + 1) % picked.row.evidence.length)}
              >
                Next
              </button>
            </span>
          )}
        </header>
        {evidence === undefined ? (
          <Empty>Nothing here has a proof to show.</Empty>
        ) : (
          <Proof
            source={source}
            artifacts={sample.artifacts}
            evidence={evidence}
            shown={shown.spans}
            onShow={(artifact, spans) => setShown({ artifact, spans })}
          />
        )}
      </section>
      <section className="panel sample-tree" aria-label="Artifact tree">
        <header>
          <h2>Artifacts</h2>
          <span className="dim small">{sample.artifacts.length}</span>
        </header>
        <ArtifactTree
          artifacts={sample.artifacts}
          shown={shown.artifact}
          chain={chain}
          found={found}
          onShow={(artifact) => setShown({ artifact, spans: [] })}
        />
      </section>
      <section className="panel sample-hex" aria-label="Bytes">
        {isKept ? (
          <HexPane
            source={source}
            artifact={shown.artifact}
            address={sample.artifacts.find(({ id }) => id === shown.artifact)?.memory?.address}
            focus={shown.spans}
            marks={marks}
            onMark={pick}
          />
        ) : (
          <Empty>The bytes of the sample are not kept.</Empty>
        )}
      </section>
    </div>
  );
}

/** Marks of one pane; a report of thousands of strings is not drawn mark by mark. */
const MAX_MARKS = 2000;

function marksOf(byId: ReadonlyMap<string, Picked>): Mark[] {
  const marks: Mark[] = [];
  for (const [id, { row }] of byId)
    for (const { at } of row.evidence)
      for (const span of at) {
        if (marks.length >= MAX_MARKS) return marks;
        marks.push({ span, id });
      }
  return marks;
}

function firstOf(byId: ReadonlyMap<string, Picked>): string | undefined {
  const [first] = byId.keys();
  return first;
}

function MemberLink({ sample, subject }: { readonly sample: Sample; readonly subject: number }) {
  const artifact = sample.artifacts[subject];
  if (artifact === undefined) return null;
  return (
    <Link to={`/samples/${artifact.sha256}`}>
      <Hostile text={artifact.name ?? artifact.sha256.slice(0, 12)} raw />
    </Link>
  );
}

function NoFinding({ sample }: { readonly sample: Sample }) {
  return (
    <>
      <div className="finding">
        <header className="bar">
          <h2>
            {sample.families.length > 0
              ? `${sample.families.map(familyName).join(", ")}: no config`
              : "No family found"}
          </h2>
          <Badge value={sample.outcome} />
        </header>
      </div>
      <Reasons sample={sample} />
    </>
  );
}

function Reasons({ sample }: { readonly sample: Sample }) {
  return (
    <section className="config-section" aria-label="Reasons">
      <h3>What the analysis says</h3>
      <ul className="reasons">
        {sample.reasons.map((reason) => (
          <li key={`${reason.stage} ${reason.code} ${reason.text}`}>
            <span className="dim">{plain(reason.stage)}</span> <Hostile text={reason.text} />
          </li>
        ))}
        {sample.reasons.length === 0 && <li className="dim">It gives no reason.</li>}
      </ul>
    </section>
  );
}
