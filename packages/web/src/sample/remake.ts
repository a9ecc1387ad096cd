/** Does a link of the chain again in the browser, step by step, and holds the result to the digest in the report. */
import type { Step as ModelStep } from "@assay/core/model/report";
import { useEffect, useState } from "react";
import type { BytesSource } from "./bytes-source.ts";
import type { ChainLink } from "./chain.ts";

/** Bytes of the input up to which it is done without being asked. */
const MAX_INPUT = 256 * 1024;
/** Bytes shown of each step. */
const SHOWN = 48;

export interface StepBytes {
  readonly head: Uint8Array;
  readonly size: number;
}

export interface Remade {
  /** The input, then what each step makes of it. */
  readonly stages: readonly StepBytes[];
  /** Whether the last has the artifact's SHA-256; undefined where the browser cannot tell: archives, and no digests over plain HTTP. */
  readonly same: boolean | undefined;
}

export function useRemade(source: BytesSource, link: ChainLink): Remade | undefined {
  const [done, setDone] = useState<{ link: ChainLink; remade: Remade }>();
  useEffect(() => {
    let gone = false;
    void remake(source, link).then((remade) => {
      if (!gone && remade !== undefined) setDone({ link, remade });
    });
    return () => {
      gone = true;
    };
  }, [source, link]);
  return done?.link === link ? done.remade : undefined;
}

async function remake(
  source: BytesSource,
  { artifact, from, steps }: ChainLink,
): Promise<Remade | undefined> {
  if (from.length === 0) return undefined;
  const input = await source.read(from, MAX_INPUT);
  if (!input.ok) return undefined;
  // Ciphers and codecs come when the first proof is looked at.
  const { applySteps, canApply } = await import("@assay/core/model/steps");
  const stages = [stage(input.value)];
  let bytes: Uint8Array | undefined = input.value;
  for (const step of steps) {
    if (!canApply(step)) return { stages, same: undefined };
    bytes = applySteps([step as ModelStep], bytes);
    if (bytes === undefined) return { stages, same: false };
    stages.push(stage(bytes));
  }
  return { stages, same: await isDigest(bytes, artifact.sha256) };
}

function stage(bytes: Uint8Array): StepBytes {
  return { head: bytes.slice(0, SHOWN), size: bytes.length };
}

async function isDigest(bytes: Uint8Array, sha256: string): Promise<boolean | undefined> {
  if (crypto.subtle === undefined) return undefined;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", Uint8Array.from(bytes)));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("") === sha256;
}
