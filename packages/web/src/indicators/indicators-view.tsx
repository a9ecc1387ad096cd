/** What to block, what was left out and why, and every form in which it goes out. */
import { fail, ok } from "@assay/core/bytes/result";
import { type FormEvent, useEffect, useMemo, useState } from "react";
import { type Answer, ask, get } from "../api-client.ts";
import type { BatchPage } from "../api-types.ts";
import { count, counted, minute } from "../format.ts";
import { typeName } from "../graph/labels.ts";
import { Hostile } from "../hostile.tsx";
import { plain } from "../hostile-text.ts";
import { pivotPath } from "../pivot/pivot-result.tsx";
import { Link, useQuery } from "../shell/router.tsx";
import type { ViewProps } from "../shell/routes.ts";
import { Badge, familyName } from "../ui/badge.tsx";
import { CopyButton } from "../ui/copy.tsx";
import { Empty, Problem, Waiting } from "../ui/problem.tsx";
import { useAnswer } from "../use-answer.ts";
import { Exports } from "./exports.tsx";
import { byReason, type Listed, readListing, sortOut } from "./listing.ts";
import "./indicators.css";

/** Samples whose indicators are shown: the same as the exports take. */
const MAX_SAMPLES = 2000;
const BATCHES = 50;

export interface Scope {
  readonly q?: string;
  readonly batch?: string;
}

interface Loaded {
  readonly listed: readonly Listed[];
  readonly samples: number;
  readonly total: number;
}

const TABS = ["block", "leftOut", "others"] as const;
type Tab = (typeof TABS)[number];

export default function IndicatorsView(_: ViewProps) {
  const [query, change] = useQuery();
  const q = query.get("q") ?? "";
  const batch = query.get("batch") ?? "";
  const scope: Scope = batch !== "" ? { batch } : q !== "" ? { q } : {};
  const key = JSON.stringify(scope);
  const { value, error, again } = useAnswer<Loaded>(key, (signal) => load(scope, signal));
  const [tab, setTab] = useState<Tab>("block");
  const sorted = useMemo(() => sortOut(value?.listed ?? []), [value]);
  const titles: Readonly<Record<Tab, string>> = {
    block: `To block ${count(sorted.block.length)}`,
    leftOut: `Left out ${count(sorted.leftOut.length)}`,
    others: `Not for a network ${count(sorted.others.length)}`,
  };
  return (
    <div className="indicators">
      <div className="bar head">
        <h1>Indicators</h1>
        <ScopeForm q={q} batch={batch} onScope={(next) => change(next, { replace: false })} />
      </div>
      {error !== undefined && <Problem failure={error} again={again} />}
      {value === undefined && error === undefined && <Waiting what="Gathering" />}
      {value !== undefined && (
        <section className="panel list" aria-label="Indicators">
          <header>
            <div role="tablist" aria-label="Which indicators" className="bar">
              {TABS.map((one) => (
                <button
                  key={one}
                  type="button"
                  role="tab"
                  id={`tab-${one}`}
                  aria-selected={one === tab}
                  aria-controls="tab-panel"
                  className="button small"
                  onClick={() => setTab(one)}
                >
                  {titles[one]}
                </button>
              ))}
            </div>
            <span className="grow dim small">
              of {counted(value.samples, "sample")}
              {value.total > value.samples && `, the newest of ${count(value.total)}`}
            </span>
            {sorted[tab].length > 0 && (
              <CopyButton
                text={sorted[tab].map((one) => one.value).join("\n")}
                label="copy raw"
                title="All of this list, one a line, as they are"
              />
            )}
          </header>
          <div role="tabpanel" id="tab-panel" aria-labelledby={`tab-${tab}`} className="rows">
            {tab === "leftOut" ? (
              <ByReason listed={sorted.leftOut} />
            ) : (
              <Rows key={tab} listed={sorted[tab]} empty="None in these samples." />
            )}
          </div>
        </section>
      )}
      <Exports scope={scope} />
    </div>
  );
}

