/** The analyst's pages: files of their build, nothing else. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import { ApiError } from "./problem.ts";
import { exact, problems, text } from "./schemas/common.ts";

const INDEX = "index.html";
/** Files whose names change with their content. */
const HASHED = /^assets\//;
const YEAR_S = 365 * 24 * 3600;

export interface PagesOptions {
  /** Holds index.html. */
  readonly folder: string;
}

export function hasPages(folder: string): boolean {
  return existsSync(join(folder, INDEX));
}

export const pageRoutes: FastifyPluginAsyncTypebox<PagesOptions> = async (app, { folder }) => {
  await app.register(fastifyStatic, {
    root: folder,
    serve: false,
    cacheControl: false,
    dotfiles: "deny",
    index: false,
  });
  app.get(
    "/*",
    {
      config: { role: "read" },
      schema: {
        hide: true,
        params: exact({ "*": Type.String({ maxLength: 1024 }) }),
        // Pages keep their state in the query.
        querystring: Type.Object({}, { additionalProperties: true }),
        response: { 200: text("*/*"), ...problems },
      },
    },
    async (request, reply) => {
      const path = request.params["*"];
      if (/^(?:api|taxii2)(?:\/|$)/.test(path)) throw new ApiError("not-found");
      // A path without an ending is a page's own address.
      const file = /\.[A-Za-z0-9]+$/.test(path) ? path : INDEX;
      if (!existsSync(join(folder, file))) throw new ApiError("not-found");
      reply.header("cache-control", HASHED.test(file) ? `private, max-age=${YEAR_S}, immutable` : "no-cache");
      return reply.sendFile(file);
    },
  );
};
