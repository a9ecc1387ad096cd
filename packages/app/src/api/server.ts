/** Puts the server together. Corpus and queue come from outside, so that tests build it on either database. */
import { randomUUID } from "node:crypto";
import { ENGINE_VERSION } from "@assay/core/triage/report";
import helmet from "@fastify/helmet";
import rateLimit from "@fastify/rate-limit";
import swagger from "@fastify/swagger";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import fastify from "fastify";
import type { Queue } from "../jobs/queue.ts";
import type { Corpus } from "../store/corpus.ts";
import { type App, type Context, DEFAULT_LIMITS, type Limits } from "./context.ts";
import { type Access, guard } from "./guard.ts";
import { limitSlowBodies } from "./incoming.ts";
import { type LogTo, logOptions, logRequests } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { hasPages, pageRoutes } from "./pages.ts";
import { ApiError } from "./problem.ts";
import { answerProblems, RouteTable, refuseBrokenRequests } from "./refusals.ts";
import { type OpenPool, Remaker } from "./remaker.ts";
import { batchRoutes } from "./routes/batches.ts";
import { byteRoutes } from "./routes/bytes.ts";
import { correlationRoutes } from "./routes/correlation.ts";
import { exportRoutes } from "./routes/exports.ts";
import { familyRoutes } from "./routes/families.ts";
import { graphRoutes } from "./routes/graph.ts";
import { sampleRoutes } from "./routes/samples.ts";
import { systemRoutes } from "./routes/system.ts";
import { tokenRoutes } from "./routes/tokens.ts";
import { uploadRoutes } from "./routes/uploads.ts";
import { workRoutes } from "./routes/work.ts";
import { UploadForm } from "./schemas/batches.ts";
import { ref } from "./schemas/common.ts";
import { sharedSchemas } from "./schemas/index.ts";
import { Spool } from "./spool.ts";
import { taxii } from "./taxii.ts";

export interface ServerOptions {
  readonly corpus: Corpus;
  readonly queue: Queue;
  readonly access: Access;
  /** Starts the process that takes samples apart for the hex pane. */
  readonly openPool: OpenPool;
  /** Where uploads are while they arrive. */
  readonly scratch: string;
  /** Build of the pages; none: only the API answers. */
  readonly pages?: string;
  readonly limits?: Partial<Limits>;
  /** None: nothing is logged. */
  readonly log?: LogTo;
  readonly now?: () => string;
  /** Writes answers instead of JSON.stringify: a test holds them to their schemas. */
  readonly serializer?: (schema: unknown) => (value: unknown) => string;
}

const ROUTES = [
  systemRoutes,
  uploadRoutes,
  batchRoutes,
  sampleRoutes,
  byteRoutes,
  correlationRoutes,
  graphRoutes,
  familyRoutes,
  exportRoutes,
  workRoutes,
  tokenRoutes,
];

/** Largest body that is no upload. */
const MAX_BODY = 1024 ** 2;
const MAX_PARAM = 256;
/** A client that takes nothing of its answer for so long is gone (ms). While the answer is made nobody is in a hurry. */
const SEND_MS = 300_000;
const CHECK_MS = 5000;
/** Largest upload on the slowest line that is waited for (ms). */
const REQUEST_MS = 30 * 60_000;

/**
 * What a page may load: what this server gives, nothing else. WebAssembly is compiled by pages that read samples in
 * the browser.
 */
const CSP = {
  "default-src": ["'none'"],
  "script-src": ["'self'", "'wasm-unsafe-eval'"],
  "style-src": ["'self'"],
  "img-src": ["'self'", "data:"],
  "font-src": ["'self'"],
  "connect-src": ["'self'"],
  "worker-src": ["'self'"],
  "manifest-src": ["'self'"],
  "form-action": ["'self'"],
  "base-uri": ["'none'"],
  "frame-ancestors": ["'none'"],
};

export async function buildServer(options: ServerOptions): Promise<App> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const stopping = new AbortController();
  const context: Context = {
    corpus: options.corpus,
    queue: options.queue,
    spool: new Spool(options.scratch),
    remaker: new Remaker(options.openPool),
    metrics: new Metrics(),
    limits,
    now: options.now ?? (() => new Date().toISOString()),
    stopping: stopping.signal,
  };
  const routes = new RouteTable();
  const app: App = fastify({
    ...logOptions(options.log),
    // How often Node looks for connections that are too slow.
    http: {
      connectionsCheckingInterval: Math.min(limits.headersMs, CHECK_MS),
      headersTimeout: limits.headersMs,
    },
    bodyLimit: MAX_BODY,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: 10_000,
    forceCloseConnections: "idle",
    requestIdHeader: false,
    genReqId: () => randomUUID(),
    routerOptions: { maxParamLength: MAX_PARAM },
    ajv: {
      customOptions: { removeAdditional: false, coerceTypes: true, useDefaults: true, allErrors: false },
    },
    ...refuseBrokenRequests(),
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.addHook("preClose", async () => stopping.abort());
  app.addHook("onClose", async () => {
    context.spool.close();
    context.remaker.close();
    context.metrics.close();
  });
  const write = options.serializer ?? (() => JSON.stringify);
  app.setSerializerCompiler(({ schema }) => write(schema));
  app.removeContentTypeParser("text/plain");
  for (const schema of sharedSchemas) app.addSchema(schema);
  routes.watch(app);
  logRequests(app);
  context.metrics.watch(app);
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: CSP },
    strictTransportSecurity: false,
    xFrameOptions: { action: "deny" },
  });
  app.addHook("onRequest", async (request, reply) => {
    reply.header("x-request-id", request.id).header("cache-control", "no-store");
    reply.header("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()");
  });
  app.addHook("onSend", async (_request, reply) => {
    reply.raw.socket?.setTimeout(SEND_MS);
  });
  answerProblems(app, routes);
  guard(app, context, options.access);
  limitSlowBodies(app, limits.bodyMs);
  await app.register(rateLimit, {
    max: limits.perMinute,
    timeWindow: 60_000,
    // A token is one client wherever it comes from; without one, an address is.
    keyGenerator: (request) => request.actor?.token ?? request.ip,
    allowList: (request) => request.routeOptions.config.role === "public",
    errorResponseBuilder: (_, { ttl }) =>
      new ApiError("rate-limited", `more than ${limits.perMinute} a minute`, {
        headers: { "retry-after": String(Math.ceil(ttl / 1000)) },
      }),
  });
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "assay",
        version: ENGINE_VERSION,
        description:
          "Malware configuration extraction: samples in; families, configs, indicators, relations out.",
        license: { name: "MIT", identifier: "MIT" },
      },
      components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
      security: [{ token: [] }],
    },
    transform: ({ schema, url, route }) =>
      route.config?.upload === true
        ? { url, schema: { ...schema, consumes: ["multipart/form-data"], body: ref(UploadForm) } }
        : { url, schema },
    refResolver: { buildLocalReference: (json, _base, _fragment, i) => String(json.$id ?? `schema${i}`) },
  });
  for (const room of ROUTES) await app.register(room, context);
  await app.register(taxii, {
    ...{ prefix: "/taxii2", db: options.corpus.db, now: context.now },
    routeConfig: { role: "read", foreign: true },
  });
  if (options.pages !== undefined && hasPages(options.pages))
    await app.register(pageRoutes, { folder: options.pages });
  return app;
}
