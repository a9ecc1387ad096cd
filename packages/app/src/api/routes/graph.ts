/** Graphs to draw: around a value, of the whole corpus, between two nodes. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { expandHub, NODE_KINDS, neighbourhood } from "../../store/graph.ts";
import { communityGraph, overview } from "../../store/graph-overview.ts";
import { path } from "../../store/graph-path.ts";
import type { Context } from "../context.ts";
import { rangeOf } from "../days.ts";
import { ApiError } from "../problem.ts";
import { DEFAULT_PAGE, problems, ref } from "../schemas/common.ts";
import {
  CommunityParams,
  CommunityQuery,
  Graph,
  GraphExpandQuery,
  GraphOverviewQuery,
  GraphPathQuery,
  GraphQuery,
} from "../schemas/correlation.ts";

const DEFAULT_DEPTH = 2;
const DEFAULT_NODES = 300;
const DEFAULT_STEPS = 8;

export const graphRoutes: FastifyPluginAsyncTypebox<Context> = async (app, { corpus }) => {
  const { db } = corpus;

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
    "/api/v1/graph/overview",
    {
      config: { role: "read" },
      schema: {
        summary:
          "The whole corpus: its communities or its clusters, largest first, and what leads between them",
        querystring: GraphOverviewQuery,
        response: { 200: ref(Graph), ...problems },
      },
    },
    async ({ query }) =>
      overview(db, { level: query.level ?? "communities", limit: query.limit ?? DEFAULT_NODES }),
  );

  app.get(
    "/api/v1/graph/communities/:community",
    {
      config: { role: "read" },
      schema: {
        summary: "A community with its clusters",
        params: CommunityParams,
        querystring: CommunityQuery,
        response: { 200: ref(Graph), ...problems },
      },
    },
    async ({ params, query }) => {
      const found = await communityGraph(db, params.community, query.limit ?? DEFAULT_NODES);
      if (found === undefined) throw new ApiError("not-found", "no such community");
      return found;
    },
  );

  app.get(
    "/api/v1/graph/path",
    {
      config: { role: "read" },
      schema: {
        summary:
          "The shortest way between two values over samples and what they share; no nodes: none was found",
        querystring: GraphPathQuery,
        response: { 200: ref(Graph), ...problems },
      },
    },
    async ({ query }) => {
      const found = await path(db, query.from, query.to, { maxSteps: query.steps ?? DEFAULT_STEPS });
      if (found === undefined) throw new ApiError("not-found", "the corpus knows nothing of one of the two");
      return found;
    },
  );
};
