/** The way from the sample to a value: every artifact, every step with its bytes, and the place where the value stands. */
import { useMemo } from "react";
import type { Artifact, Evidence } from "../api-types.ts";
import { bytes as sizeText } from "../format.ts";
import { Hostile } from "../hostile.tsx";
import { plain } from "../hostile-text.ts";
import type { BytesSource } from "./bytes-source.ts";
import { artifactTitle, type ChainLink, chainTo, joined, type Span, type Step, spanText } from "./chain.ts";
import { type StepBytes, useRemade } from "./remake.ts";

export interface ProofProps {
  readonly source: BytesSource;
  readonly artifacts: readonly Artifact[];
  readonly evidence: Evidence;
  /** Bytes now shown in the hex pane. */
  readonly shown: readonly Span[];
  readonly onShow: (artifact: number, spans: readonly Span[]) => void;
}

const READ_AS: Readonly<Record<Evidence["as"], string>> = {
  latin1: "Latin-1 text",
  utf8: "UTF-8 text",
  utf16le: "UTF-16LE text",
  hex: "bytes",
  int: "little-endian integer",
  bool: "boolean",
  asciiint: "decimal digits",
  code: "operands of code",
};

export function Proof({ source, artifacts, evidence, shown, onShow }: ProofProps) {
  const place = evidence.at[0]?.artifact ?? 0;
  const chain = useMemo(() => chainTo(artifacts, place), [artifacts, place]);
  return (
    <ol className="proof" aria-label="How the value was come by">
      {chain.map((link) => (
        <Link key={link.artifact.id} {...{ source, link, shown, onShow }} />
      ))}
      <li>
        <span className="proof-op">value</span>
        {joined(evidence.at).map((span) => (
          <SpanButton key={`${span.artifact}:${span.offset}`} {...{ span, shown, onShow }} />
        ))}
        <span className="dim">read as {READ_AS[evidence.as]}</span>
      </li>
    </ol>
  );
}

interface LinkProps extends Pick<ProofProps, "source" | "shown" | "onShow"> {
  readonly link: ChainLink;
}

function Link({ source, link, shown, onShow }: LinkProps) {
  const remade = useRemade(source, link);
  const { artifact, from, steps } = link;
  return (
    <>
      {from.length > 0 && (
        <li>
          <span className="proof-op">take</span>
          {joined(from)
            .slice(0, MAX_SPANS)
            .map((span) => (
              <SpanButton key={`${span.artifact}:${span.offset}`} {...{ span, shown, onShow }} />
            ))}
          {from.length > MAX_SPANS && <span className="dim">and more</span>}
          {artifact.label !== undefined && <Hostile text={artifact.label} raw />}
          <Bytes stage={remade?.stages[0]} />
        </li>
      )}
      {steps.map((step, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: steps have no other identity
        <li key={i}>
          <StepText {...{ step, shown, onShow }} />
          <Bytes stage={remade?.stages[i + 1]} />
        </li>
      ))}
      <li className="proof-artifact">
        <button
          type="button"
          className="link-button"
          onClick={() =>
            onShow(artifact.id, [{ artifact: artifact.id, offset: 0, length: Math.min(artifact.size, 1) }])
          }
        >
          #{artifact.id} {plain(artifactTitle(artifact))}
        </button>
        <span className="dim">
          {plain(artifact.format)}, {sizeText(artifact.size)}
        </span>
        {remade?.same === true && steps.length > 0 && (
          <span className="badge good" title="Done again in this browser: the SHA-256 is the report's">
            done again, same
          </span>
        )}
        {remade?.same === false && steps.length > 0 && (
          <span className="badge bad">does not come out the same</span>
        )}
      </li>
    </>
  );
}

/** Spans of one step that are drawn as buttons. */
const MAX_SPANS = 6;
/** Characters of a key that are drawn; the rest is in its title. */
const MAX_PARAM = 64;

function StepText({ step, shown, onShow }: Pick<ProofProps, "shown" | "onShow"> & { readonly step: Step }) {
  return (
    <>
      <span className="proof-op">{plain(step.op)}</span>
      {Object.entries(step.params ?? {}).map(([name, value]) => (
        <span key={name} className="proof-param" title={plain(String(value), 1000)}>
          <span className="dim">{plain(name)}</span> <code>{plain(String(value), MAX_PARAM)}</code>
        </span>
      ))}
      {joined(step.at ?? [])
        .slice(0, MAX_SPANS)
        .map((span) => (
          <span key={`${span.artifact}:${span.offset}`}>
            <span className="dim">key at </span>
            <SpanButton {...{ span, shown, onShow }} />
          </span>
        ))}
    </>
  );
}

function SpanButton({ span, shown, onShow }: Pick<ProofProps, "shown" | "onShow"> & { readonly span: Span }) {
  const isShown = shown.some(
    (one) =>
      one.artifact === span.artifact &&
      one.offset >= span.offset &&
      one.offset + one.length <= span.offset + span.length,
  );
  return (
    <button
      type="button"
      className="link-button mono"
      aria-pressed={isShown}
      onClick={() => onShow(span.artifact, [span])}
    >
      #{span.artifact} {spanText(span)}
    </button>
  );
}

function Bytes({ stage }: { readonly stage: StepBytes | undefined }) {
  if (stage === undefined) return null;
  const { head, size } = stage;
  const digits = [...head].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  const text = [...head]
    .map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·"))
    .join("");
  return (
    <code className="proof-bytes" title={`${size} bytes`}>
      <span className="cut">{digits}</span>
      <span className="cut proof-text">{text}</span>
      <span>{size.toLocaleString("en")} B</span>
    </code>
  );
}
