/** Requests as they arrive: too large, too slow, cut off. */
import type { IncomingMessage } from "node:http";
import type { App } from "./context.ts";
import { ApiError } from "./problem.ts";
import { refuseOnSocket } from "./refusals.ts";

/** An upload that brings less than this in the time that it has is not serious. */
const MIN_PROGRESS = 16 * 1024;
/** After a refusal the rest is read for a moment, so that the client comes to see the answer (ms, bytes). */
const LINGER_MS = 2000;
const LINGER_BYTES = 16 * 1024 ** 2;

/** A body that is no upload arrives whole within `limitMs`, or not at all. */
export function limitSlowBodies(app: App, limitMs: number): void {
  const timers = new WeakMap<IncomingMessage, NodeJS.Timeout>();
  const stop = (raw: IncomingMessage) => clearTimeout(timers.get(raw));
  app.addHook("preParsing", async (request) => {
    const { raw } = request;
    const hasBody =
      raw.headers["content-length"] !== undefined || raw.headers["transfer-encoding"] !== undefined;
    if (!hasBody || request.routeOptions.config.upload === true) return;
    const late = () => refuseOnSocket(raw.socket, 408, "the body took too long to arrive");
    timers.set(raw, setTimeout(late, limitMs));
  });
  app.addHook("preValidation", async ({ raw }) => stop(raw));
  app.addHook("onError", async ({ raw }) => stop(raw));
  app.addHook("onRequestAbort", async ({ raw }) => stop(raw));
}

/** Counts an upload and ends it when it is too large or stalls. `stop` is called when all is read. */
export class Arrival {
  readonly #raw: IncomingMessage;
  readonly #timer: NodeJS.Timeout;
  #received = 0;
  #before = 0;

  /** `onTooLarge`: called once, when more than `limit` bytes came. Throws ApiError when the request says so itself. */
  constructor(raw: IncomingMessage, limit: number, stallMs: number, onTooLarge: (error: ApiError) => void) {
    this.#raw = raw;
    const error = () => new ApiError("too-large", `more than ${limit} bytes in one request`);
    if (Number(raw.headers["content-length"] ?? 0) > limit) throw error();
    raw.on("data", (chunk: Uint8Array) => {
      const before = this.#received;
      this.#received += chunk.length;
      if (this.#received > limit && before <= limit) onTooLarge(error());
    });
    this.#timer = setInterval(() => {
      if (this.#received - this.#before < MIN_PROGRESS)
        refuseOnSocket(raw.socket, 408, "the upload stalled: too little arrived for too long");
      this.#before = this.#received;
    }, stallMs);
  }

  get received(): number {
    return this.#received;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** What is still on its way is read and dropped for a moment; then the connection is cut. */
  refuse(): void {
    const raw = this.#raw;
    linger(raw);
  }
}

export function linger(raw: IncomingMessage): void {
  if (raw.complete || raw.destroyed) return;
  let dropped = 0;
  const cut = () => raw.socket.destroy();
  const timer = setTimeout(cut, LINGER_MS);
  raw.unpipe();
  raw.on("data", (chunk: Uint8Array) => {
    dropped += chunk.length;
    if (dropped > LINGER_BYTES) cut();
  });
  raw.once("close", () => clearTimeout(timer));
  raw.once("end", () => clearTimeout(timer));
  raw.resume();
}
