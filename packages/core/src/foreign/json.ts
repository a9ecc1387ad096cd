/** Reading JSON of others: everything in it may be of any type, as deep and as wide as somebody pleased. */

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Its own members only: a key `constructor` that is not there is not found in the prototype. */
export function member(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

export function objectAt(value: unknown, ...names: readonly string[]): JsonObject {
  let at = value;
  for (const name of names) at = member(at, name);
  return isObject(at) ? at : {};
}

export function listAt(value: unknown, ...names: readonly string[]): readonly unknown[] {
  let at = value;
  for (const name of names) at = member(at, name);
  return Array.isArray(at) ? at : [];
}

export function textAt(value: unknown, ...names: readonly string[]): string | undefined {
  let at = value;
  for (const name of names) at = member(at, name);
  return typeof at === "string" && at !== "" ? at : undefined;
}

/** The object without some of its members. Never by assignment, which a key `__proto__` would turn into more. */
export function without(value: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
}

/** Configs nest a few levels; deeper values would exhaust the stack of whatever walks them. */
export const MAX_DEPTH = 64;

/** Without recursion, since depth is what it guards against. */
export function depthExceeds(value: unknown, limit: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limit) return true;
    const next: unknown[] = [];
    for (const item of level)
      if (typeof item === "object" && item !== null)
        for (const inner of Object.values(item))
          if (typeof inner === "object" && inner !== null) next.push(inner);
    level = next;
  }
  return false;
}
