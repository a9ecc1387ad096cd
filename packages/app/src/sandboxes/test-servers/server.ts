/** What the three test servers share: a real socket, a record of what was asked, and faults on order. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

export interface Answered {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
}

export type Fault =
  /** An answer instead of the server's own. */
  | { readonly kind: "answer"; readonly answer: Answered }
  /** The whole length is declared, `bytes` of it are sent, and the connection is cut. */
  | { readonly kind: "cut"; readonly bytes: number }
  /** A proxy's doing: `bytes` of it, properly ended and with their own length. */
  | { readonly kind: "short"; readonly bytes: number }
  /** The connection is cut without an answer. */
  | { readonly kind: "reset" }
  /** Nothing is ever sent; or, with `bytes`, nothing after these. */
  | { readonly kind: "hang"; readonly bytes?: number };

/** Names a request: the method and a part of the path. */
interface Order {
  readonly on: RegExp;
  readonly fault: Fault;
  times: number;
}

export abstract class TestServer {
  readonly asked: Asked[] = [];
  readonly #orders: Order[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #onHang: (() => void) | undefined;
  readonly #awaited: { readonly on: RegExp; readonly call: () => void }[] = [];

  constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  /** The server's own answer. */
  protected abstract answer(asked: Asked): Promise<Answered> | Answered;

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${this.port}/`);
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** The next `times` requests that match get the fault. Orders are served in the order they were given. */
  order(on: RegExp, fault: Fault, times = 1): this {
    this.#orders.push({ on, fault, times });
    return this;
  }

  /** Resolves when a request is left hanging. */
  hanging(): Promise<void> {
    return new Promise((resolve) => {
      this.#onHang = resolve;
    });
  }

  /** Resolves when a request that matches comes in. */
  next(on: RegExp): Promise<void> {
    return new Promise((resolve) => this.#awaited.push({ on, call: resolve }));
  }

  /** Requests whose line (`GET /path`) matches. */
  count(on: RegExp): number {
    return this.asked.filter(({ method, path }) => on.test(`${method} ${path}`)).length;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const asked: Asked = {
      method: request.method ?? "",
      path: request.url ?? "",
      headers: request.headers,
      body: Buffer.concat(parts),
    };
    this.asked.push(asked);
    for (const { on, call } of this.#awaited) if (on.test(`${asked.method} ${asked.path}`)) call();
    const order = this.#orders.find(({ on, times }) => times > 0 && on.test(`${asked.method} ${asked.path}`));
    if (order !== undefined) order.times--;
    const fault = order?.fault;
    if (fault?.kind === "reset") {
      request.socket.destroy();
      return;
    }
    if (fault?.kind === "hang" && fault.bytes === undefined) {
      this.#onHang?.();
      return;
    }
    const answer = fault?.kind === "answer" ? fault.answer : await this.answer(asked);
    const body = Buffer.from(answer.body);
    const sent = fault?.kind === "short" ? body.subarray(0, fault.bytes) : body;
    response.writeHead(answer.status, { ...answer.headers, "content-length": sent.length });
    if (fault?.kind === "cut") {
      response.write(body.subarray(0, fault.bytes), () => request.socket.destroy());
      return;
    }
    if (fault?.kind === "hang") {
      response.write(body.subarray(0, fault.bytes ?? 0), () => this.#onHang?.());
      return;
    }
    response.end(sent);
  }
}

export function jsonAnswer(body: unknown, status = 200): Answered {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

export function fileAnswer(bytes: Uint8Array, type: string, name: string): Answered {
  return {
    status: 200,
    headers: { "content-type": type, "content-disposition": `attachment; filename=${name}` },
    body: bytes,
  };
}

/** Fields and files of a multipart/form-data body (RFC 7578). */
export function formOf(asked: Asked): Map<string, { readonly filename?: string; readonly bytes: Buffer }> {
  const boundary = /boundary=([^;]+)/.exec(asked.headers["content-type"] ?? "")?.[1] ?? "";
  const fields = new Map<string, { filename?: string; bytes: Buffer }>();
  const mark = Buffer.from(`--${boundary}`);
  for (let at = asked.body.indexOf(mark); at >= 0; ) {
    const next = asked.body.indexOf(mark, at + mark.length);
    if (next < 0) break;
    const part = asked.body.subarray(at + mark.length + 2, next - 2);
    const end = part.indexOf("\r\n\r\n");
    const head = part.subarray(0, end).toString();
    const name = / name="([^"]*)"/.exec(head)?.[1];
    const filename = / filename="([^"]*)"/.exec(head)?.[1];
    if (name !== undefined)
      fields.set(name, { bytes: part.subarray(end + 4), ...(filename === undefined ? {} : { filename }) });
    at = next;
  }
  return fields;
}
