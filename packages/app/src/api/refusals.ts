/** How requests are refused: in routes, before them, and below HTTP. */
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { FastifyReply, FastifyRequest, FastifyServerOptions } from "fastify";
import type { App } from "./context.ts";
import { ApiError, problemOf } from "./problem.ts";

const MEDIA_TYPE = "application/problem+json";

/** Every route there is, to tell a wrong method from a wrong address, and to hold each to having schemas. */
export class RouteTable {
  readonly #routes: { readonly method: string; readonly parts: readonly string[] }[] = [];

  watch(app: App): void {
    app.addHook("onRoute", (route) => {
      const { method, url, config } = route;
      const methods = [method].flat();
      for (const one of methods) this.#routes.push({ method: one, parts: url.split("/") });
      if (config?.foreign === true) route.schema = { ...FOREIGN, ...route.schema };
      if (methods.includes("HEAD") || config?.foreign === true) return;
      const { schema } = route;
      if (schema?.response === undefined) throw new Error(`${methods} ${url} has no schema of its answers`);
      if (config?.role === undefined) throw new Error(`${methods} ${url} does not say who may`);
      const params = url.split("/").filter((part) => part.startsWith(":"));
      if (params.length > 0 && schema.params === undefined)
        throw new Error(`${methods} ${url} has no schema of its parameters`);
      if (schema.querystring === undefined) schema.querystring = NO_QUERY;
    });
  }

  /** Methods that there are for an address. */
  methodsOf(path: string): string[] {
    const parts = path.split("/");
    const fits = (own: readonly string[]) =>
      !own.includes("*") &&
      own.length === parts.length &&
      own.every((part, i) => part === parts[i] || (part.startsWith(":") && parts[i] !== ""));
    return [...new Set(this.#routes.filter((route) => fits(route.parts)).map(({ method }) => method))].sort();
  }
}

/** What another standard describes, in its own media types. */
const FOREIGN = {
  summary: "TAXII 2.1 (OASIS)",
  response: Object.fromEntries(
    ["2xx", "4xx", "5xx"].map((status) => [
      status,
      { content: { "application/taxii+json;version=2.1": { schema: {} } } },
    ]),
  ),
};

/** A route that takes no query says so to who sends one. */
const NO_QUERY = { type: "object", properties: {}, additionalProperties: false };

export function answerProblems(app: App, routes: RouteTable): void {
  app.setErrorHandler((error, request, reply) => answer(error, request, reply));
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split("?", 1)[0] ?? "";
    const methods = routes.methodsOf(path);
    return answer(
      methods.length === 0
        ? new ApiError("not-found")
        : new ApiError("method-not-allowed", `there is ${methods.join(", ")}`, {
            headers: { allow: methods.join(", ") },
          }),
      request,
      reply,
    );
  });
}

export function answer(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const known = problemOf(error);
  if (known === undefined) request.log.error({ err: error }, "a defect");
  const { problem, headers } = known ?? new ApiError("internal", `the log has it under ${request.id}`);
  if (known !== undefined && problem.status >= 500) request.log.warn({ err: error }, "not available");
  return reply
    .code(problem.status)
    .headers(headers)
    .header("cache-control", "no-store")
    .type(MEDIA_TYPE)
    .serializer((value: unknown) => JSON.stringify(value))
    .send({ ...problem, instance: request.id });
}

/** Requests that never reach a route: what is no HTTP, too long, too slow, or has an address that cannot be decoded. */
export function refuseBrokenRequests(): Pick<FastifyServerOptions, "clientErrorHandler" | "frameworkErrors"> {
  return {
    clientErrorHandler(error, socket) {
      const [status, detail] = BROKEN[error.code ?? ""] ?? [400, "this is no HTTP request"];
      refuseOnSocket(socket as Socket, status, detail);
    },
    frameworkErrors(error, request, reply) {
      // No hook has run for it.
      reply.headers({
        "x-request-id": request.id,
        "content-security-policy": "default-src 'none'",
        "x-content-type-options": "nosniff",
      });
      answer(error, request as FastifyRequest, reply as FastifyReply);
    },
  };
}

const BROKEN: Readonly<Record<string, readonly [number, string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, "the request took too long to arrive"],
  HPE_HEADER_OVERFLOW: [431, "the headers are too large"],
};

/** Answers below HTTP and closes. */
export function refuseOnSocket(socket: Socket, status: number, detail: string): void {
  if (socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const title = STATUS_CODES[status] ?? "";
  const body = JSON.stringify({ type: "/problems/invalid-request", title, status, detail });
  socket.end(
    [
      `HTTP/1.1 ${status} ${title}`,
      `Content-Type: ${MEDIA_TYPE}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      "Connection: close",
      "",
      body,
    ].join("\r\n"),
  );
  // A client that does not close is not waited for.
  socket.destroySoon();
}
