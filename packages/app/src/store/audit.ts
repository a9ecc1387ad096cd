/** Who got at a sample's bytes, and when. Rows are added, never changed. */
import { and, desc, eq, lt } from "drizzle-orm";
import { audit } from "./api-schema.ts";
import type { Database } from "./database.ts";

export interface AuditEntry {
  readonly id: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly actor: string;
  /** Id of the token. */
  readonly token: string | null;
  /** Of the client. */
  readonly address: string;
  readonly action: "cart" | "bytes";
  readonly sample: string;
  readonly detail: string;
  /** Id of the request, as in the log. */
  readonly request: string;
}

export async function addAudit(db: Database, entry: Omit<AuditEntry, "id">): Promise<void> {
  await db.insert(audit).values(entry);
}

/** Newest first. `before`: the id where the page before ended. */
export async function listAudit(
  db: Database,
  which: { readonly sample?: string; readonly before?: number },
  limit: number,
): Promise<AuditEntry[]> {
  const rows = await db
    .select()
    .from(audit)
    .where(
      and(
        which.sample === undefined ? undefined : eq(audit.sample, which.sample),
        which.before === undefined ? undefined : lt(audit.id, which.before),
      ),
    )
    .orderBy(desc(audit.id))
    .limit(limit);
  return rows.map(({ action, ...row }) => ({ ...row, action: action as AuditEntry["action"] }));
}
