/** The queue, dead letters, rescans, watches. */

import { defangIndicator } from "@assay/core/indicators/defang";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { DeadLetter } from "../../jobs/queue.ts";
import { addWatch, listHits, listWatches, removeWatch } from "../../store/watch.ts";
import type { Context } from "../context.ts";
import { isHash, isInstant, isUuid, readCursor, writeCursor } from "../cursor.ts";
import { ApiError } from "../problem.ts";
import { DEFAULT_PAGE, Nothing, problems, ref } from "../schemas/common.ts";
import {
  DeadLetterSchema,
  DeadPage,
  DeadParams,
  DeadQuery,
  QueueDepth,
  Rescan,
  RescanBody,
  WatchBody,
  WatchHitQuery,
  WatchHits,
  WatchList,
  WatchQuery,
} from "../schemas/work.ts";

export const workRoutes: FastifyPluginAsyncTypebox<Context> = async (app, { corpus, queue, now }) => {
  const { db } = corpus;

  app.get(
    "/api/v1/queue",
    {
      config: { role: "read" },
      schema: { summary: "How much waits, and who works", response: { 200: ref(QueueDepth), ...problems } },
    },
    async () => queue.depth(),
  );

  app.get(
    "/api/v1/dead",
    {
      config: { role: "read" },
      schema: {
        summary: "Jobs that were given up, oldest first",
        querystring: DeadQuery,
        response: { 200: ref(DeadPage), ...problems },
      },
    },
    async ({ query }) => {
      const limit = query.limit ?? DEFAULT_PAGE;
      const [after] = readCursor<[string]>(query.cursor, ["dead"], [isUuid]) ?? [];
      const dead = await queue.dead({ limit, ...(after === undefined ? {} : { after }) });
      const last = dead.at(-1);
      return {
        dead: dead.map(shown),
        next: last === undefined || dead.length < limit ? null : writeCursor(["dead"], [last.id]),
      };
    },
  );

  app.get(
    "/api/v1/dead/:id",
    {
      config: { role: "read" },
      schema: {
        summary: "One of them",
        params: DeadParams,
        response: { 200: ref(DeadLetterSchema), ...problems },
      },
    },
    async ({ params }) => {
      const letter = await queue.inspect(params.id.toLowerCase());
      if (letter === undefined) throw notDead(params.id);
      return shown(letter);
    },
  );

  app.post(
    "/api/v1/dead/:id/retry",
    {
      config: { role: "admin" },
      schema: {
        summary: "Put it back into the queue",
        params: DeadParams,
        response: { 204: Nothing, ...problems },
      },
    },
    async ({ params }, reply) => {
      if (!(await queue.putBack(params.id.toLowerCase()))) throw notDead(params.id);
      return reply.code(204).send();
    },
  );

  app.delete(
    "/api/v1/dead/:id",
    {
      config: { role: "admin" },
      schema: { summary: "Give it up for good", params: DeadParams, response: { 204: Nothing, ...problems } },
    },
    async ({ params }, reply) => {
      if (!(await queue.discard(params.id.toLowerCase()))) throw notDead(params.id);
      return reply.code(204).send();
    },
  );

  app.post(
    "/api/v1/rescans",
    {
      config: { role: "submit" },
      schema: {
        summary: "Analyse stored samples again: with a new engine, for a family that gained a layout",
        body: ref(RescanBody),
        response: { 202: ref(Rescan), ...problems },
      },
    },
    async ({ body }, reply) => {
      const { since, ...filter } = body;
      const batch = await queue.rescan({
        ...filter,
        ...(since === undefined ? {} : { since: `${since}T00:00:00.000Z` }),
      });
      reply.code(202);
      return { batch };
    },
  );

  app.get(
    "/api/v1/watches",
    {
      config: { role: "read" },
      schema: { summary: "Values that somebody waits for", response: { 200: ref(WatchList), ...problems } },
    },
    async () => ({ watches: await listWatches(db) }),
  );

  app.post(
    "/api/v1/watches",
    {
      config: { role: "submit" },
      schema: {
        summary: "Wait for a value: a domain with all under it, a range, any value of a pivot",
        body: ref(WatchBody),
        response: { 204: Nothing, ...problems },
      },
    },
    async ({ body }, reply) => {
      if (!(await addWatch(db, body.value, now())))
        throw new ApiError("invalid-request", "nothing can match this");
      return reply.code(204).send();
    },
  );

  app.delete(
    "/api/v1/watches",
    {
      config: { role: "submit" },
      schema: { summary: "Wait no longer", querystring: WatchQuery, response: { 204: Nothing, ...problems } },
    },
    async ({ query }, reply) => {
      if (!(await removeWatch(db, query.value))) throw new ApiError("not-found", "it is not watched");
      return reply.code(204).send();
    },
  );

  app.get(
    "/api/v1/watches/hits",
    {
      config: { role: "read" },
      schema: {
        summary: "Samples that came to hold a watched value, newest first",
        querystring: WatchHitQuery,
        response: { 200: ref(WatchHits), ...problems },
      },
    },
    async ({ query }) => {
      const limit = query.limit ?? DEFAULT_PAGE;
      const of = ["hits", query.value ?? ""];
      const after = readCursor<[string, string, string, string]>(query.cursor, of, [
        isInstant,
        isHash,
        isUuid,
        isUuid,
      ]);
      const hits = await listHits(
        db,
        query.value,
        limit,
        after && { at: after[0], sample: after[1], indicator: after[2], watch: after[3] },
      );
      const last = hits.at(-1);
      return {
        hits: hits.map(({ watch, sample, type, value, at }) => ({
          ...{ watch, sample, type, value, at },
          defanged: defangIndicator(type, value),
        })),
        next:
          last === undefined || hits.length < limit
            ? null
            : writeCursor(of, [last.at, last.sample, last.indicator, last.key]),
      };
    },
  );
};

function shown({ id, sha256, size, tries, worker, queuedAt, diedAt, reason, names }: DeadLetter) {
  return { id, sha256, size, tries, worker: worker ?? null, queuedAt, diedAt, reason, names };
}

function notDead(id: string): ApiError {
  return new ApiError("not-found", `no dead letter ${id}`);
}
