/** Bytes of artifacts, asked for in blocks that are kept. */
import { type Answer, type Failure, get } from "../api-client.ts";
import type { ArtifactBytes } from "../api-types.ts";

/** As many as the API gives at once. */
export const BLOCK = 64 * 1024;
/** Blocks kept. */
const KEPT = 64;

export interface Block {
  readonly bytes: Uint8Array;
  /** Of the whole artifact. */
  readonly size: number;
}

export function decode64(text: string): Uint8Array {
  const raw = atob(text);
  const out = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
  return out;
}

/** Of one sample. */
export class BytesSource {
  readonly #sha256: string;
  readonly #blocks = new Map<string, Promise<Answer<Block>>>();

  constructor(sha256: string) {
    this.#sha256 = sha256;
  }

  /** The block that starts at `start`, a multiple of BLOCK. */
  block(artifact: number, start: number): Promise<Answer<Block>> {
    const key = `${artifact}:${start}`;
    const known = this.#blocks.get(key);
    if (known !== undefined) return known;
    const asked = this.#ask(artifact, start);
    this.#blocks.set(key, asked);
    void asked.then((answer) => {
      // What failed may do better next time.
      if (!answer.ok) this.#blocks.delete(key);
    });
    const [oldest] = this.#blocks.keys();
    if (this.#blocks.size > KEPT && oldest !== undefined) this.#blocks.delete(oldest);
    return asked;
  }

  async #ask(artifact: number, offset: number): Promise<Answer<Block>> {
    const answer = await get<ArtifactBytes>(`/api/v1/samples/${this.#sha256}/artifacts/${artifact}/bytes`, {
      offset,
      length: BLOCK,
    });
    if (!answer.ok) return answer;
    return { ok: true, value: { bytes: decode64(answer.value.base64), size: answer.value.size } };
  }

  /** Bytes of these spans, one after the other; a failure when one of them is not to be had. */
  async read(
    spans: readonly { readonly artifact: number; readonly offset: number; readonly length: number }[],
    limit: number,
  ): Promise<Answer<Uint8Array>> {
    const total = spans.reduce((sum, { length }) => sum + length, 0);
    if (total > limit) return { ok: false, error: tooLong(total) };
    const out = new Uint8Array(total);
    let filled = 0;
    for (const { artifact, offset, length } of spans)
      for (let at = offset; at < offset + length; ) {
        const start = at - (at % BLOCK);
        const answer = await this.block(artifact, start);
        if (!answer.ok) return answer;
        const part = answer.value.bytes.subarray(at - start, Math.min(BLOCK, offset + length - start));
        if (part.length === 0) return { ok: false, error: tooLong(total) };
        out.set(part, filled);
        filled += part.length;
        at += part.length;
      }
    return { ok: true, value: out };
  }
}

function tooLong(bytes: number): Failure {
  return { status: 0, code: "too-long", title: `${bytes} bytes are too many to do it again here` };
}
