/**
 * A batch as it fills: its table page by page, then what happens in it. An event marks the page of its file, and marked
 * pages are read again a few times a second, so that a batch of 100,000 costs no more than it changes.
 */
import { type Failure, get } from "../api-client.ts";
import type { BatchDetail, BatchEvent, BatchTable, BatchTableRow } from "../api-types.ts";
import { listen } from "../sse.ts";

const PAGE = 1000;
/** Pages are read again so often (ms), and no more of them at a time. */
const TICK_MS = 700;
const PAGES_PER_TICK = 3;
/** Clusters are drawn a moment after the last result. */
const SETTLE_MS = 1500;

export interface FeedState {
  readonly detail: BatchDetail | undefined;
  readonly rows: readonly BatchTableRow[];
  /** All pages were read once. */
  readonly complete: boolean;
  /** Whether events come. */
  readonly live: boolean;
  readonly failure: Failure | undefined;
}

interface Page {
  readonly cursor: string | undefined;
  rows: readonly BatchTableRow[];
  next: string | null;
  dirty: boolean;
}

export const EMPTY: FeedState = {
  detail: undefined,
  rows: [],
  complete: false,
  live: false,
  failure: undefined,
};

export class BatchFeed {
  readonly #batch: string;
  readonly #onChange: (state: FeedState) => void;
  readonly #gone = new AbortController();
  #pages: Page[] = [];
  #byFile = new Map<string, Page>();
  #detail: BatchDetail | undefined;
  #complete = false;
  #live = false;
  #failure: Failure | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #changed = false;

  constructor(batch: string, onChange: (state: FeedState) => void) {
    this.#batch = batch;
    this.#onChange = onChange;
  }

  async start(): Promise<void> {
    if (!(await this.#readDetail())) return;
    const since = this.#detail?.events ?? 0;
    await this.#readAll();
    this.#tell();
    if (this.#gone.signal.aborted || this.#detail?.ended === true) return;
    this.#schedule();
    await listen({
      path: `/api/v1/batches/${this.#batch}/events`,
      since,
      signal: this.#gone.signal,
      onEvent: ({ event, data }) => {
        if (event === "sample") this.#mark(JSON.parse(data) as BatchEvent);
      },
      onState: (live, failure) => {
        this.#live = live;
        this.#failure = failure?.code === "aborted" ? undefined : failure;
        this.#changed = true;
        this.#tell();
      },
    });
    if (this.#gone.signal.aborted) return;
    this.#live = false;
    for (const delay of [0, SETTLE_MS]) {
      await new Promise((resolve) => setTimeout(resolve, delay));
      if (this.#gone.signal.aborted) return;
      // Clusters and shared C2s may have come to rows that were there already.
      for (const page of this.#pages) page.dirty = true;
      await this.#readDetail();
      await this.#readDirty(this.#pages.length);
      this.#tell();
    }
  }

  stop(): void {
    this.#gone.abort();
    clearTimeout(this.#timer);
  }

  #mark({ sha256, state, outcome, stage, reason }: BatchEvent): void {
    this.#changed = true;
    const page = this.#byFile.get(sha256);
    if (page === undefined) {
      // Of a file that came after: it is on the last page or behind it.
      const last = this.#pages.at(-1);
      if (last !== undefined) last.dirty = true;
      return;
    }
    if (state === "done" || state === "failed" || state === "dead") page.dirty = true;
    page.rows = page.rows.map((row) =>
      row.file === sha256 ? { ...row, state, outcome, stage, reason: reason ?? row.reason } : row,
    );
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      void this.#tick().then(() => {
        if (!this.#gone.signal.aborted && this.#live) this.#schedule();
        else if (!this.#gone.signal.aborted && this.#detail?.ended !== true) this.#schedule();
      });
    }, TICK_MS);
  }

  async #tick(): Promise<void> {
    if (!this.#changed) return;
    this.#changed = false;
    await this.#readDetail();
    const shown = this.#pages.reduce((n, page) => Math.max(n, page.rows.at(-1)?.n ?? 0), 0);
    const last = this.#pages.at(-1);
    if (last !== undefined && (this.#detail?.total ?? 0) > shown) last.dirty = true;
    await this.#readDirty(PAGES_PER_TICK);
    this.#tell();
  }

  async #readDetail(): Promise<boolean> {
    const answer = await get<BatchDetail>(`/api/v1/batches/${this.#batch}`, { limit: 1 }, this.#gone.signal);
    if (answer.ok) this.#detail = answer.value;
    else if (answer.error.code !== "aborted") {
      this.#failure = answer.error;
      this.#tell();
    }
    return answer.ok;
  }

  async #readAll(): Promise<void> {
    let cursor: string | undefined;
    let told = Number.NEGATIVE_INFINITY;
    do {
      const page: Page = { cursor, rows: [], next: null, dirty: true };
      if (!(await this.#read(page))) return;
      this.#pages.push(page);
      cursor = page.next ?? undefined;
      // Whoever looks sorts all rows anew: not for each of a hundred pages.
      if (performance.now() - told < TICK_MS) continue;
      this.#tell();
      told = performance.now();
    } while (cursor !== undefined);
    this.#complete = true;
  }

  async #readDirty(most: number): Promise<void> {
    for (const page of this.#pages.filter(({ dirty }) => dirty).slice(0, most)) {
      const had = page.next;
      if (!(await this.#read(page))) {
        this.#changed = true;
        return;
      }
      if (had === null && page.next !== null) await this.#readOn(page.next);
    }
    if (this.#pages.some(({ dirty }) => dirty)) this.#changed = true;
  }

  /** Pages that were not there before. */
  async #readOn(from: string): Promise<void> {
    for (let cursor: string | null = from; cursor !== null; ) {
      const page: Page = { cursor, rows: [], next: null, dirty: false };
      if (!(await this.#read(page))) return;
      this.#pages.push(page);
      cursor = page.next;
    }
  }

  async #read(page: Page): Promise<boolean> {
    // What happens from here on marks it again.
    page.dirty = false;
    const answer = await get<BatchTable>(
      `/api/v1/batches/${this.#batch}/table`,
      { limit: PAGE, cursor: page.cursor },
      this.#gone.signal,
    );
    if (!answer.ok) {
      page.dirty = true;
      if (answer.error.code !== "aborted") this.#failure = answer.error;
      return false;
    }
    this.#failure = undefined;
    page.rows = answer.value.rows;
    page.next = answer.value.next;
    for (const { file } of page.rows) this.#byFile.set(file, page);
    return true;
  }

  #tell(): void {
    if (this.#gone.signal.aborted) return;
    this.#onChange({
      detail: this.#detail,
      rows: this.#pages.flatMap(({ rows }) => rows),
      complete: this.#complete,
      live: this.#live,
      failure: this.#failure,
    });
  }
}
