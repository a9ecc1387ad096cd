/**
 * Results as values: a reader's face returns `Result`, its inside stops with `ParseError`.
 *
 * "This is not a PE" is an answer, not an accident. Accidents (bugs) stay exceptions and pass through.
 */
import type { Span } from "./span.ts";

export type Result<T, E = ParseFailure> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: E };

/** Why a reader stopped. `code` is stable and machine-readable; `field` is the specification's field name. */
export interface ParseFailure {
  readonly code: ParseCode;
  readonly field: string;
  readonly at?: Span;
}

export type ParseCode =
  /** The bytes do not start as this format must. */
  | "bad-magic"
  /** The field lies beyond the end of the bytes. */
  | "truncated"
  /** The field holds a value that the format does not allow. */
  | "bad-value"
  /** A named limit was reached. */
  | "limit";

/** Thrown only inside readers; `attempt` at the reader's face turns it into a value. */
export class ParseError extends Error {
  readonly failure: ParseFailure;
  constructor(code: ParseCode, field: string, at?: Span) {
    super(`${code}: ${field}`);
    this.name = "ParseError";
    this.failure = at === undefined ? { code, field } : { code, field, at };
  }
}

export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

export function fail<E>(error: E): { readonly ok: false; readonly error: E } {
  return { ok: false, error };
}

/** Runs a reader's inside. A `ParseError` becomes a failed Result; anything else is a bug and passes. */
export function attempt<T>(read: () => T): Result<T> {
  try {
    return ok(read());
  } catch (error) {
    if (error instanceof ParseError) return fail(error.failure);
    throw error;
  }
}
