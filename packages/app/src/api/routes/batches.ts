/** What became of uploads: states, events as they happen, one report of all. */

import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { BatchStatus, BatchEvent as QueueEvent } from "../../jobs/queue.ts";
import type { Context } from "../context.ts";
import { isCount, isUuid, readCursor, writeCursor } from "../cursor.ts";
import { ApiError } from "../problem.ts";
import { hashesOfBatch, reportStream } from "../results.ts";
import {
  BatchDetail,
  BatchListQuery,
  BatchPage,
  BatchParams,
  BatchQuery,
  EventsHeaders,
  EventsQuery,
} from "../schemas/batches.ts";
import { DEFAULT_PAGE, problems, ref, streamed, text } from "../schemas/common.ts";
import { MAX_EXPORT } from "../schemas/knowledge.ts";
import { Report } from "../schemas/samples.ts";
import { BatchTable, BatchTableQuery } from "../schemas/table.ts";
import { tableRows } from "../table.ts";

/** Silence is broken so often, so that nobody on the way takes the connection for dead (ms). */
const BEAT_MS = 15_000;
/** Files of a page of the table. */
const DEFAULT_TABLE_PAGE = 200;
/** A client that lost the connection comes back after this (ms). */
const RETRY_MS = 2000;

export const batchRoutes: FastifyPluginAsyncTypebox<Context> = async (app, context) => {
  const { corpus, queue, limits, metrics, stopping } = context;

  app.get(
    "/api/v1/batches",
    {
      config: { role: "read" },
      schema: {
        summary: "Batches, newest first",
        querystring: BatchListQuery,
        response: { 200: ref(BatchPage), ...problems },
      },
    },
    async ({ query }) => {
      const limit = query.limit ?? DEFAULT_PAGE;
      const [after] = readCursor<[string]>(query.cursor, ["batches"], [isUuid]) ?? [];
      const rows = await queue.batches({ limit, ...(after === undefined ? {} : { after }) });
      const last = rows.at(-1);
      return {
        batches: rows,
        next: last === undefined || rows.length < limit ? null : writeCursor(["batches"], [last.id]),
      };
    },
  );

  app.get(
    "/api/v1/batches/:batch",
    {
      config: { role: "read" },
      schema: {
        summary: "How far a batch is, and its samples in the order of their upload",
        params: BatchParams,
        querystring: BatchQuery,
        response: { 200: ref(BatchDetail), ...problems },
      },
    },
    async ({ params, query }) => {
      const of = ["batch", params.batch, query.state ?? ""];
      const [after] = readCursor<[number]>(query.cursor, of, [isCount]) ?? [];
      const found = await status(params.batch, {
        limit: query.limit ?? DEFAULT_PAGE,
        ...(query.state === undefined ? {} : { state: query.state }),
        ...(after === undefined ? {} : { after }),
      });
      const { id, kind, createdAt, total, byState, ended, events, samples, next } = found;
      return {
        ...{ id, kind, createdAt, total, byState, ended, events },
        samples: samples.map(({ sha256, name, state, tries, outcome, stage, reason }) => ({
          ...{ sha256, name, state, tries },
          ...{ outcome: outcome ?? null, stage: stage ?? null, reason: reason ?? null },
        })),
        next: next === undefined ? null : writeCursor(of, [next]),
      };
    },
  );

  app.get(
    "/api/v1/batches/:batch/events",
    {
      config: { role: "read" },
      schema: {
        summary: "What happens in a batch, as it happens (server-sent events)",
        description:
          "An event `sample` for each change of a sample, with a BatchEvent as data; `end` when nothing will change any more. After a lost connection the client's Last-Event-ID goes on where it was.",
        params: BatchParams,
        querystring: EventsQuery,
        headers: EventsHeaders,
        response: { 200: text("text/event-stream"), ...problems },
      },
    },
    async (request, reply) => {
      const { params, query, headers } = request;
      const since = Number(headers["last-event-id"] ?? query.since ?? 0);
      await status(params.batch, { limit: 1 });
      if (listeners >= limits.listeners) throw new ApiError("unavailable", "too many listen already");
      const gone = new AbortController();
      const signal = AbortSignal.any([gone.signal, stopping]);
      listeners++;
      metrics.listening(1);
      reply.raw.once("close", () => {
        listeners--;
        metrics.listening(-1);
        gone.abort();
      });
      return reply
        .type("text/event-stream; charset=utf-8")
        .header("x-accel-buffering", "no")
        .send(
          Readable.from(eventLines(queue.watch(params.batch, since, signal), signal), { objectMode: false }),
        );
    },
  );
  let listeners = 0;

  app.get(
    "/api/v1/batches/:batch/table",
    {
      config: { role: "read" },
      schema: {
        summary: "A batch with what was found in it: a row a file, also for files in archives",
        params: BatchParams,
        querystring: BatchTableQuery,
        response: { 200: ref(BatchTable), ...problems },
      },
    },
    async ({ params, query }) => {
      const of = ["table", params.batch];
      const [after] = readCursor<[number]>(query.cursor, of, [isCount]) ?? [];
      const found = await status(params.batch, {
        limit: query.limit ?? DEFAULT_TABLE_PAGE,
        ...(after === undefined ? {} : { after }),
      });
      return {
        rows: await tableRows(corpus.db, found.samples),
        next: found.next === undefined ? null : writeCursor(of, [found.next]),
      };
    },
  );

  app.get(
    "/api/v1/batches/:batch/report",
    {
      config: { role: "read" },
      schema: {
        summary: "One assay.report/1 of all that is done in a batch, with what ties its samples",
        params: BatchParams,
        response: { 200: streamed(ref(Report)), ...problems },
      },
    },
    async ({ params }, reply) => {
      const { total } = await status(params.batch, { limit: 1 });
      if (total > MAX_EXPORT)
        throw new ApiError("too-many", `${total} samples; a report holds ${MAX_EXPORT}`);
      const hashes = await hashesOfBatch(queue, params.batch);
      return reply
        .type("application/json; charset=utf-8")
        .send(Readable.from(reportStream(corpus.db, hashes)));
    },
  );

  async function status(batch: string, page: Parameters<typeof queue.status>[1]): Promise<BatchStatus> {
    const found = await queue.status(batch.toLowerCase(), page);
    if (found === undefined) throw new ApiError("not-found", `no batch ${batch}`);
    return found;
  }
};

/** Events as the browser reads them. Names and reasons are hostile: JSON keeps line breaks out of the stream. */
async function* eventLines(events: AsyncIterable<QueueEvent>, signal: AbortSignal): AsyncGenerator<string> {
  yield `retry: ${RETRY_MS}\n\n`;
  const iterator = events[Symbol.asyncIterator]();
  try {
    for (let next = iterator.next(); ; ) {
      const beat = new AbortController();
      const pause = sleep(BEAT_MS, "beat" as const, { signal: beat.signal }).catch(() => "beat" as const);
      const got = await Promise.race([next, pause]);
      beat.abort();
      if (got === "beat") {
        if (signal.aborted) return;
        yield ": still here\n\n";
        continue;
      }
      if (got.done === true) break;
      const { id, at, sha256, name, state, stage, outcome, reason } = got.value;
      const data = {
        ...{ id, at, sha256, name, state },
        ...{ stage: stage ?? null, outcome: outcome ?? null, reason: reason ?? null },
      };
      yield `id: ${id}\nevent: sample\ndata: ${JSON.stringify(data)}\n\n`;
      next = iterator.next();
    }
    if (!signal.aborted) yield "event: end\ndata: {}\n\n";
  } finally {
    await iterator.return?.();
  }
}
