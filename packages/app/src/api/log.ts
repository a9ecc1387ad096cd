/** What the log says: a line for each request, strings of strangers made harmless, no tokens. */
import { printable, shorten } from "@assay/core/export/escape";
import { type FastifyRequest, type FastifyServerOptions, LogController } from "fastify";
import { inWords } from "../store/corpus.ts";
import { ANY_TOKEN } from "../store/tokens.ts";
import type { App } from "./context.ts";

export interface LogTo {
  readonly level: string;
  /** Takes lines of JSON. */
  readonly stream: { write(line: string): void };
}

const MAX_URL = 500;
const MAX_STACK = 4000;

export function logOptions(to: LogTo | undefined): Pick<FastifyServerOptions, "logger" | "logController"> {
  if (to === undefined)
    return { logger: false, logController: new LogController({ disableRequestLogging: true }) };
  return {
    logger: {
      level: to.level,
      stream: to.stream,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label: string) => ({ level: label }) },
      serializers: { err: (error: unknown) => failure(error) as never },
    },
    logController: new LogController({ disableRequestLogging: true }),
  };
}

/** One line a request, when it is done. */
export function logRequests(app: App): void {
  app.addHook("onResponse", async (request, reply) => {
    request.log.info(
      {
        ...seen(request),
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
      },
      "request",
    );
  });
  app.addHook("onRequestAbort", async (request) => {
    request.log.info(seen(request), "request aborted by the client");
  });
}

function seen(request: FastifyRequest): Record<string, unknown> {
  return {
    method: request.method,
    url: safe(request.url, MAX_URL),
    address: request.ip,
    actor: safe(request.actor?.name ?? "", MAX_URL),
    token: request.actor?.token ?? null,
  };
}

/** For a log: no control characters, no tokens, not too long. */
export function safe(text: string, length: number): string {
  return printable(shorten(text.replace(ANY_TOKEN, "assay_…"), length));
}

/** An error in words: never a statement's parameters, which may be whole samples. */
function failure(error: unknown): Record<string, unknown> {
  const plain = inWords(error);
  if (!(plain instanceof Error)) return { message: safe(String(plain), MAX_STACK) };
  const { code } = error as { readonly code?: unknown };
  return {
    type: plain.name,
    message: safe(plain.message, MAX_STACK),
    ...(typeof code === "string" ? { code } : {}),
    stack: safe(plain.stack ?? "", MAX_STACK),
  };
}
