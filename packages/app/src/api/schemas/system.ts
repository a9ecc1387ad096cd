import Type from "typebox";
import { ROLES } from "../../store/tokens.ts";
import { Cursor, exact, Instant, Limit, Next, nullable, oneOf, ref } from "./common.ts";

export const Health = exact({ status: Type.Literal("ok") }, { $id: "Health" });
export const Ready = exact(
  {
    status: oneOf(["ok", "unavailable"]),
    database: Type.Boolean(),
    blobs: Type.Boolean(),
  },
  { $id: "Ready" },
);

export const Me = exact(
  {
    name: Type.String({ description: "Of the token; `local` for whoever sits at the machine" }),
    role: oneOf(ROLES),
    token: nullable(Type.String({ description: "Id of the token; null without one" })),
    engine: Type.String(),
    limits: exact({
      fileBytes: Type.Integer(),
      requestBytes: Type.Integer(),
      files: Type.Integer(),
    }),
  },
  { $id: "Me" },
);

export const AuditEntry = exact(
  {
    id: Type.Integer(),
    at: Instant,
    actor: Type.String(),
    token: nullable(Type.String()),
    address: Type.String(),
    action: oneOf(["cart", "bytes"], { description: "cart: downloaded; bytes: looked at in the hex pane" }),
    sample: Type.String(),
    detail: Type.String(),
    request: Type.String(),
  },
  { $id: "AuditEntry" },
);
export const AuditQuery = exact({
  sample: Type.Optional(Type.String({ pattern: "^[0-9a-fA-F]{64}$" })),
  cursor: Type.Optional(Cursor),
  limit: Type.Optional(Limit),
});
export const AuditPage = exact({ entries: Type.Array(ref(AuditEntry)), next: Next }, { $id: "AuditPage" });

const TokenRow = {
  id: Type.String(),
  name: Type.String(),
  role: oneOf(ROLES),
  createdAt: Instant,
  expiresAt: nullable(Instant),
  usedAt: nullable(Instant),
  revokedAt: nullable(Instant),
};
export const TokenList = exact({ tokens: Type.Array(exact(TokenRow)) }, { $id: "TokenList" });
/** Longest that a token may hold. */
export const MAX_DAYS = 3650;
export const TokenBody = exact(
  {
    name: Type.String({ minLength: 1, maxLength: 100 }),
    role: oneOf(ROLES),
    days: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_DAYS, description: "How long it holds" })),
  },
  { $id: "TokenBody" },
);
export const NewToken = exact({ token: Type.String(), id: Type.String() }, { $id: "NewToken" });
export const TokenParams = exact({ id: Type.String({ pattern: "^[0-9a-f]{12}$" }) });
