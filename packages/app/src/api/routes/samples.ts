/** Search, and what is known of one sample. */

import { parseQuery, SEARCH_KEYS, type Term } from "@assay/core/search/query";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { historyOf, loadResult, reportOf, type SampleState, sampleState } from "../../store/sample.ts";
import { search, searchPage } from "../../store/search.ts";
import type { Context } from "../context.ts";
import { isHash, isInstant, readCursor, writeCursor } from "../cursor.ts";
import { ApiError } from "../problem.ts";
import { DEFAULT_PAGE, problems, ref } from "../schemas/common.ts";
import {
  History,
  Report,
  ResultParams,
  SampleDetail,
  SamplePage,
  SampleParams,
  SearchQuery,
} from "../schemas/samples.ts";

export const sampleRoutes: FastifyPluginAsyncTypebox<Context> = async (app, { corpus }) => {
  app.get(
    "/api/v1/samples",
    {
      config: { role: "read" },
      schema: {
        summary: "Samples that meet a query, seen last first",
        querystring: SearchQuery,
        response: { 200: ref(SamplePage), ...problems },
      },
    },
    async ({ query }) => {
      const terms = termsOf(query.q);
      const limit = query.limit ?? DEFAULT_PAGE;
      const of = ["samples", query.q ?? ""];
      const after = readCursor<[string, string]>(query.cursor, of, [isInstant, isHash]);
      const [found, total] =
        after === undefined
          ? await search(corpus.db, terms, limit).then((all) => [all.samples, all.total] as const)
          : [await searchPage(corpus.db, terms, limit, { lastSeen: after[0], sha256: after[1] }), undefined];
      const last = found.at(-1);
      return {
        samples: found,
        ...(total === undefined ? {} : { total }),
        next:
          last === undefined || found.length < limit ? null : writeCursor(of, [last.lastSeen, last.sha256]),
      };
    },
  );

  app.get(
    "/api/v1/samples/:sha256",
    {
      config: { role: "read" },
      schema: {
        summary: "A sample with the report of its standing result",
        params: SampleParams,
        response: { 200: ref(SampleDetail), ...problems },
      },
    },
    async ({ params }) => {
      const { result, report, ...known } = await state(params.sha256);
      return { ...known, result: result === undefined ? null : standing(result), report: report ?? null };
    },
  );

  app.get(
    "/api/v1/samples/:sha256/report",
    {
      config: { role: "read" },
      schema: {
        summary: "The report of the standing result alone: assay.report/1",
        params: SampleParams,
        response: { 200: ref(Report), ...problems },
      },
    },
    async ({ params }) => {
      const { report } = await state(params.sha256);
      if (report === undefined) throw new ApiError("not-found", "it has no result yet");
      return report;
    },
  );

  app.get(
    "/api/v1/samples/:sha256/history",
    {
      config: { role: "read" },
      schema: {
        summary: "Every result that it ever had",
        params: SampleParams,
        response: { 200: ref(History), ...problems },
      },
    },
    async ({ params }) => {
      const results = await historyOf(corpus.db, params.sha256.toLowerCase());
      if (results === undefined) throw unknown(params.sha256);
      return { results };
    },
  );

  app.get(
    "/api/v1/samples/:sha256/history/:result",
    {
      config: { role: "read" },
      schema: {
        summary: "One of its results: assay.report/1",
        params: ResultParams,
        response: { 200: ref(Report), ...problems },
      },
    },
    async ({ params }) => {
      const results = await historyOf(corpus.db, params.sha256.toLowerCase());
      if (results === undefined) throw unknown(params.sha256);
      const id = params.result.toLowerCase();
      const loaded = results.some((one) => one.id === id) ? await loadResult(corpus.db, id) : undefined;
      if (loaded === undefined) throw new ApiError("not-found", "it has no such result");
      return reportOf([loaded]);
    },
  );

  async function state(sha256: string) {
    const found = await sampleState(corpus.db, sha256.toLowerCase());
    if (found === undefined) throw unknown(sha256);
    return found;
  }
};

function standing({ id, of, subject, engine, firstAt, lastAt }: NonNullable<SampleState["result"]>) {
  return { id, of, subject, engine, firstAt, lastAt };
}

function unknown(sha256: string): ApiError {
  return new ApiError("not-found", `no sample ${sha256.toLowerCase()}`);
}

/** No query: all samples. Throws ApiError that says where the query is wrong. */
export function termsOf(q: string | undefined): readonly Term[] {
  if (q === undefined || q.trim() === "") return [];
  const query = parseQuery(q);
  if (query.ok) return query.value;
  throw new ApiError(
    "invalid-query",
    `at character ${query.error.at + 1}: ${query.error.text} (keys: ${SEARCH_KEYS.join(", ")})`,
  );
}
