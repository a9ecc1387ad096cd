/** Errors as the client sees them (RFC 9457): what was wrong, never what is inside. */
import { printable, shorten } from "@assay/core/export/escape";
import { QueueFull } from "../jobs/types.ts";
import { CorpusError, inWords } from "../store/corpus.ts";
import type { Problem } from "./schemas/common.ts";

/** Codes of ours, with their status and title. */
const KINDS = {
  "invalid-request": [400, "The request is not as the API describes it"],
  "invalid-query": [400, "The query cannot be read"],
  "invalid-cursor": [400, "The cursor is not of this query"],
  "invalid-upload": [400, "The upload cannot be read"],
  "truncated-upload": [400, "The upload ended before its end"],
  unauthorized: [401, "A token is needed"],
  forbidden: [403, "Not allowed"],
  "cross-site": [403, "Requests of other sites are refused"],
  "not-found": [404, "There is nothing here"],
  "method-not-allowed": [405, "Not with this method"],
  timeout: [408, "The request took too long to arrive"],
  "too-many": [413, "Too much for one answer"],
  "too-large": [413, "The request is too large"],
  "unsupported-media-type": [415, "Not in this form"],
  "wrong-host": [421, "This server does not answer to that name"],
  "cannot-remake": [422, "The artifact cannot be made again"],
  "rate-limited": [429, "Too many requests"],
  internal: [500, "A defect in assay"],
  unavailable: [503, "Not available now"],
  "queue-full": [503, "The queue is full"],
} as const satisfies Readonly<Record<string, readonly [number, string]>>;

export type ProblemCode = keyof typeof KINDS;

/** Seconds after which a client may try again what was not available. */
const RETRY_AFTER_S = 5;
const MAX_DETAIL = 500;

/** Thrown by routes; ends as an answer. `detail` may quote the client: it is made harmless here. */
export class ApiError extends Error {
  readonly problem: Problem;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ProblemCode,
    detail?: string,
    more: {
      readonly headers?: Readonly<Record<string, string>>;
      readonly errors?: NonNullable<Problem["errors"]>;
    } = {},
  ) {
    const [status, title] = KINDS[code];
    super(detail ?? title);
    this.name = "ApiError";
    this.problem = {
      type: `/problems/${code}`,
      title,
      status,
      ...(detail === undefined ? {} : { detail: printable(shorten(detail, MAX_DETAIL)) }),
      ...(more.errors === undefined ? {} : { errors: more.errors }),
    };
    this.headers = {
      ...(status === 503 ? { "retry-after": String(RETRY_AFTER_S) } : {}),
      ...more.headers,
    };
  }
}

interface FrameworkError {
  readonly code?: unknown;
  readonly statusCode?: unknown;
  readonly message?: unknown;
  readonly validation?: readonly {
    readonly instancePath: string;
    readonly message?: string;
    readonly params?: unknown;
  }[];
  readonly validationContext?: string;
}

/** Of fastify and its plugins, by their codes. */
const FRAMEWORK: Readonly<Record<string, readonly [ProblemCode, string]>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    "unsupported-media-type",
    "the Content-Type is none that this route takes",
  ],
  FST_ERR_CTP_EMPTY_TYPE: ["unsupported-media-type", "the Content-Type is empty"],
  FST_ERR_CTP_BODY_TOO_LARGE: ["too-large", "the body is too large"],
  FST_ERR_CTP_EMPTY_JSON_BODY: ["invalid-request", "the body is empty"],
  FST_ERR_CTP_INVALID_JSON_BODY: ["invalid-request", "the body is no JSON"],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ["invalid-request", "the body has another length than it says"],
  FST_ERR_BAD_URL: ["invalid-request", "the address cannot be decoded"],
  FST_ERR_MAX_PARAM_LENGTH: ["invalid-request", "a part of the address is too long"],
};

/** Undefined for a defect of ours. */
export function problemOf(error: unknown): ApiError | undefined {
  if (error instanceof ApiError) return error;
  if (error instanceof QueueFull)
    return new ApiError("queue-full", error.message, {
      headers: { "retry-after": String(error.retryAfterSeconds) },
    });
  const { code, statusCode, validation, validationContext, message } = error as FrameworkError;
  if (validation !== undefined)
    return new ApiError("invalid-request", undefined, {
      errors: validation.map((one) => ({
        in: partOf(validationContext),
        pointer: one.instancePath,
        detail: printable(shorten(`${one.message ?? "is wrong"}${namesOf(one.params)}`, MAX_DETAIL)),
      })),
    });
  const known = typeof code === "string" ? FRAMEWORK[code] : undefined;
  if (known !== undefined) return new ApiError(...known);
  if (isOutage(error)) return new ApiError("unavailable", "the database does not answer");
  // What else the framework says of a request is said of a request.
  if (typeof statusCode === "number" && statusCode >= 400 && statusCode < 500 && typeof message === "string")
    return new ApiError(statusCode === 413 ? "too-large" : "invalid-request", message);
  return undefined;
}

/** The database is gone, or full, or going down: not the client's doing, and not for good. */
function isOutage(error: unknown): boolean {
  const plain = inWords(error);
  if (plain instanceof CorpusError) return true;
  for (let at = error; at instanceof Error; at = at.cause)
    if (
      /^(?:Connection terminated|timeout exceeded when trying to connect|Client has encountered)/.test(
        at.message,
      )
    )
      return true;
  return false;
}

type Part = NonNullable<Problem["errors"]>[number]["in"];

function partOf(context: string | undefined): Part {
  return context === "params" || context === "body" || context === "headers" ? context : "querystring";
}

/** What is too much or not among the values allowed. */
function namesOf(params: unknown): string {
  const { additionalProperty, allowedValues } = (params ?? {}) as {
    readonly additionalProperty?: unknown;
    readonly allowedValues?: unknown;
  };
  if (typeof additionalProperty === "string") return `: ${additionalProperty}`;
  return Array.isArray(allowedValues) ? `: ${allowedValues.join(", ")}` : "";
}
