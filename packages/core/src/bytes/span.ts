/** Where bytes lie: the unit of proof. */

/** Number of an artifact in its sample's flat artifact list; the sample itself is 0. */
export type ArtifactId = number;

/** `length` bytes from `offset` of artifact `artifact`. */
export interface Span {
  readonly artifact: ArtifactId;
  readonly offset: number;
  readonly length: number;
}

/** A value together with the places that it was read from. */
export interface Found<T> {
  readonly value: T;
  readonly at: readonly Span[];
}

export function found<T>(value: T, ...at: Span[]): Found<T> {
  return { value, at };
}

/** The same places under another value. */
export function mapFound<T, U>(source: Found<T>, change: (value: T) => U): Found<U> {
  return { value: change(source.value), at: source.at };
}
