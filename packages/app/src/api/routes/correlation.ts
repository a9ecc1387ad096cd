/** Pivots, clusters, indicators, and what may tie nothing. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { clusters } from "../../store/clusters.ts";
import { addExclusion, listExclusions, removeExclusion } from "../../store/exclusions.ts";
import { type IndicatorFilter, listIndicators } from "../../store/indicators.ts";
import { pivot } from "../../store/pivot.ts";
import type { Context } from "../context.ts";
import { isCount, isInstant, isUuid, readCursor, writeCursor } from "../cursor.ts";
import { rangeOf } from "../days.ts";
import { ApiError } from "../problem.ts";
import { DEFAULT_PAGE, Nothing, problems, ref } from "../schemas/common.ts";
import {
  ClusterPage,
  ExclusionBody,
  ExclusionList,
  ExclusionQuery,
  IndicatorPage,
  IndicatorQuery,
  PageQuery,
  Pivot,
  PivotQuery,
} from "../schemas/correlation.ts";

/** Samples and ties told of one cluster. */
const MAX_MEMBERS = 100;

export const correlationRoutes: FastifyPluginAsyncTypebox<Context> = async (app, { corpus, now }) => {
  const { db } = corpus;

  app.get(
    "/api/v1/pivot",
    {
      config: { role: "read" },
      schema: {
        summary: "What shares a value, how rare it is, where to go next",
        querystring: PivotQuery,
        response: { 200: ref(Pivot), ...problems },
      },
    },
    async ({ query }) => {
      const limit = query.limit ?? DEFAULT_PAGE;
      return pivot(db, query.value, { limit, next: limit });
    },
  );

  app.get(
    "/api/v1/clusters",
    {
      config: { role: "read" },
      schema: {
        summary: "Samples that belong together over the whole corpus, largest first",
        querystring: PageQuery,
        response: { 200: ref(ClusterPage), ...problems },
      },
    },
    async ({ query }) => {
      const limit = query.limit ?? DEFAULT_PAGE;
      const [from] = readCursor<[number]>(query.cursor, ["clusters"], [isCount]) ?? [0];
      const found = await clusters(db, { limit, offset: from, members: MAX_MEMBERS });
      return {
        clusters: found,
        next: found.length < limit ? null : writeCursor(["clusters"], [from + limit]),
      };
    },
  );

  app.get(
    "/api/v1/indicators",
    {
      config: { role: "read" },
      schema: {
        summary: "Indicators of the corpus, seen last first",
        querystring: IndicatorQuery,
        response: { 200: ref(IndicatorPage), ...problems },
      },
    },
    async ({ query }) => {
      const { cursor, limit = DEFAULT_PAGE, since, until, ...rest } = query;
      const filter: IndicatorFilter = { ...rest, ...rangeOf({ since, until }) };
      const of = ["indicators", ...Object.entries(filter).sort(([a], [b]) => (a < b ? -1 : 1))];
      const after = readCursor<[string, string]>(cursor, of, [isInstant, isUuid]);
      const { rows, end } = await listIndicators(
        db,
        filter,
        limit,
        after && { lastSeen: after[0], id: after[1] },
      );
      return {
        indicators: rows,
        next: end === undefined || rows.length < limit ? null : writeCursor(of, [end.lastSeen, end.id]),
      };
    },
  );

  app.get(
    "/api/v1/exclusions",
    {
      config: { role: "read" },
      schema: {
        summary: "What may tie no samples together",
        response: { 200: ref(ExclusionList), ...problems },
      },
    },
    async () => ({ exclusions: await listExclusions(db) }),
  );

  app.post(
    "/api/v1/exclusions",
    {
      config: { role: "submit" },
      schema: {
        summary: "Keep a domain, address, range, socket, URL or TYPE:VALUE from tying samples",
        body: ref(ExclusionBody),
        response: { 204: Nothing, ...problems },
      },
    },
    async ({ body }, reply) => {
      if (!(await addExclusion(db, body.entry, now())))
        throw new ApiError("invalid-request", "no domain, address, range, socket, URL or TYPE:VALUE");
      return reply.code(204).send();
    },
  );

  app.delete(
    "/api/v1/exclusions",
    {
      config: { role: "submit" },
      schema: {
        summary: "Let it tie samples again",
        querystring: ExclusionQuery,
        response: { 204: Nothing, ...problems },
      },
    },
    async ({ query }, reply) => {
      if (!(await removeExclusion(db, query.entry))) throw new ApiError("not-found", "it is not on the list");
      return reply.code(204).send();
    },
  );
};
