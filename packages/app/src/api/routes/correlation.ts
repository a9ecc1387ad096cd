/** Pivots, the graph, clusters, indicators, and what may tie nothing. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { clusters } from "../../store/clusters.ts";
import { addExclusion, listExclusions, removeExclusion } from "../../store/exclusions.ts";
import { expandHub, NODE_KINDS, neighbourhood } from "../../store/graph.ts";
import { type IndicatorFilter, listIndicators } from "../../store/indicators.ts";
import { pivot } from "../../store/pivot.ts";
import type { Context } from "../context.ts";
import { isCount, isInstant, isUuid, readCursor, writeCursor } from "../cursor.ts";
import { ApiError } from "../problem.ts";
import { DEFAULT_PAGE, Nothing, problems, ref } from "../schemas/common.ts";
import {
  ClusterPage,
  ExclusionBody,
  ExclusionList,
  ExclusionQuery,
  Graph,
  GraphExpandQuery,
  GraphQuery,
  IndicatorPage,
  IndicatorQuery,
  PageQuery,
  Pivot,
  PivotQuery,
} from "../schemas/correlation.ts";

const DEFAULT_DEPTH = 2;
const DEFAULT_NODES = 300;
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
    "/api/v1/graph",
    {
      config: { role: "read" },
      schema: {
        summary:
          "What is around a value, aggregated: a hub is a page of its samples and a group of the others",
        querystring: GraphQuery,
        response: { 200: ref(Graph), ...problems },
      },
    },
    async ({ query }) => {
      const wanted = query.kinds?.split(",").filter((kind) => kind !== "");
      const kinds = wanted === undefined ? undefined : NODE_KINDS.filter((kind) => wanted.includes(kind));
      const unknown = wanted?.find((kind) => !(NODE_KINDS as readonly string[]).includes(kind));
      if (unknown !== undefined)
        throw new ApiError("invalid-request", `no kind ${unknown}; there are ${NODE_KINDS.join(", ")}`);
      return neighbourhood(db, query.seed, {
        depth: query.depth ?? DEFAULT_DEPTH,
        limit: query.limit ?? DEFAULT_NODES,
        ...(kinds === undefined ? {} : { kinds }),
        ...rangeOf(query),
      });
    },
  );

  app.get(
    "/api/v1/graph/expand",
    {
      config: { role: "read" },
      schema: {
        summary: "More samples of a hub: those that its group stands for",
        querystring: GraphExpandQuery,
        response: { 200: ref(Graph), ...problems },
      },
    },
    async ({ query }) => {
      const found = await expandHub(db, query.node, query.cursor, {
        limit: query.limit ?? DEFAULT_PAGE,
        ...rangeOf(query),
      });
      if (found !== undefined) return found;
      throw query.cursor === undefined
        ? new ApiError("not-found", "no such node with samples around it")
        : new ApiError("invalid-cursor", "no such node, or the cursor is of another");
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

/** Days as moments. */
function rangeOf({
  since,
  until,
}: {
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}) {
  const moment = (day: string) => `${day}T00:00:00.000Z`;
  return {
    ...(since === undefined ? {} : { since: moment(since) }),
    ...(until === undefined ? {} : { until: moment(until) }),
  };
}
