/** What is supported, and what of it the corpus has. */

import { families } from "@assay/core/families/index";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { stats } from "../../store/stats.ts";
import { yields } from "../../store/yields.ts";
import type { Context } from "../context.ts";
import { ApiError } from "../problem.ts";
import { problems, ref } from "../schemas/common.ts";
import { Family, FamilyList, FamilyParams, YieldQuery, Yields } from "../schemas/knowledge.ts";

const DEFAULT_MONTHS = 12;

export const familyRoutes: FastifyPluginAsyncTypebox<Context> = async (app, { corpus, now }) => {
  const all = async () => {
    const { families: counted } = await stats(corpus.db);
    const counts = new Map(counted.map(({ family, samples, configs }) => [family, { samples, configs }]));
    return families.map(({ id, name, aliases, category, summary, layouts, references, deadDrop }) => ({
      ...{ id, name, summary },
      aliases: [...aliases],
      category: [...category],
      layouts: layouts.map((layout) => ({ ...layout })),
      references: [...references],
      deadDrop: deadDrop !== undefined,
      ...(counts.get(id) ?? { samples: 0, configs: 0 }),
    }));
  };

  app.get(
    "/api/v1/families",
    {
      config: { role: "read" },
      schema: {
        summary: "Every family that configs are read of",
        response: { 200: ref(FamilyList), ...problems },
      },
    },
    async () => ({ families: await all() }),
  );

  app.get(
    "/api/v1/yields",
    {
      config: { role: "read" },
      schema: {
        summary: "How many configs each family gives, month by month, with an alarm when one stops",
        querystring: YieldQuery,
        response: { 200: ref(Yields), ...problems },
      },
    },
    async ({ query }) => yields(corpus.db, query.months ?? DEFAULT_MONTHS, now()),
  );

  app.get(
    "/api/v1/families/:family",
    {
      config: { role: "read" },
      schema: { summary: "One family", params: FamilyParams, response: { 200: ref(Family), ...problems } },
    },
    async ({ params }) => {
      const found = (await all()).find(({ id }) => id === params.family);
      if (found === undefined) throw new ApiError("not-found", `no family ${params.family}`);
      return found;
    },
  );
};
