/** What a sample is called, its digests, and what can be done with it. */
import { useRef, useState } from "react";
import { ask, type Failure } from "../api-client.ts";
import type { SampleDetail } from "../api-types.ts";
import { bytes, minute } from "../format.ts";
import { Hostile } from "../hostile.tsx";
import { plain } from "../hostile-text.ts";
import { Link } from "../shell/router.tsx";
import { Badge } from "../ui/badge.tsx";
import { CopyButton } from "../ui/copy.tsx";
import { Problem } from "../ui/problem.tsx";
import { saveResponse } from "../ui/save.ts";

/** Names told without being asked. */
const NAMED = 3;

export function SampleHead({ sample }: { readonly sample: SampleDetail }) {
  const [first, ...others] = sample.names;
  const digests = [
    ["SHA-256", sample.sha256],
    ["SHA-1", sample.sha1],
    ["MD5", sample.md5],
  ] as const;
  return (
    <section className="panel sample-head" aria-label="The sample">
      <div className="bar">
        <h1>
          <Hostile text={first ?? sample.sha256} raw />
        </h1>
        <Badge value={sample.outcome} />
        <span className="dim">
          {plain(sample.format)}
          {sample.size !== null && `, ${bytes(sample.size)}`}
        </span>
        <span className="dim small">
          seen {minute(sample.firstSeen)}
          {sample.lastSeen !== sample.firstSeen && ` to ${minute(sample.lastSeen)}`}
        </span>
        <span className="grow" />
        <Link className="button small" to={`/graph?seed=${sample.sha256}`}>
          Graph
        </Link>
        <Link className="button small" to={`/search?q=${sample.sha256}`}>
          Pivot
        </Link>
        <Link className="button small" to={`/compare?a=${sample.sha256}`}>
          Compare
        </Link>
        <Download sample={sample} />
      </div>
      <div className="bar digests">
        {digests.map(
          ([name, value]) =>
            value !== null && (
              <span key={name}>
                <span className="dim small">{name}</span> <code>{value}</code>
                <CopyButton text={value} label="copy" title={`Copy the ${name}`} />
              </span>
            ),
        )}
      </div>
      {others.length > 0 && (
        <div className="small dim names">
          also{" "}
          {others.slice(0, NAMED).map((name) => (
            <span key={name}>
              <Hostile text={name} raw />{" "}
            </span>
          ))}
          {others.length > NAMED && `and ${others.length - NAMED} more`}
        </div>
      )}
      {sample.result !== null && sample.result.of !== sample.sha256 && (
        <div className="small dim">
          in{" "}
          <Link to={`/samples/${sample.result.of}`} className="mono">
            {sample.result.of}
          </Link>
        </div>
      )}
    </section>
  );
}

function Download({ sample }: { readonly sample: SampleDetail }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [failure, setFailure] = useState<Failure>();
  const fetchIt = async () => {
    const answer = await ask(`/api/v1/samples/${sample.sha256}/cart`);
    if (!answer.ok) {
      setFailure(answer.error);
      return;
    }
    await saveResponse(answer.value, `${sample.sha256}.cart`);
    dialog.current?.close();
  };
  return (
    <>
      <button
        type="button"
        className="button small"
        disabled={!sample.stored}
        title={sample.stored ? "As CaRT" : "Its own bytes are not kept"}
        onClick={() => {
          setFailure(undefined);
          dialog.current?.showModal();
        }}
      >
        Download
      </button>
      <dialog ref={dialog} className="dialog" aria-labelledby="cart-title">
        <h2 id="cart-title">This is live malware</h2>
        <p>
          It comes sealed as CaRT, which no system opens by itself, and is to be opened where malware may be
          opened. The download is noted in the audit log under your name.
        </p>
        {failure !== undefined && <Problem failure={failure} />}
        <form method="dialog">
          <div className="bar">
            <button type="button" className="button primary" onClick={() => void fetchIt()}>
              Download {sample.sha256.slice(0, 12)}….cart
            </button>
            <button type="submit" className="button">
              No
            </button>
          </div>
        </form>
      </dialog>
    </>
  );
}
