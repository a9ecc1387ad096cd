/** Parts that many routes share. Schemas with an `$id` stand once in the OpenAPI document, and others refer to them. */
import Type, { type Static, type TSchema } from "typebox";

/** What is answered is only read. */
type Answer<T> = unknown extends T
  ? T
  : T extends string | number | boolean | null | undefined
    ? T
    : { readonly [K in keyof T]: Answer<T[K]> };

/** A reference to a shared schema, with its type. */
export function ref<T extends TSchema>(schema: T) {
  const { $id } = schema as { $id?: string };
  if ($id === undefined) throw new RangeError("a schema without $id cannot be referred to");
  return Type.Unsafe<Answer<Static<T>>>({ $ref: `${$id}#` });
}

/** The same schema for a text that the database knows only as a text. */
export function asText(schema: TSchema) {
  return Type.Unsafe<string>(schema);
}

export function oneOf<const T extends string>(values: readonly T[], options: Record<string, unknown> = {}) {
  return Type.Unsafe<T>({ type: "string", enum: [...values], ...options });
}

export function nullable<T extends TSchema>(schema: T) {
  return Type.Union([schema, Type.Null()]);
}

/** An object that holds nothing else. */
export function exact<T extends Record<string, TSchema>>(
  properties: T,
  options: Record<string, unknown> = {},
) {
  return Type.Object(properties, { additionalProperties: false, ...options });
}

export const Sha256 = Type.String({ pattern: "^[0-9a-f]{64}$", description: "SHA-256, lower-case hex" });
/** As people paste it. */
export const AnySha256 = Type.String({ pattern: "^[0-9a-fA-F]{64}$", description: "SHA-256 in hex" });
export const Uuid = Type.String({ format: "uuid" });
export const Instant = Type.String({ description: "ISO 8601, UTC" });

/** Longest free text that a query or a body may carry: as long as a search may be. */
export const MAX_TEXT = 4096;
export const Text = Type.String({ minLength: 1, maxLength: MAX_TEXT });

export const MAX_PAGE = 200;
export const DEFAULT_PAGE = 50;
export const Limit = Type.Integer({ minimum: 1, maximum: MAX_PAGE, default: DEFAULT_PAGE });
export const Cursor = Type.String({
  maxLength: 1024,
  pattern: "^[A-Za-z0-9_-]+$",
  description: "`next` of the page before, asked with the same query; of another query it is refused",
});
export const Next = nullable(
  Type.String({ description: "cursor of the next page; null when this is the last" }),
);

/** RFC 9457. */
export const Problem = exact(
  {
    type: Type.String({ description: "/problems/<code>: stable, for programs" }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.Optional(Type.String({ description: "What was wrong with this request" })),
    instance: Type.Optional(Type.String({ description: "Id of the request, as in the log" })),
    errors: Type.Optional(
      Type.Array(
        exact({
          in: oneOf(["params", "querystring", "body", "headers"]),
          pointer: Type.String({ description: "JSON Pointer" }),
          detail: Type.String(),
        }),
      ),
    ),
  },
  { $id: "Problem", description: "What went wrong (RFC 9457)" },
);
export type Problem = Static<typeof Problem>;

/** The errors that any route may answer. */
export const problems = {
  "4xx": {
    description: "The request cannot be met; `type` says why",
    content: { "application/problem+json": { schema: ref(Problem) } },
  },
  "5xx": {
    description: "It could not be done now; 503 says when to try again (Retry-After)",
    content: { "application/problem+json": { schema: ref(Problem) } },
  },
} as const;

/** An answer without a body. */
export const Nothing = Type.Unsafe<unknown>({ type: "null", description: "Done; no content" });

/** What is sent piece by piece: its type is the route's own affair. */
export function streamed(schema: TSchema) {
  return Type.Unsafe<unknown>(schema);
}

/** An answer that is no JSON. */
export function text(mediaType: string) {
  return { content: { [mediaType]: { schema: streamed(Type.String()) } } };
}
