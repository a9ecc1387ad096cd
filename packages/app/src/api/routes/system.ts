/** Health, who asks, the description of the API. */

import { ENGINE_VERSION } from "@assay/core/triage/report";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { sql } from "drizzle-orm";
import Type from "typebox";
import { stats } from "../../store/stats.ts";
import type { Actor, Context } from "../context.ts";
import { DOCS_STYLE, docsPage } from "../docs-page.ts";
import { problems, ref, text } from "../schemas/common.ts";
import { Stats } from "../schemas/knowledge.ts";
import { Health, Me, Ready } from "../schemas/system.ts";

/** Time that the database has to answer whether it is there (ms). */
const READY_MS = 2000;

export const systemRoutes: FastifyPluginAsyncTypebox<Context> = async (
  app,
  { corpus, queue, metrics, limits },
) => {
  app.get(
    "/healthz",
    {
      config: { role: "public" },
      schema: { summary: "The process lives", security: [], response: { 200: ref(Health), ...problems } },
    },
    async () => ({ status: "ok" as const }),
  );

  app.get(
    "/readyz",
    {
      config: { role: "public" },
      schema: {
        summary: "It can work: the database answers, samples can be stored",
        security: [],
        response: { 200: ref(Ready), 503: ref(Ready), ...problems },
      },
    },
    async (_request, reply) => {
      const database = await answers(() => corpus.db.execute(sql`select 1`));
      const blobs = corpus.blobs !== undefined;
      const isReady = database && blobs;
      reply.code(isReady ? 200 : 503);
      return {
        status: isReady ? ("ok" as const) : ("unavailable" as const),
        database,
        blobs,
      };
    },
  );

  app.get(
    "/metrics",
    {
      config: { role: "read" },
      schema: {
        summary: "Numbers for Prometheus",
        response: { 200: text("text/plain"), ...problems },
      },
    },
    async (_request, reply) => reply.type(metrics.registry.contentType).send(await metrics.text(queue)),
  );

  app.get(
    "/api/v1/me",
    {
      config: { role: "read" },
      schema: { summary: "Who asks, and what may be sent", response: { 200: ref(Me), ...problems } },
    },
    async ({ actor }) => {
      const { name, role, token } = actor as Actor;
      const { fileBytes, requestBytes, files } = limits;
      return { name, role, token, engine: ENGINE_VERSION, limits: { fileBytes, requestBytes, files } };
    },
  );

  app.get(
    "/api/v1/stats",
    {
      config: { role: "read" },
      schema: { summary: "How much the corpus has", response: { 200: ref(Stats), ...problems } },
    },
    async () => ({ engine: ENGINE_VERSION, ...(await stats(corpus.db)) }),
  );

  app.get(
    "/openapi.json",
    {
      config: { role: "read" },
      schema: {
        summary: "This description, OpenAPI 3.1",
        response: { 200: Type.Unsafe<object>({ type: "object", additionalProperties: true }), ...problems },
      },
    },
    async () => app.swagger(),
  );

  app.get(
    "/docs",
    {
      config: { role: "read" },
      schema: {
        summary: "This description as a page",
        response: { 200: text("text/html"), ...problems },
      },
    },
    async (_request, reply) => reply.type("text/html; charset=utf-8").send(docsPage(app.swagger())),
  );

  app.get(
    "/docs/style.css",
    {
      config: { role: "read" },
      schema: {
        summary: "Its look",
        response: { 200: text("text/css"), ...problems },
      },
    },
    async (_request, reply) => reply.type("text/css; charset=utf-8").send(DOCS_STYLE),
  );
};

async function answers(ask: () => Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), READY_MS);
  });
  try {
    return await Promise.race([
      ask().then(
        () => true,
        () => false,
      ),
      late,
    ]);
  } finally {
    clearTimeout(timer);
  }
}
