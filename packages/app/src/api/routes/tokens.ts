/** Tokens, for who has the role admin: also while the server has the corpus to itself. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { createToken, listTokens, revokeToken } from "../../store/tokens.ts";
import type { Context } from "../context.ts";
import { ApiError } from "../problem.ts";
import { Nothing, problems, ref } from "../schemas/common.ts";
import { NewToken, TokenBody, TokenList, TokenParams } from "../schemas/system.ts";

export const tokenRoutes: FastifyPluginAsyncTypebox<Context> = async (app, { corpus, now }) => {
  app.get(
    "/api/v1/tokens",
    {
      config: { role: "admin" },
      schema: { summary: "Tokens, without their secrets", response: { 200: ref(TokenList), ...problems } },
    },
    async () => ({ tokens: await listTokens(corpus.db) }),
  );

  app.post(
    "/api/v1/tokens",
    {
      config: { role: "admin" },
      schema: {
        summary: "Make a token; it is shown once",
        body: ref(TokenBody),
        response: { 201: ref(NewToken), ...problems },
      },
    },
    async ({ body }, reply) => {
      const { days, ...what } = body;
      const at = now();
      const until = days === undefined ? {} : { expiresAt: daysAfter(at, days) };
      reply.code(201);
      return createToken(corpus.db, { ...what, ...until }, at);
    },
  );

  app.delete(
    "/api/v1/tokens/:id",
    {
      config: { role: "admin" },
      schema: { summary: "Let it in no more", params: TokenParams, response: { 204: Nothing, ...problems } },
    },
    async ({ params }, reply) => {
      if (!(await revokeToken(corpus.db, params.id, now()))) throw new ApiError("not-found", "no such token");
      return reply.code(204).send();
    },
  );
};

const DAY_MS = 24 * 3600 * 1000;

/** ISO 8601, UTC. */
export function daysAfter(at: string, days: number): string {
  return new Date(Date.parse(at) + days * DAY_MS).toISOString();
}
