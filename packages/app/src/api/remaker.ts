/** Artifacts made again from the stored sample: by the spans and steps that they are, or by taking the sample apart once more. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { concatBytes } from "@assay/core/bytes/index";
import type { Sample } from "@assay/core/model/index";
import type { Step } from "@assay/core/model/report";
import { applySteps, canApply } from "@assay/core/model/steps";
import type { MemoryFlags } from "../batch/memory-file.ts";
import type { Pool } from "../pool/pool.ts";

/** Bytes of artifacts that are kept for the next look. */
const MAX_KEPT = 256 * 1024 ** 2;
const TIMEOUT_MS = 60_000;
const MODE = 0o600;
/** Bytes of input or output up to which steps are done in this process; they are pure functions, and the outcome is known. */
const MAX_DONE_AGAIN = 1024 ** 2;
/** Artifacts cut out of one another. */
const MAX_DEPTH = 16;

/** Starts the process in which samples are taken apart; it may read `folder` only. */
export type OpenPool = (folder: string, timeoutMs: number) => Pool;

export class Remaker {
  readonly #openPool: OpenPool;
  readonly #kept = new Map<string, Uint8Array>();
  #keptBytes = 0;
  #pool: Pool | undefined;
  #folder: string | undefined;

  constructor(openPool: OpenPool) {
    this.#openPool = openPool;
  }

  /** `load` gives the bytes of the file that `sample` is the report of. Undefined when it does not come out any more. */
  async bytesOf(
    sample: Sample,
    id: number,
    load: () => Promise<Uint8Array>,
  ): Promise<Uint8Array | undefined> {
    const artifact = sample.artifacts[id];
    if (artifact === undefined) return undefined;
    const known = this.#kept.get(artifact.sha256);
    if (known !== undefined) {
      // Looked at last: dropped last.
      this.#kept.delete(artifact.sha256);
      this.#kept.set(artifact.sha256, known);
      return known;
    }
    const file = await load();
    const cut = doneAgain(sample, id, new Map([[0, file]]));
    if (cut !== undefined) {
      this.#keep(artifact.sha256, cut);
      return cut;
    }
    for (const [sha256, bytes] of await this.#takeApart(sample, file)) this.#keep(sha256, bytes);
    return this.#kept.get(artifact.sha256);
  }

  /** In a process of its own, as every analysis. */
  async #takeApart(sample: Sample, file: Uint8Array): Promise<ReadonlyMap<string, Uint8Array>> {
    this.#folder ??= mkdtempSync(join(tmpdir(), "assay-remake-"));
    this.#pool ??= this.#openPool(this.#folder, TIMEOUT_MS);
    const path = join(this.#folder, sample.sha256 ?? "sample");
    writeFileSync(path, file, { mode: MODE });
    try {
      const { sample: again, bytes } = await this.#pool.inspect(
        Buffer.from(path),
        sample.names[0] ?? "sample",
        true,
        { passwords: passwordsOf(sample), ...memoryFlagsOf(sample) },
      );
      const wanted = new Set(sample.artifacts.map(({ sha256 }) => sha256));
      return new Map(
        again.artifacts.flatMap(({ id, sha256 }) => {
          const own = bytes.get(id);
          return own === undefined || !wanted.has(sha256) ? [] : [[sha256, own] as const];
        }),
      );
    } finally {
      rmSync(path, { force: true });
    }
  }

  #keep(sha256: string, bytes: Uint8Array): void {
    if (bytes.length > MAX_KEPT || this.#kept.has(sha256)) return;
    this.#kept.set(sha256, bytes);
    this.#keptBytes += bytes.length;
    for (const [oldest, own] of this.#kept) {
      if (this.#keptBytes <= MAX_KEPT || oldest === sha256) break;
      this.#kept.delete(oldest);
      this.#keptBytes -= own.length;
    }
  }

  close(): void {
    this.#pool?.close();
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Those that opened the archives in it: its report names them with each member. */
function passwordsOf({ artifacts }: Sample): string[] {
  const all = artifacts.flatMap(({ steps }) => steps ?? []).map(({ params }) => params?.password);
  return [...new Set(all.filter((one) => typeof one === "string"))];
}

/** How the sample was said to be memory, where its bytes alone do not say so. */
function memoryFlagsOf({ memory, artifacts }: Sample): { readonly memory?: MemoryFlags } {
  if (memory?.kind === "raw") return { memory: { kind: "raw" } };
  if (memory?.kind !== "region") return {};
  for (const { memory: place, from } of artifacts) {
    const [first] = from ?? [];
    if (place !== undefined && first?.artifact === 0)
      return { memory: { kind: "region", base: BigInt(place.address) - BigInt(first.offset) } };
  }
  return { memory: { kind: "region" } };
}

/**
 * An artifact made of spans of others by the steps that its report names, down to the file: so a value decoded from a
 * dump of gigabytes is there at once. Undefined when it is large, when any step needs more than itself (an archive's
 * program, an unpacker), or when the result is another. `made` begins with the file; each is made once, however many
 * pieces are taken of it.
 */
function doneAgain(
  sample: Sample,
  id: number,
  made: Map<number, Uint8Array | undefined>,
  depth = 0,
): Uint8Array | undefined {
  if (!made.has(id)) made.set(id, depth > MAX_DEPTH ? undefined : makeOne(sample, id, made, depth));
  return made.get(id);
}

function makeOne(
  sample: Sample,
  id: number,
  made: Map<number, Uint8Array | undefined>,
  depth: number,
): Uint8Array | undefined {
  const artifact = sample.artifacts[id];
  if (artifact?.from === undefined) return undefined;
  const steps = artifact.steps ?? [];
  const size = artifact.from.reduce((sum, { length }) => sum + length, 0);
  if (!steps.every(canApply) || (steps.length > 0 && Math.max(size, artifact.size) > MAX_DONE_AGAIN))
    return undefined;
  const parts: Uint8Array[] = [];
  for (const { artifact: parent, offset, length } of artifact.from) {
    const whole = parent < id ? doneAgain(sample, parent, made, depth + 1) : undefined;
    if (whole === undefined || offset < 0 || length < 0 || offset + length > whole.length) return undefined;
    parts.push(whole.subarray(offset, offset + length));
  }
  const bytes = applySteps(steps as Step[], concatBytes(...parts));
  const isSame = bytes !== undefined && createHash("sha256").update(bytes).digest("hex") === artifact.sha256;
  return isSame ? bytes : undefined;
}
