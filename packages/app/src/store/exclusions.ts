/** The user's list of what may tie nothing: hosts that many share, sinkholes, names that mean nothing. */
import { createHash } from "node:crypto";
import { parseUserList, type UserList } from "@assay/core/export/user-list";
import { TYPE_NAMES } from "@assay/core/indicators/targets";
import type { IndicatorType } from "@assay/core/model/index";
import { asc, eq } from "drizzle-orm";
import type { Database } from "./database.ts";
import { valueKey } from "./keys.ts";
import { exclusions } from "./schema.ts";

export interface Exclusions {
  /** The entry that covers an indicator; undefined when none does. */
  covers(type: IndicatorType, value: string): string | undefined;
  /** Equal for equal lists; empty for an empty one, as a new corpus has it. */
  readonly digest: string;
}

/** What an entry is: `TYPE:VALUE`, or a domain (with all under it), an address, a range, a socket, a URL. */
type Entry =
  | { readonly kind: "name"; readonly type: IndicatorType; readonly value: string }
  | { readonly kind: "network"; readonly list: UserList };

/** Undefined for what is no entry. */
export function parseExclusion(text: string): Entry | undefined {
  const entry = text.trim();
  const colon = entry.indexOf(":");
  const type = TYPE_NAMES.get(entry.slice(0, Math.max(0, colon)).toLowerCase());
  const value = entry.slice(colon + 1).trim();
  if (type !== undefined && value !== "") return { kind: "name", type, value };
  const { list, bad } = parseUserList(entry);
  return bad.length === 0 && list.size === 1 ? { kind: "network", list } : undefined;
}

export async function exclusionList(db: Database): Promise<Exclusions> {
  return exclusionsOf((await listExclusions(db)).map(({ entry }) => entry));
}

/** `all`: in the order of the list. */
export function exclusionsOf(all: readonly string[]): Exclusions {
  const entries = all.flatMap((entry) => {
    const parsed = parseExclusion(entry);
    return parsed === undefined ? [] : [{ entry, parsed }];
  });
  const named = new Map(
    entries.flatMap(({ entry, parsed }) =>
      parsed.kind === "name" ? [[`${parsed.type}:${parsed.value}`, entry] as const] : [],
    ),
  );
  // One list for all, so that thousands of entries cost one look.
  const { list } = parseUserList(
    entries
      .filter(({ parsed }) => parsed.kind === "network")
      .map(({ entry }) => entry)
      .join("\n"),
  );
  return {
    covers: (type, value) => named.get(`${type}:${value}`) ?? list.covers(type, value),
    digest: all.length === 0 ? "" : createHash("sha256").update(JSON.stringify(all)).digest("hex"),
  };
}

export async function listExclusions(db: Database): Promise<{ entry: string; addedAt: string }[]> {
  return db
    .select({ entry: exclusions.entry, addedAt: exclusions.addedAt })
    .from(exclusions)
    .orderBy(asc(exclusions.entry));
}

/** False when `entry` is none. */
export async function addExclusion(db: Database, entry: string, at: string): Promise<boolean> {
  const text = entry.trim();
  if (parseExclusion(text) === undefined) return false;
  await db
    .insert(exclusions)
    .values({ key: valueKey(text), entry: text, addedAt: at })
    .onConflictDoNothing();
  return true;
}

/** False when it was not on the list. */
export async function removeExclusion(db: Database, entry: string): Promise<boolean> {
  const gone = await db
    .delete(exclusions)
    .where(eq(exclusions.key, valueKey(entry.trim())))
    .returning({ key: exclusions.key });
  return gone.length > 0;
}