async function load(scope: Scope, signal: AbortSignal): Promise<Answer<Loaded>> {
  const answer = await ask("/api/v1/exports/csv", { query: { ...scope, limit: MAX_SAMPLES }, signal });
  if (!answer.ok) return answer;
  const { headers } = answer.value;
  const listed = readListing(await answer.value.text());
  if (listed === undefined)
    return fail({ status: 200, code: "no-csv", title: "The answer is not what the API gives" });
  return ok({
    listed,
    samples: Number(headers.get("x-assay-samples") ?? 0),
    total: Number(headers.get("x-assay-total") ?? 0),
  });
}

interface ScopeFormProps {
  readonly q: string;
  readonly batch: string;
  readonly onScope: (next: { q: string | undefined; batch: string | undefined }) => void;
}

function ScopeForm({ q, batch, onScope }: ScopeFormProps) {
  const [text, setText] = useState(q);
  useEffect(() => setText(q), [q]);
  const batches = useAnswer<BatchPage>("batches", (signal) =>
    get("/api/v1/batches", { limit: BATCHES }, signal),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onScope({ q: text.trim() || undefined, batch: undefined });
  };
  const known = batches.value?.batches ?? [];
  return (
    <form className="bar grow" onSubmit={submit}>
      <label className="hidden-label" htmlFor="scope">
        Of samples that meet this search
      </label>
      <input
        id="scope"
        className="grow"
        type="search"
        autoComplete="off"
        spellCheck={false}
        placeholder="of samples that meet a search: family:lumma since:2026-01; empty: of all"
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <label className="small">
        or of batch{" "}
        <select
          value={batch}
          onChange={(event) =>
            onScope({
              q: undefined,
              batch: event.currentTarget.value === "" ? undefined : event.currentTarget.value,
            })
          }
        >
          <option value="">any</option>
          {batch !== "" && !known.some(({ id }) => id === batch) && (
            <option value={batch}>{plain(batch, 8)}</option>
          )}
          {known.map(({ id, createdAt, total }) => (
            <option key={id} value={id}>
              {minute(createdAt)} · {counted(total, "sample")}
            </option>
          ))}
        </select>
      </label>
      <button type="submit" className="button">
        Show
      </button>
    </form>
  );
}

const STEP = 200;

function Rows({ listed, empty }: { readonly listed: readonly Listed[]; readonly empty: string }) {
  const [shown, setShown] = useState(STEP);
  if (listed.length === 0) return <Empty>{empty}</Empty>;
  return (
    <>
      <table className="plain">
        <thead>
          <tr>
            <th scope="col">Type</th>
            <th scope="col">Value</th>
            <th scope="col">Used as</th>
            <th scope="col">Families</th>
            <th scope="col" className="number">
              Samples
            </th>
            <th scope="col">Confidence</th>
          </tr>
        </thead>
        <tbody>
          {listed.slice(0, shown).map((one) => (
            <tr key={`${one.type}:${one.value}`}>
              <td>{typeName(one.type)}</td>
              <td>
                <Hostile text={one.value} mono copy />{" "}
                <Link className="small" to={pivotPath(one.type, one.value)}>
                  pivot
                </Link>
              </td>
              <td>{one.usages.map((usage) => usage.replaceAll("_", " ")).join(", ")}</td>
              <td>{one.families.map(familyName).join(", ")}</td>
              <td className="number">{count(one.samples)}</td>
              <td>
                <Badge value={one.confidence} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {shown < listed.length && (
        <footer className="more">
          <button type="button" className="button small" onClick={() => setShown(shown + STEP)}>
            {Math.min(STEP, listed.length - shown)} more of {count(listed.length - shown)}
          </button>
        </footer>
      )}
    </>
  );
}

function ByReason({ listed }: { readonly listed: readonly Listed[] }) {
  const reasons = useMemo(() => byReason(listed), [listed]);
  if (reasons.length === 0) return <Empty>Nothing had to be left out.</Empty>;
  return reasons.map(([reason, of]) => (
    <section key={reason} className="reason">
      <h2>
        <Hostile text={reason} raw /> <span className="dim">{of.length}</span>
      </h2>
      <Rows listed={of} empty="" />
    </section>
  ));
}
