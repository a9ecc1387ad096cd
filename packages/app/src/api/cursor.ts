/** Cursors: where a page ended, and of which query. What they hold is only sort keys; a forged one finds no more. */
import { createHash } from "node:crypto";
import { ApiError } from "./problem.ts";

/** Hex digits of the query's hash: a cursor of another query is refused, not guarded against. */
const QUERY_DIGITS = 16;

/** `query`: the route and all that decides what is listed, in one order. */
export function writeCursor(query: readonly unknown[], key: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify([queryHash(query), ...key])).toString("base64url");
}

/** Undefined without a cursor. `isKey` says for each part of the key whether it can be one. Throws ApiError. */
export function readCursor<T extends readonly (string | number)[]>(
  cursor: string | undefined,
  query: readonly unknown[],
  isKey: { readonly [I in keyof T]: (part: unknown) => part is T[I] },
): T | undefined {
  if (cursor === undefined) return undefined;
  const parts = parse(cursor);
  const [of, ...key] = parts ?? [];
  if (parts === undefined || key.length !== isKey.length || !isKey.every((is, i) => is(key[i])))
    throw new ApiError("invalid-cursor", "this is no cursor of this API");
  if (of !== queryHash(query))
    throw new ApiError(
      "invalid-cursor",
      "it belongs to another query: a cursor is asked with the same parameters as the page that gave it",
    );
  return key as unknown as T;
}

export function isInstant(part: unknown): part is string {
  return (
    typeof part === "string" &&
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(part) &&
    !Number.isNaN(Date.parse(part))
  );
}

export function isHash(part: unknown): part is string {
  return typeof part === "string" && /^[0-9a-f]{64}$/.test(part);
}

export function isUuid(part: unknown): part is string {
  return typeof part === "string" && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(part);
}

export function isCount(part: unknown): part is number {
  return Number.isSafeInteger(part) && (part as number) >= 0;
}

function parse(cursor: string): unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
    return Array.isArray(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function queryHash(query: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(query)).digest("hex").slice(0, QUERY_DIGITS);
}
