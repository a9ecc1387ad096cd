import { type ArtifactId, concatBytes, type Span, View } from "../bytes/index.ts";
import type { Step } from "./report.ts";
import { applySteps } from "./steps.ts";

/** An artifact with its bytes in hand. */
export interface LedgerEntry {
  readonly id: ArtifactId;
  readonly kind: string;
  /** What its input is called: `resource RCDATA/SETTINGS`. */
  readonly source?: string;
  readonly from: readonly Span[];
  readonly steps: readonly Step[];
  readonly view: View;
}

/** The same memory as a bare Uint8Array: of a Node Buffer, `slice` is no copy and `subarray` is a Buffer again. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/**
 * The artifacts of one sample. A derived artifact's bytes are computed here, from the spans and steps that it
 * declares, so that what the report says of its making is what was done.
 */
export class Ledger {
  readonly #entries: LedgerEntry[] = [];

  /** `sample`: the bytes of the sample itself, which become artifact 0. */
  constructor(sample: Uint8Array) {
    this.#entries.push({ id: 0, kind: "sample", from: [], steps: [], view: new View(plain(sample), 0, 0) });
  }

  get sample(): View {
    return (this.#entries[0] as LedgerEntry).view;
  }

  get entries(): readonly LedgerEntry[] {
    return this.#entries;
  }

  /**
   * Applies `steps` to the concatenated bytes of `from` and keeps the result as a new artifact; `source` is what
   * a person calls the input.
   * Undefined when a step refuses its input (bad padding, not base64) or a span lies outside its artifact.
   */
  derive(from: readonly Span[], steps: readonly Step[], source?: string, kind = "decoded"): View | undefined {
    const input = this.read(from);
    const bytes = input && applySteps(steps, input);
    return bytes === undefined ? undefined : this.adopt(bytes, from, steps, source, kind);
  }

  /**
   * Keeps bytes that were made elsewhere (an unpacker, an archive reader) as a new artifact. `steps` name what made
   * them, for people; unlike those of `derive` they need not be known to `applySteps`.
   */
  adopt(
    bytes: Uint8Array,
    from: readonly Span[],
    steps: readonly Step[],
    source?: string,
    kind = "member",
  ): View {
    const id = this.#entries.length;
    const view = new View(plain(bytes), id, 0);
    this.#entries.push({
      id,
      kind,
      ...(source === undefined ? {} : { source }),
      from: [...from],
      steps: [...steps],
      view,
    });
    return view;
  }

  /** The bytes of `spans`, concatenated; undefined when one lies outside its artifact. */
  read(spans: readonly Span[]): Uint8Array | undefined {
    const parts: Uint8Array[] = [];
    for (const span of spans) {
      const part = this.#entries[span.artifact]?.view.sub(span.offset, span.length);
      if (part === undefined) return undefined;
      parts.push(part.bytes);
    }
    return parts.length === 1 ? (parts[0] as Uint8Array) : concatBytes(...parts);
  }

  /** The way from the sample to an artifact, for people: `["resource RCDATA/SETTINGS", "rc4"]`. */
  chain(id: ArtifactId): string[] {
    const entry = this.#entries[id];
    if (entry === undefined || id === 0) return [];
    const before = entry.from[0] === undefined ? [] : this.chain(entry.from[0].artifact);
    return [
      ...before,
      ...(entry.source === undefined ? [] : [entry.source]),
      ...entry.steps.map((step) => step.op),
    ];
  }
}
