/** The samples themselves: to download, sealed, and to look into. Whoever gets at them is noted first. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyRequest } from "fastify";
import { type AuditEntry, addAudit, listAudit } from "../../store/audit.ts";
import { seal } from "../../store/blobs.ts";
import { sampleState } from "../../store/sample.ts";
import type { Actor, Context } from "../context.ts";
import { isCount, readCursor, writeCursor } from "../cursor.ts";
import { safe } from "../log.ts";
import { ApiError } from "../problem.ts";
import { DEFAULT_PAGE, problems, ref, text } from "../schemas/common.ts";
import { ArtifactBytes, ArtifactParams, BytesQuery, SampleParams } from "../schemas/samples.ts";
import { AuditPage, AuditQuery } from "../schemas/system.ts";
import { Turns } from "../turns.ts";

/** Samples opened at once: each is in memory whole. */
const OPENED_AT_ONCE = 2;
const DEFAULT_LENGTH = 4096;
const MAX_ACTOR = 200;

export const byteRoutes: FastifyPluginAsyncTypebox<Context> = async (app, context) => {
  const { corpus, remaker, metrics, now } = context;
  const opening = new Turns(OPENED_AT_ONCE);

  app.get(
    "/api/v1/samples/:sha256/cart",
    {
      config: { role: "submit" },
      schema: {
        summary: "The sample, sealed as CaRT",
        description: "Live malware. Who fetched what is kept in the audit log.",
        params: SampleParams,
        response: { 200: text("application/octet-stream"), ...problems },
      },
    },
    async (request, reply) => {
      const sha256 = request.params.sha256.toLowerCase();
      const bytes = await opening.take(async () => {
        const sample = await blobOf(sha256);
        await note(request, "cart", sha256, `${sample.length} bytes`);
        return seal(sample);
      });
      return reply
        .type("application/octet-stream")
        .header("content-disposition", `attachment; filename="${sha256}.cart"`)
        .send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    },
  );

  app.get(
    "/api/v1/samples/:sha256/artifacts/:artifact/bytes",
    {
      config: { role: "read" },
      schema: {
        summary: "Bytes of an artifact of the standing result, made again from the stored sample",
        description: "`artifact` is its id in the report that GET /api/v1/samples/:sha256 gives.",
        params: ArtifactParams,
        querystring: BytesQuery,
        response: { 200: ref(ArtifactBytes), ...problems },
      },
    },
    async (request) => {
      const sha256 = request.params.sha256.toLowerCase();
      const { offset = 0, length = DEFAULT_LENGTH } = request.query;
      const state = await sampleState(corpus.db, sha256);
      if (state === undefined) throw new ApiError("not-found", `no sample ${sha256}`);
      const { result } = state;
      const artifact = result?.sample.artifacts.find(({ id }) => id === request.params.artifact);
      if (result === undefined || artifact === undefined)
        throw new ApiError("not-found", "its report has no such artifact");
      await note(request, "bytes", sha256, `artifact ${artifact.id}, ${length} bytes from ${offset}`);
      const bytes = await opening.take(() =>
        remaker.bytesOf(result.sample, artifact.id, () => blobOf(result.of)),
      );
      if (bytes === undefined)
        throw new ApiError(
          "cannot-remake",
          "it does not come out of the stored sample in the same way any more",
        );
      const part = bytes.subarray(offset, offset + length);
      return {
        ...{ sha256, artifact: artifact.id, size: bytes.length, offset, length: part.length },
        base64: Buffer.from(part.buffer, part.byteOffset, part.length).toString("base64"),
      };
    },
  );

  app.get(
    "/api/v1/audit",
    {
      config: { role: "admin" },
      schema: {
        summary: "Who got at which sample, newest first",
        querystring: AuditQuery,
        response: { 200: ref(AuditPage), ...problems },
      },
    },
    async ({ query }) => {
      const limit = query.limit ?? DEFAULT_PAGE;
      const sample = query.sample?.toLowerCase();
      const of = ["audit", sample ?? ""];
      const [before] = readCursor<[number]>(query.cursor, of, [isCount]) ?? [];
      const entries = await listAudit(
        corpus.db,
        { ...(sample === undefined ? {} : { sample }), ...(before === undefined ? {} : { before }) },
        limit,
      );
      const last = entries.at(-1);
      return {
        entries,
        next: last === undefined || entries.length < limit ? null : writeCursor(of, [last.id]),
      };
    },
  );

  async function blobOf(sha256: string): Promise<Uint8Array> {
    const read = await corpus.blobs?.get(sha256);
    if (read?.status === "ok") return read.bytes;
    if (read?.status === "corrupt")
      throw new ApiError("unavailable", `the stored sample is damaged: ${read.text}`);
    throw new ApiError("not-found", `the bytes of ${sha256} are not kept`);
  }

  /** Before anything is handed out: without an entry nothing is. */
  async function note(
    request: FastifyRequest,
    action: AuditEntry["action"],
    sample: string,
    detail: string,
  ): Promise<void> {
    const { name, token } = request.actor as Actor;
    await addAudit(corpus.db, {
      ...{ at: now(), actor: safe(name, MAX_ACTOR), token, address: request.ip, action, sample, detail },
      request: request.id,
    });
    metrics.fetched(action);
  }
};
