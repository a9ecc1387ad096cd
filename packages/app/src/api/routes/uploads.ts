/** Files come in: streamed, capped, hashed in passing, and stored for good before anybody is told that they are. */

import { shorten } from "@assay/core/export/escape";
import multipart from "@fastify/multipart";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyRequest } from "fastify";
import type { Submission } from "../../jobs/queue.ts";
import { blobs } from "../../store/schema.ts";
import type { Context } from "../context.ts";
import { isUuid } from "../cursor.ts";
import { Arrival, linger } from "../incoming.ts";
import { ApiError } from "../problem.ts";
import { Accepted } from "../schemas/batches.ts";
import { problems, ref } from "../schemas/common.ts";
import type { Spooled } from "../spool.ts";
import { Turns } from "../turns.ts";

/** Uploads at once: each may take as much of the disk as one request may be long. */
const MAX_UPLOADS = 16;
/** Files sealed at once: each is in memory whole, several times over. */
const SEALED_AT_ONCE = 2;
const MAX_FIELDS = 100;
const MAX_FIELD_BYTES = 1024;
/** Names are only shown; longer ones are cut in the middle. */
const MAX_NAME = 1024;

interface Received {
  readonly files: { readonly name: string; readonly spooled: Spooled }[];
  readonly passwords: string[];
  priority: Submission["priority"];
  memory: Submission["memory"];
  base: string | undefined;
  batch: string | undefined;
}

export const uploadRoutes: FastifyPluginAsyncTypebox<Context> = async (app, context) => {
  const { corpus, queue, limits, spool, metrics, now } = context;
  const uploads = new Turns(MAX_UPLOADS);
  const sealing = new Turns(SEALED_AT_ONCE);
  app.removeAllContentTypeParsers();
  await app.register(multipart, {
    limits: {
      files: limits.files,
      fileSize: limits.fileBytes,
      fields: MAX_FIELDS,
      fieldSize: MAX_FIELD_BYTES,
      fieldNameSize: 100,
      parts: limits.files + MAX_FIELDS,
      headerPairs: 50,
    },
    throwFileSizeLimit: false,
  });

  app.post(
    "/api/v1/samples",
    {
      config: { role: "submit", upload: true },
      schema: {
        summary: "Upload files and archives to be analysed",
        description:
          "What is answered with 202 is stored for good. A file that is known already costs nothing, however often it is sent.",
        response: { 202: ref(Accepted), ...problems },
      },
    },
    async (request, reply) => {
      const store = corpus.blobs;
      if (store === undefined)
        throw new ApiError("unavailable", "there is no place for samples: --corpus or --blobs");
      if (!request.isMultipart())
        throw new ApiError("unsupported-media-type", "multipart/form-data is expected");
      if (!uploads.tryEnter()) {
        linger(request.raw);
        throw new ApiError("unavailable", `${MAX_UPLOADS} uploads are under way already`);
      }
      const received: Received = {
        files: [],
        passwords: [],
        priority: "analyst",
        memory: undefined,
        base: undefined,
        batch: undefined,
      };
      try {
        await receive(request, received);
        const at = now();
        for (const { spooled } of received.files)
          await sealing.take(async () => {
            const { sha256, size } = spooled;
            if (!(await store.has(sha256))) await store.put(sha256, await spooled.read());
            await corpus.db.insert(blobs).values({ sha256, size, storedAt: at }).onConflictDoNothing();
          });
        const { batch, accepted } = await queue.submit({
          ...(received.batch === undefined ? {} : { id: received.batch }),
          submissions: submissionsOf(received),
        });
        for (const { spooled } of received.files) metrics.uploaded(spooled.size);
        reply.code(202);
        return {
          batch,
          accepted: accepted.map((one, i) => {
            const { name, spooled } = received.files[i] as Received["files"][number];
            return { ...one, name, size: spooled.size };
          }),
        };
      } finally {
        uploads.leave();
        await Promise.all(received.files.map(({ spooled }) => spooled.drop()));
      }
    },
  );

  async function receive(request: FastifyRequest, received: Received): Promise<void> {
    let tooLarge: ApiError | undefined;
    const arrival = arrivalOf(request, (error) => {
      tooLarge = error;
      // Whoever reads a file at this moment stops at once, not at the file's end.
      current?.destroy(error);
    });
    let current: { destroy(error: Error): void } | undefined;
    try {
      for await (const part of request.parts()) {
        if (tooLarge !== undefined) throw tooLarge;
        if (part.type === "field") {
          takeField(received, part.fieldname, part.value, part.valueTruncated);
          continue;
        }
        if (part.fieldname !== "file")
          throw new ApiError("invalid-upload", `no field ${part.fieldname} for files`);
        current = part.file;
        const spooled = await spool.take(capped(part.file, limits.fileBytes));
        current = undefined;
        received.files.push({ name: nameOf(part.filename, spooled), spooled });
      }
      if (received.files.length === 0) throw new ApiError("invalid-upload", "no file in it: field `file`");
    } catch (error) {
      linger(request.raw);
      throw tooLarge ?? inWords(error, request);
    } finally {
      arrival.stop();
      metrics.received(arrival.received);
    }
  }

  function arrivalOf(request: FastifyRequest, onTooLarge: (error: ApiError) => void): Arrival {
    try {
      return new Arrival(request.raw, limits.requestBytes, limits.stallMs, onTooLarge);
    } catch (error) {
      linger(request.raw);
      throw error;
    }
  }
};

