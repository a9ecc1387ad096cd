/** What a TAXII client asks for (2.1, 3.4 and 3.5): filters, limits, where to go on. */
import type { StixFilter, StixPlace } from "../exchange/stix-store.ts";

/** An error as the protocol has it: its resource is an object of its own (3.6.1). */
export class TaxiiError extends Error {
  readonly status: number;
  readonly title: string;

  constructor(status: number, title: string, text: string) {
    super(text);
    this.name = "TaxiiError";
    this.status = status;
    this.title = title;
  }
}

export type Asked = Omit<StixFilter, "tlp">;

const DEFAULT_LIMIT = 500;
/** A client that wants more gets this, and where to go on. */
const MAX_LIMIT = 5_000;
/** Values of one filter. */
const MAX_VALUES = 500;
const MAX_TEXT = 64 * 1024;

/** RFC 3339 in UTC, with any number of digits behind the second. */
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;

/** Throws TaxiiError (400) for what is no filter of this resource, or no value of it. */
export function askedOf(query: unknown, matches: readonly string[]): Asked {
  const asked = query as Readonly<Record<string, string | readonly string[]>>;
  const one = (name: string): string | undefined => {
    const value = Object.hasOwn(asked, name) ? asked[name] : undefined;
    // The same filter twice is not defined: refused, not guessed at.
    if (value !== undefined && (typeof value !== "string" || value.length > MAX_TEXT))
      throw bad(`${name}: one value is expected`);
    return value;
  };
  const list = (name: string): readonly string[] | undefined => {
    const text = matches.includes(name) ? one(`match[${name}]`) : undefined;
    const values = text?.split(",").filter((value) => value !== "");
    if (values !== undefined && values.length > MAX_VALUES)
      throw bad(`match[${name}]: at most ${MAX_VALUES} values`);
    return values;
  };
  for (const name of Object.keys(asked)) {
    const match = /^match\[(.*)\]$/.exec(name)?.[1];
    if (match !== undefined && !matches.includes(match))
      throw bad(`match[${match.slice(0, 40)}] is no filter here`);
  }
  const [addedAfter, limit, next] = [one("added_after"), one("limit"), one("next")];
  if (addedAfter !== undefined && !isInstant(addedAfter))
    throw bad("added_after: a timestamp in UTC is expected");
  if (limit !== undefined && !/^[1-9]\d{0,8}$/.test(limit)) throw bad("limit: a positive number is expected");
  const specs = list("spec_version");
  const [ids, types, versions] = [list("id"), list("type"), list("version")];
  for (const version of versions ?? [])
    if (!["last", "first", "all"].includes(version) && !isInstant(version))
      throw bad("match[version]: last, first, all or timestamps are expected");
  return {
    limit: Math.min(Number(limit ?? DEFAULT_LIMIT), MAX_LIMIT),
    ...(addedAfter === undefined ? {} : { addedAfter }),
    // All there is is of 2.1: another version of STIX has no object here.
    ...(specs !== undefined && !specs.includes("2.1") ? { types: [] } : types === undefined ? {} : { types }),
    ...(ids === undefined ? {} : { ids }),
    ...(versions === undefined || versions.length === 0 ? {} : { versions }),
    ...(next === undefined ? {} : { after: placeOf(next) }),
  };
}

function bad(text: string): TaxiiError {
  return new TaxiiError(400, "Bad Request", text);
}

function isInstant(text: string): boolean {
  return INSTANT.test(text) && !Number.isNaN(Date.parse(text));
}

/** Opaque to clients. */
export function pageToken({ addedAt, id, version }: StixPlace): string {
  return Buffer.from(JSON.stringify([addedAt, id, version])).toString("base64url");
}

function placeOf(token: string): StixPlace {
  const [addedAt, id, version] = parts(token);
  if (
    typeof addedAt !== "string" ||
    typeof id !== "string" ||
    typeof version !== "string" ||
    !isInstant(addedAt) ||
    !isInstant(version) ||
    !/^[\w-]{1,200}$/.test(id)
  )
    throw bad("next: no value that this server gave");
  return { addedAt, id, version };
}

function parts(token: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, "base64url").toString("utf8"));
    return Array.isArray(value) ? value : [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}
