/** What the routes work with. */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from "fastify";
import type { Queue } from "../jobs/queue.ts";
import type { Corpus } from "../store/corpus.ts";
import type { Role } from "../store/tokens.ts";
import type { Metrics } from "./metrics.ts";
import type { Remaker } from "./remaker.ts";
import type { Spool } from "./spool.ts";

export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

export interface Limits {
  /** Bytes of one file, of one request, of both together on the disk. */
  readonly fileBytes: number;
  readonly requestBytes: number;
  readonly files: number;
  /** Requests a minute of one client, and tokens that do not hold. */
  readonly perMinute: number;
  readonly badTokensPerMinute: number;
  /** Milliseconds in which headers, a body that is no upload, and the next piece of an upload must come. */
  readonly headersMs: number;
  readonly bodyMs: number;
  readonly stallMs: number;
  /** Clients that listen to events at once. */
  readonly listeners: number;
}

export const DEFAULT_LIMITS: Limits = {
  fileBytes: 512 * 1024 ** 2,
  requestBytes: 2 * 1024 ** 3,
  files: 1000,
  perMinute: 1200,
  badTokensPerMinute: 30,
  headersMs: 10_000,
  bodyMs: 15_000,
  stallMs: 30_000,
  listeners: 100,
};

/** Who asks. */
export interface Actor {
  /** Of the token; `local` for whoever sits at the machine. */
  readonly name: string;
  readonly role: Role;
  readonly token: string | null;
}

export interface Context {
  readonly corpus: Corpus;
  readonly queue: Queue;
  readonly spool: Spool;
  readonly remaker: Remaker;
  readonly metrics: Metrics;
  readonly limits: Limits;
  /** ISO 8601, UTC. */
  readonly now: () => string;
  /** Aborted when the server is about to stop. */
  readonly stopping: AbortSignal;
}

declare module "fastify" {
  interface FastifyRequest {
    actor: Actor | undefined;
  }
  interface FastifyContextConfig {
    /** Who may: `public` is everybody. */
    role?: Role | "public";
    /** Its body is a stream with limits of its own. */
    upload?: boolean;
    /** Another standard says what it takes and answers. */
    foreign?: boolean;
  }
}