async function* capped(file: AsyncIterable<Uint8Array> & { truncated?: boolean }, limit: number) {
  let size = 0;
  for await (const chunk of file) {
    size += chunk.length;
    yield chunk;
    if (size > limit || file.truncated === true) break;
  }
  if (size > limit || file.truncated === true)
    throw new ApiError("too-large", `a file of more than ${limit} bytes`);
}

function nameOf(filename: string | undefined, { sha256 }: Spooled): string {
  const name = shorten(filename ?? "", MAX_NAME);
  return name === "" ? sha256 : name;
}

function takeField(received: Received, name: string, value: unknown, truncated: boolean): void {
  if (typeof value !== "string" || truncated)
    throw new ApiError("invalid-upload", `the field ${name} is no short text`);
  switch (name) {
    case "password":
      received.passwords.push(value);
      return;
    case "priority":
      if (value !== "analyst" && value !== "feed")
        throw new ApiError("invalid-upload", "priority is analyst or feed");
      received.priority = value;
      return;
    case "memory":
      if (value !== "raw" && value !== "region")
        throw new ApiError("invalid-upload", "memory is raw or region");
      received.memory = value;
      return;
    case "base":
      if (!/^(?:0x)?[0-9a-f]{1,16}$/i.test(value))
        throw new ApiError("invalid-upload", "base is an address in hex");
      received.base = value;
      return;
    case "batch":
      if (!isUuid(value.toLowerCase())) throw new ApiError("invalid-upload", "batch is a UUID");
      received.batch = value.toLowerCase();
      return;
    default:
      throw new ApiError(
        "invalid-upload",
        `no field ${name}; there are file, password, priority, memory, base, batch`,
      );
  }
}

function submissionsOf({ files, passwords, priority, memory, base }: Received): Submission[] {
  return files.map(({ name, spooled: { sha256, size } }) => ({
    ...{ sha256, name, size, priority },
    ...(passwords.length === 0 ? {} : { passwords }),
    ...(memory === undefined ? {} : { memory }),
    ...(base === undefined ? {} : { base }),
  }));
}

/** Errors of the parser and of the disk. */
function inWords(error: unknown, { raw }: FastifyRequest): unknown {
  if (error instanceof ApiError) return error;
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  if (code === "ENOSPC" || code === "EDQUOT") return new ApiError("unavailable", "the disk is full");
  if (code === "FST_FILES_LIMIT" || code === "FST_PARTS_LIMIT" || code === "FST_FIELDS_LIMIT")
    return new ApiError("too-large", "too many files or fields in one request");
  if (!raw.complete || code === "FST_MP_PREMATURE_CLOSE" || code === "ECONNRESET")
    return new ApiError("truncated-upload");
  if (typeof message !== "string") return error;
  if (/Unexpected end of multipart data|Part terminated early/.test(message))
    return new ApiError("truncated-upload");
  if (typeof code === "string" && code.startsWith("FST_")) return new ApiError("invalid-upload", message);
  return /multipart|Multipart|boundary|Malformed|header/i.test(message)
    ? new ApiError("invalid-upload", message)
    : error;
}
