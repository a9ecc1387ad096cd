/** Tables of the API; see schema.ts for all others. */
import { bigint, text } from "drizzle-orm/pg-core";
import { digest, instant } from "./columns.ts";
import { assay } from "./schema.ts";

export const tokens = assay.table("tokens", {
  id: text("id").primaryKey(),
  name: text("name").notNull(),
  role: text("role").notNull(),
  /** SHA-256 of the secret: 256 random bits need no slower hash. */
  hash: digest("hash").notNull(),
  createdAt: instant("created_at").notNull(),
  expiresAt: instant("expires_at"),
  usedAt: instant("used_at"),
  revokedAt: instant("revoked_at"),
});

export const audit = assay.table("audit", {
  id: bigint("id", { mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
  at: instant("at").notNull(),
  actor: text("actor").notNull(),
  token: text("token"),
  address: text("address").notNull(),
  action: text("action").notNull(),
  sample: digest("sample").notNull(),
  detail: text("detail").notNull(),
  request: text("request").notNull(),
});
