/** Who may ask: names that this server answers to, other sites' pages, tokens and their roles. */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Database } from "../store/database.ts";
import { covers, findToken } from "../store/tokens.ts";
import type { Actor, App, Context } from "./context.ts";
import { ApiError } from "./problem.ts";

export interface Access {
  /** Whether a request without a token is that of the machine's own user. */
  readonly trustLocal: boolean;
  /** Names that the Host header may have; undefined: any. Guards against names that are made to point here. */
  readonly hosts: readonly string[] | undefined;
}

const LOCAL: Actor = { name: "local", role: "admin", token: null };
const MINUTE_MS = 60_000;
/** Clients whose bad tokens are counted at once; beyond it the oldest are forgotten. */
const MAX_COUNTED = 10_000;

export function guard(app: App, { corpus, limits, now }: Context, access: Access): void {
  app.decorateRequest("actor", undefined);
  const failures = new Failures(limits.badTokensPerMinute);
  app.addHook("onRequest", async (request, reply) => {
    checkHost(request, access.hosts);
    checkSite(request);
    const needed = request.routeOptions.config.role ?? "read";
    if (needed === "public") return;
    request.actor = await actorOf(request, reply, corpus.db, now(), access, failures);
    if (request.actor === undefined)
      throw new ApiError(
        "unauthorized",
        "Authorization: Bearer, with a token of `assay token create`",
        CHALLENGE,
      );
    if (!covers(request.actor.role, needed))
      throw new ApiError(
        "forbidden",
        `this needs a token with the role ${needed}, not ${request.actor.role}`,
      );
  });
}

/** Browsers ask for the token themselves on Basic, which TAXII clients use as well: any name, the token as password. */
const CHALLENGE = {
  headers: { "www-authenticate": 'Basic realm="assay", charset="UTF-8", Bearer realm="assay"' },
};

function checkHost({ host, hostname }: FastifyRequest, hosts: readonly string[] | undefined): void {
  if (hosts === undefined || hosts.includes(hostname.toLowerCase())) return;
  throw new ApiError("wrong-host", `${host === "" ? "no name" : host}; --allow-host adds a name`);
}

/**
 * Pages of other sites may link here, nothing more: their requests are refused by what the browser says of them
 * (Fetch Metadata), and by Origin where it says nothing.
 */
function checkSite(request: FastifyRequest): void {
  const { headers, method, host } = request;
  const site = headers["sec-fetch-site"];
  const isRead = method === "GET" || method === "HEAD";
  if (site === "cross-site" || site === "same-site") {
    const isLink =
      isRead && headers["sec-fetch-mode"] === "navigate" && !/^\/(?:api|taxii2)\//.test(request.url);
    if (!isLink) throw new ApiError("cross-site");
  }
  const { origin } = headers;
  if (origin !== undefined && !isRead && !isOwnOrigin(origin, host)) throw new ApiError("cross-site");
}

function isOwnOrigin(origin: string, host: string): boolean {
  const url = URL.parse(origin);
  return (
    url !== null && (url.protocol === "http:" || url.protocol === "https:") && url.host === host.toLowerCase()
  );
}

async function actorOf(
  request: FastifyRequest,
  reply: FastifyReply,
  db: Database,
  now: string,
  { trustLocal }: Access,
  failures: Failures,
): Promise<Actor | undefined> {
  const { authorization } = request.headers;
  if (authorization === undefined) return trustLocal ? LOCAL : undefined;
  const wait = failures.wait(request.ip);
  if (wait > 0)
    throw new ApiError("rate-limited", "too many tokens that do not hold", {
      headers: { "retry-after": String(Math.ceil(wait / 1000)) },
    });
  const token = tokenIn(authorization);
  const row = token === undefined ? undefined : await findToken(db, token, now);
  if (row !== undefined) return { name: row.name, role: row.role, token: row.id };
  failures.add(request.ip);
  reply.header("www-authenticate", CHALLENGE.headers["www-authenticate"]);
  throw new ApiError("unauthorized", "this token does not hold: unknown, revoked or too old", CHALLENGE);
}

function tokenIn(authorization: string): string | undefined {
  const [, scheme, value] = /^(Bearer|Basic) +([A-Za-z0-9._~+/=-]{1,512})$/i.exec(authorization) ?? [];
  if (scheme === undefined || value === undefined) return undefined;
  if (scheme.toLowerCase() === "bearer") return value;
  const pair = Buffer.from(value, "base64").toString("utf8");
  return pair.slice(pair.indexOf(":") + 1);
}

/** Counts by client and minute. */
class Failures {
  readonly #limit: number;
  readonly #counts = new Map<string, { count: number; until: number }>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Milliseconds until the client may try again. */
  wait(client: string): number {
    const known = this.#counts.get(client);
    const left = known === undefined ? 0 : known.until - Date.now();
    return known !== undefined && left > 0 && known.count >= this.#limit ? left : 0;
  }

  add(client: string): void {
    const known = this.#counts.get(client);
    if (known !== undefined && known.until > Date.now()) {
      known.count++;
      return;
    }
    this.#counts.delete(client);
    const [oldest] = this.#counts.keys();
    if (this.#counts.size >= MAX_COUNTED && oldest !== undefined) this.#counts.delete(oldest);
    this.#counts.set(client, { count: 1, until: Date.now() + MINUTE_MS });
  }
}
