/**
 * The work of a corpus: what is to be analysed, by whom and how far it is. One code path for the embedded database and for
 * a server: pg-boss keeps the jobs in it, beside tables that outlive them (tables.ts).
 */
import type { Corpus } from "../store/corpus.ts";
import { type Boss, openBoss } from "./boss.ts";
import { discard, inspectDead, listDead, putBack } from "./dead.ts";
import { type Engine, thisEngine } from "./engine.ts";
import { startRescan } from "./rescan.ts";
import { batchStatus, depth, listBatches, waiting } from "./status.ts";
import { PRIORITIES, putWishes } from "./submit.ts";
import {
  type BatchEvent,
  type BatchRow,
  type BatchStatus,
  type DeadLetter,
  type Depth,
  type Filter,
  type Page,
  QueueFull,
  type State,
  type SubmitRequest,
  type Submitted,
} from "./types.ts";
import { watchBatch } from "./watch.ts";

export * from "./types.ts";

export interface QueueOptions {
  /** Samples of a feed are refused when so many wait; an analyst's at twice as many. Default 100,000. */
  readonly maxQueued?: number;
  /** Instead of this program's, for tests. */
  readonly engine?: Engine;
}

export interface Queue {
  /** Rejects with QueueFull. Their blobs must be stored. */
  submit(request: SubmitRequest): Promise<Submitted>;
  status(batch: string, page?: Page & { readonly state?: State }): Promise<BatchStatus | undefined>;
  batches(page?: { readonly limit?: number; readonly after?: string }): Promise<BatchRow[]>;
  /** Events after number `since`, until the batch has ended. */
  watch(batch: string, since?: number, signal?: AbortSignal): AsyncIterable<BatchEvent>;
  depth(): Promise<Depth>;
  dead(page?: { readonly limit?: number; readonly after?: string }): Promise<DeadLetter[]>;
  inspect(id: string): Promise<DeadLetter | undefined>;
  /** False when no such letter is dead. */
  putBack(id: string): Promise<boolean>;
  discard(id: string): Promise<boolean>;
  /** The batch, whose members come as they are found. */
  rescan(filter: Filter): Promise<string>;
  close(): Promise<void>;
}

const MAX_QUEUED = 100_000;
/** How long to wait when the queue is full. */
const RETRY_AFTER_SECONDS = 30;

/** The corpus stays the caller's to close, after the queue. */
export async function openQueue(corpus: Corpus, options: QueueOptions = {}): Promise<Queue> {
  const boss = await openBoss(corpus, "client");
  return queueOn(corpus, boss, options);
}

function queueOn(corpus: Corpus, boss: Boss, options: QueueOptions): Queue {
  const { db } = corpus;
  const engine = options.engine ?? thisEngine();
  const maxQueued = options.maxQueued ?? MAX_QUEUED;
  return {
    submit: async ({ id, submissions }) => {
      const batch = id ?? crypto.randomUUID();
      const isFeed = submissions.some(({ priority }) => priority === "feed");
      const ahead = await waiting(db);
      if (ahead + submissions.length > (isFeed ? maxQueued : 2 * maxQueued))
        throw new QueueFull(ahead, RETRY_AFTER_SECONDS);
      const wishes = submissions.map((one) => ({ ...one, priority: PRIORITIES[one.priority] }));
      const accepted = await putWishes(db, boss, engine, { id: batch, kind: "upload" }, wishes);
      return { batch, accepted };
    },
    status: (batch, page) => batchStatus(db, batch, page),
    batches: (page) => listBatches(db, page),
    watch: (batch, since, signal) => watchBatch(db, batch, since, signal),
    depth: () => depth(db, boss),
    dead: (page) => listDead(db, page),
    inspect: (id) => inspectDead(db, id),
    putBack: (id) => putBack(db, boss, id),
    discard: (id) => discard(db, id),
    rescan: (filter) => startRescan(db, boss, engine, filter),
    close: () => boss.close(),
  };
}
