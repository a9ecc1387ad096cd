/** Who may ask the API for what. A token is shown once, when it is made; kept is only its hash. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { and, asc, count, eq, gt, isNull, lt, or } from "drizzle-orm";
import { tokens } from "./api-schema.ts";
import type { Database } from "./database.ts";

/** Each may do what those before it may. */
export const ROLES = ["read", "submit", "admin"] as const;
export type Role = (typeof ROLES)[number];

export interface TokenRow {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  /** To the minute. */
  readonly usedAt: string | null;
  readonly revokedAt: string | null;
}

/** `assay_<id>_<secret>`: the id finds the row, 256 random bits are the secret. */
const FORM = /^assay_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/;
/** To find tokens where none should be, in logs for one. */
export const ANY_TOKEN = /assay_[0-9a-f]{12}_[A-Za-z0-9_-]{20,}/g;
const SECRET_BYTES = 32;
const ID_BYTES = 6;
/** Times of use are noted at most this often (ms): a token that is used a thousand times a second writes once. */
const NOTE_USE_MS = 60_000;

export async function createToken(
  db: Database,
  what: { readonly name: string; readonly role: Role; readonly expiresAt?: string },
  at: string,
): Promise<{ readonly token: string; readonly id: string }> {
  const id = randomBytes(ID_BYTES).toString("hex");
  const secret = randomBytes(SECRET_BYTES).toString("base64url");
  const { name, role, expiresAt } = what;
  await db.insert(tokens).values({ id, name, role, hash: hashOf(secret), createdAt: at, expiresAt });
  return { token: `assay_${id}_${secret}`, id };
}

/** Undefined for what is no token, or one that holds no more. */
export async function findToken(db: Database, token: string, now: string): Promise<TokenRow | undefined> {
  const [, id, secret] = FORM.exec(token) ?? [];
  if (id === undefined || secret === undefined) return undefined;
  const [row] = await db.select().from(tokens).where(eq(tokens.id, id));
  const given = Buffer.from(hashOf(secret), "hex");
  // The comparison takes as long for an id that nobody has.
  const known = Buffer.from(row?.hash ?? "00".repeat(given.length), "hex");
  if (!timingSafeEqual(given, known) || row === undefined) return undefined;
  if (row.revokedAt !== null || (row.expiresAt !== null && row.expiresAt <= now)) return undefined;
  await noteUse(db, row.id, now);
  return shown(row);
}

async function noteUse(db: Database, id: string, now: string): Promise<void> {
  const before = new Date(Date.parse(now) - NOTE_USE_MS).toISOString();
  await db
    .update(tokens)
    .set({ usedAt: now })
    .where(and(eq(tokens.id, id), or(isNull(tokens.usedAt), lt(tokens.usedAt, before))));
}

export async function listTokens(db: Database): Promise<TokenRow[]> {
  const rows = await db.select().from(tokens).orderBy(asc(tokens.createdAt), asc(tokens.id));
  return rows.map(shown);
}

/** False when there is no such token, or it was revoked before. */
export async function revokeToken(db: Database, id: string, at: string): Promise<boolean> {
  const gone = await db
    .update(tokens)
    .set({ revokedAt: at })
    .where(and(eq(tokens.id, id), isNull(tokens.revokedAt)))
    .returning({ id: tokens.id });
  return gone.length > 0;
}

/** How many let somebody in. */
export async function usableTokens(db: Database, now: string): Promise<number> {
  const [row] = await db
    .select({ n: count() })
    .from(tokens)
    .where(and(isNull(tokens.revokedAt), or(isNull(tokens.expiresAt), gt(tokens.expiresAt, now))));
  return row?.n ?? 0;
}

/** Whether a role covers what another may do. */
export function covers(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

function shown({ hash: _hash, role, ...row }: typeof tokens.$inferSelect): TokenRow {
  return { ...row, role: role as Role };
}

function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}
