/** Takes samples as they are analysed: the blob first, then the rows, many at a time. */
import { createHash } from "node:crypto";
import type { Sample } from "@assay/core/model/index";
import type { RawPath } from "../batch/collect.ts";
import { readSample } from "../batch/read.ts";
import type { BlobStore } from "./blobs.ts";
import type { Corpus } from "./corpus.ts";
import { correlate } from "./correlate.ts";
import { putBatch } from "./put.ts";
import type { NewHolding } from "./put-holdings.ts";
import { blobs } from "./schema.ts";
import type { Run } from "./seen.ts";
import { refreshStatistics } from "./statistics.ts";
import { touchWatches, type WatchHit } from "./watch.ts";

/** Samples of one transaction. */
const BATCH = 64;

export interface Stored {
  /** Results taken; of these, indicators that a file was not known to hold before. */
  samples: number;
  newHoldings: number;
  blobs: number;
  /** Files whose bytes could not be kept, with the reason. */
  readonly notes: string[];
  readonly hits: WatchHit[];
}

export class CorpusWriter {
  readonly #corpus: Corpus;
  readonly #run: Run;
  readonly #maxBytes: number;
  #waiting: Sample[] = [];
  /** One batch at a time, in order. */
  #last: Promise<void> = Promise.resolve();
  /** Each file's bytes are there before the row that names them. */
  readonly #blobs = new Map<string, { readonly size: number; readonly stored: Promise<void> }>();
  readonly #done: Stored = { samples: 0, newHoldings: 0, blobs: 0, notes: [], hits: [] };

  /** Files larger than `maxBytes` are not kept themselves; their results are. */
  constructor(corpus: Corpus, run: Run, maxBytes: number) {
    this.#corpus = corpus;
    this.#run = run;
    this.#maxBytes = maxBytes;
  }

  async add(sample: Sample, path: RawPath | undefined): Promise<void> {
    if (sample.sha256 === null) return;
    if (path !== undefined) await this.#keep(sample.sha256, path);
    this.#waiting.push(sample);
    if (this.#waiting.length >= BATCH) await this.#flush();
  }

  /** Writes what still waits; all that was added is in the corpus when this returns. */
  async end(): Promise<Stored> {
    await this.#flush();
    await refreshStatistics(this.#corpus.db);
    await correlate(this.#corpus.db);
    return this.#done;
  }

  async #keep(sha256: string, path: RawPath): Promise<void> {
    const { blobs: store } = this.#corpus;
    if (store === undefined) return;
    const known = this.#blobs.get(sha256);
    if (known !== undefined) return known.stored;
    const read = readSample(path, this.#maxBytes);
    if (!("bytes" in read)) {
      this.#done.notes.push(`${path.toString()}: not kept: ${read.reason.text}`);
      return;
    }
    if (createHash("sha256").update(read.bytes).digest("hex") !== sha256) {
      this.#done.notes.push(`${path.toString()}: not kept: it has changed since it was analysed`);
      return;
    }
    const stored = this.#put(store, sha256, read.bytes);
    this.#blobs.set(sha256, { size: read.bytes.length, stored });
    await stored;
  }

  async #put(store: BlobStore, sha256: string, bytes: Uint8Array): Promise<void> {
    if (await store.has(sha256)) return;
    await store.put(sha256, bytes);
    this.#done.blobs++;
  }

  #flush(): Promise<void> {
    const batch = this.#waiting;
    this.#waiting = [];
    this.#last = this.#last.then(() => this.#write(batch));
    return this.#last;
  }

  async #write(batch: readonly Sample[]): Promise<void> {
    if (batch.length === 0) return;
    const { db } = this.#corpus;
    const at = new Date().toISOString();
    const seen = batch.map((sample) => ({ sample, firstAt: at, lastAt: at }));
    const gained: NewHolding[] = await db.transaction(async (tx) => {
      const rows = batch.flatMap(({ sha256 }) => {
        const size = sha256 === null ? undefined : this.#blobs.get(sha256)?.size;
        return sha256 === null || size === undefined ? [] : [{ sha256, size, storedAt: at }];
      });
      if (rows.length > 0) await tx.insert(blobs).values(rows).onConflictDoNothing();
      const added = await putBatch(tx, this.#run, seen);
      this.#done.hits.push(...(await touchWatches(tx, added, at)));
      return added;
    });
    this.#done.samples += batch.length;
    this.#done.newHoldings += gained.length;
  }
}
