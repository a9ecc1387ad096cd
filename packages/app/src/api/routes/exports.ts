/** Results in the forms that others take. */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import type { Form } from "@assay/core/export/form";
import { findForm, forms } from "@assay/core/export/registry";
import { ENGINE_VERSION } from "@assay/core/triage/report";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { standingIds } from "../../store/sample.ts";
import { search } from "../../store/search.ts";
import type { Context } from "../context.ts";
import { ApiError } from "../problem.ts";
import { exportStream, hashesOfBatch } from "../results.ts";
import { problems, ref, text } from "../schemas/common.ts";
import { ExportBody, ExportList, ExportParams, ExportQuery, MAX_EXPORT } from "../schemas/knowledge.ts";
import { termsOf } from "./samples.ts";

const DEFAULT_EXPORT = 1000;
/** A form that needs all samples at once takes no more of them. */
const MAX_WHOLE = 2000;

export const exportRoutes: FastifyPluginAsyncTypebox<Context> = async (app, { corpus, queue }) => {
  app.get(
    "/api/v1/exports",
    {
      config: { role: "read" },
      schema: { summary: "The forms there are", response: { 200: ref(ExportList), ...problems } },
    },
    async () => ({
      exports: forms.map(({ id, title, mediaType, extension }) => ({ id, title, mediaType, extension })),
    }),
  );

  app.get(
    "/api/v1/exports/:format",
    {
      config: { role: "read" },
      schema: {
        summary: "Results of a search, a batch or a sample in a form that others take",
        description:
          "With a strong ETag over the results that go in: If-None-Match answers 304 without reading them. x-assay-samples says how many files went in, x-assay-total how many there were.",
        params: ExportParams,
        querystring: ExportQuery,
        response: {
          200: { description: "Of the form's media type", ...text("*/*") },
          304: { description: "Nothing has changed", ...text("*/*") },
          ...problems,
        },
      },
    },
    async ({ params, query, headers }, reply) => {
      const form = formOf(params.format);
      const limit = query.limit ?? DEFAULT_EXPORT;
      const { hashes, total } = await filesOf(query, limit);
      if (form.open === undefined && hashes.length > MAX_WHOLE)
        throw new ApiError(
          "too-many",
          `${hashes.length} samples; ${form.id} holds ${MAX_WHOLE}: ask with limit`,
        );
      const ids = await standingIds(corpus.db, hashes);
      const etag = etagOf([
        form.id,
        query.tlp ?? "",
        ENGINE_VERSION,
        ...ids.flatMap(({ id, lastAt }) => [id, lastAt]),
      ]);
      reply
        .header("etag", etag)
        .header("cache-control", "private, no-cache")
        .header("x-assay-samples", String(hashes.length))
        .header("x-assay-total", String(total));
      if (matches(headers["if-none-match"], etag)) return reply.code(304).send();
      const name = `assay-${form.id}.${form.extension}`;
      if (query.download === true) reply.header("content-disposition", `attachment; filename="${name}"`);
      const { tlp } = query;
      return reply
        .type(form.mediaType)
        .send(Readable.from(exportStream(corpus.db, ids, form, tlp === undefined ? {} : { tlp })));
    },
  );

  app.post(
    "/api/v1/exports/:format",
    {
      config: { role: "read" },
      schema: {
        summary: "Results of these samples in a form that others take",
        params: ExportParams,
        body: ref(ExportBody),
        response: { 200: { description: "Of the form's media type", ...text("*/*") }, ...problems },
      },
    },
    async ({ params, body }, reply) => {
      const form = formOf(params.format);
      const hashes = [...new Set(body.samples)];
      const ids = await standingIds(corpus.db, hashes);
      if (form.open === undefined && ids.length > MAX_WHOLE)
        throw new ApiError("too-many", `${ids.length} samples; ${form.id} holds ${MAX_WHOLE}`);
      const { tlp } = body;
      return reply
        .type(form.mediaType)
        .header("content-disposition", `attachment; filename="assay-${form.id}.${form.extension}"`)
        .send(
          Readable.from(
            exportStream(corpus.db, ids, form, tlp === undefined ? {} : { tlp }, new Set(hashes)),
          ),
        );
    },
  );

  async function filesOf(
    query: { readonly q?: string; readonly batch?: string; readonly sample?: string },
    limit: number,
  ): Promise<{ readonly hashes: string[]; readonly total: number }> {
    const asked = [query.q, query.batch, query.sample].filter((one) => one !== undefined);
    if (asked.length > 1) throw new ApiError("invalid-request", "one of q, batch and sample");
    if (query.sample !== undefined) return { hashes: [query.sample.toLowerCase()], total: 1 };
    if (query.batch !== undefined) {
      const batch = query.batch.toLowerCase();
      if ((await queue.status(batch, { limit: 1 })) === undefined)
        throw new ApiError("not-found", `no batch ${batch}`);
      const hashes = await hashesOfBatch(queue, batch);
      return { hashes: hashes.slice(0, limit), total: hashes.length };
    }
    const { total, samples } = await search(corpus.db, termsOf(query.q), Math.min(limit, MAX_EXPORT));
    return { hashes: samples.map(({ sha256 }) => sha256), total };
  }
};

function formOf(id: string): Form {
  const form = findForm(id);
  if (form !== undefined) return form;
  throw new ApiError("not-found", `no form ${id}; there are ${forms.map((one) => one.id).join(", ")}`);
}

function etagOf(parts: readonly string[]): string {
  return `"${createHash("sha256").update(JSON.stringify(parts)).digest("base64url").slice(0, 32)}"`;
}

/** RFC 9110, 13.1.2: weak comparison. */
function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(",").some((one) => one.trim() === "*" || one.trim().replace(/^W\//, "") === etag);
}
