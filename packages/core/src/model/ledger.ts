import { type ArtifactId, type ByteSource, concatBytes, type Span, View } from "../bytes/index.ts";
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
  /** Its bytes; empty for a sample that is too large to be held, whose `size` tells how large. */
  readonly view: View;
  readonly size: number;
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
  readonly #source: ByteSource | undefined;

  /** `sample`: the bytes of the sample itself, which become artifact 0; or where to read them when they are too many. */
  constructor(sample: Uint8Array | ByteSource) {
    const isHeld = sample instanceof Uint8Array;
    this.#source = isHeld ? undefined : sample;
    const bytes = isHeld ? plain(sample) : new Uint8Array(0);
    const size = isHeld ? sample.length : sample.size;
    this.#entries.push({ id: 0, kind: "sample", from: [], steps: [], view: new View(bytes, 0, 0), size });
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
      size: view.length,
    });
    return view;
  }

  /** Lets go of the artifacts from number `first` on. Nobody may refer to them any more. */
  forget(first: ArtifactId): void {
    this.#entries.length = Math.min(this.#entries.length, Math.max(1, first));
  }

  /** The bytes of `spans`, concatenated; undefined when one lies outside its artifact. */
  read(spans: readonly Span[]): Uint8Array | undefined {
    const parts: Uint8Array[] = [];
    for (const span of spans) {
      const part = this.#read(span);
      if (part === undefined) return undefined;
      parts.push(part);
    }
    return parts.length === 1 ? (parts[0] as Uint8Array) : concatBytes(...parts);
  }

  #read({ artifact, offset, length }: Span): Uint8Array | undefined {
    if (artifact !== 0 || this.#source === undefined)
      return this.#entries[artifact]?.view.sub(offset, length)?.bytes;
    const read = offset >= 0 && length >= 0 ? this.#source.read(offset, length) : undefined;
    return read?.length === length ? read.slice() : undefined;
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
