/**
 * Payloads in the text of a script: encoded runs, decoded and settled. Only what comes out as a program, an archive or a
 * further script is taken.
 */
import { latin1Bytes, type Span, unhex } from "../../bytes/index.ts";
import { DOTNET, decodeBase64, UNPADDED } from "../../codecs/index.ts";
import { applySteps, type Step } from "../../model/index.ts";
import type { Budget } from "../budget.ts";
import { findHexRuns, findRuns, MIN_RUN, type Run } from "./runs.ts";
import { Hunter, MAX_HUNT, type Secret } from "./settle.ts";

export interface Payload {
  readonly bytes: Uint8Array;
  readonly steps: readonly Step[];
  readonly kind: "payload" | "script";
  /** Extension without the dot. */
  readonly extension: string;
  /** Place of the encoded run in the text; undefined for a number list. */
  readonly run?: { readonly at: number; readonly length: number };
}

export interface Hunt {
  readonly payloads: readonly Payload[];
  /** Decoded texts that are no script, for their URLs. */
  readonly texts: readonly string[];
  readonly cut: string | undefined;
}

function keyOf(text: string, run: Run, span: (at: number, length: number) => Span): Secret[] {
  const raw = text.slice(run.at, run.at + run.length);
  const at = [span(run.at, run.length)];
  const decoded = [decodeBase64(latin1Bytes(raw), UNPADDED), raw.length % 2 === 0 ? unhex(raw) : undefined];
  if (run.backwards) decoded.push(decodeBase64(latin1Bytes([...raw].reverse().join("")), UNPADDED));
  return decoded.flatMap((bytes) =>
    bytes !== undefined && [16, 24, 32].includes(bytes.length) ? [{ bytes, at }] : [],
  );
}

/** Runs as bytes: hex where all digits are, base64 otherwise, forwards and backwards. */
function* decodings(raw: string, run: Run): Generator<{ bytes: Uint8Array; steps: Step[] }> {
  if (/^[0-9a-f]{16}/i.test(raw) && raw.length % 2 === 0) {
    const bytes = unhex(raw);
    if (bytes !== undefined) {
      yield { bytes, steps: [{ op: "hex" }] };
      return;
    }
  }
  const dialect = run.lines ? "dotnet" : "unpadded";
  const digits = latin1Bytes(raw);
  const bytes = decodeBase64(digits, run.lines ? DOTNET : UNPADDED);
  if (bytes !== undefined) yield { bytes, steps: [{ op: "base64", params: { dialect } }] };
  // Backwards, a program's TVqQ ends the run; the padding before it was left out of the run.
  if (run.backwards || raw.endsWith("qVT") || raw.endsWith("IsH")) {
    const turned = decodeBase64(Uint8Array.from(digits).reverse(), run.lines ? DOTNET : UNPADDED);
    if (turned !== undefined)
      yield { bytes: turned, steps: [{ op: "reverse" }, { op: "base64", params: { dialect } }] };
  }
}

/** Everything that the runs of `text` and the number `lists` decode to. */
export function hunt(
  text: string,
  lists: readonly Uint8Array[],
  span: (at: number, length: number) => Span,
  budget: Budget,
): Hunt {
  const { blobs, keys, cut } = findRuns(text);
  const pairs = findHexRuns(text);
  if (blobs.length + lists.length + pairs.length === 0) return { payloads: [], texts: [], cut: undefined };
  const secrets = [
    ...keys.flatMap((run) => keyOf(text, run, span)),
    ...lists.filter(({ length }) => [16, 24, 32].includes(length)).map((bytes) => ({ bytes, at: [] })),
  ];
  const hunter = new Hunter(text, secrets, budget);
  const payloads: Payload[] = [];
  for (const run of blobs) {
    for (const { bytes, steps } of decodings(text.slice(run.at, run.at + run.length), run)) {
      const found = hunter.settle(bytes, steps, 0);
      payloads.push(...found.map((one) => ({ ...one, run })));
      if (found.length > 0) break;
    }
  }
  for (const { at, length, separator } of pairs) {
    const steps: Step[] = [{ op: "hex", params: { separator } }];
    const bytes = applySteps(steps, latin1Bytes(text.slice(at, at + length)));
    if (bytes !== undefined)
      payloads.push(...hunter.settle(bytes, steps, 0).map((one) => ({ ...one, run: { at, length } })));
  }
  for (const list of lists)
    if (list.length >= MIN_RUN) payloads.push(...hunter.settle(list, [{ op: "numbers" }], 0));
  return {
    payloads,
    texts: hunter.texts,
    cut: cut ? "encoded runs" : hunter.work > MAX_HUNT ? "decoding" : undefined,
  };
}
