/** A server on a corpus of its own, over real sockets, whose answers are held to their schemas. */
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import { openQueue, type Queue } from "../../jobs/queue.ts";
import { type Analyse, startWorker } from "../../jobs/worker.ts";
import { Pool } from "../../pool/pool.ts";
import { type Corpus, openCorpus, type Place } from "../../store/corpus.ts";
import { made } from "../../store/testing/samples.ts";
import type { App, Limits } from "../context.ts";
import type { Access } from "../guard.ts";
import { sharedSchemas } from "../schemas/index.ts";
import { buildServer } from "../server.ts";

export interface TestApi {
  readonly app: App;
  readonly corpus: Corpus;
  readonly queue: Queue;
  readonly port: number;
  /** Lines of the log. */
  readonly log: string[];
  readonly scratch: string;
  ask(path: string, init?: RequestInit): Promise<Answer>;
  /** Uploads these files. */
  upload(
    files: readonly { readonly name: string; readonly content: string | Uint8Array<ArrayBuffer> }[],
    fields?: readonly (readonly [name: string, value: string])[],
    headers?: Record<string, string>,
  ): Promise<Answer>;
  /** Runs a worker until the batch has ended. */
  work(batch: string, analyse?: Analyse): Promise<void>;
  stop(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  readonly body: any;
}

export interface ApiOptions {
  readonly access?: Access;
  readonly limits?: Partial<Limits>;
  readonly pages?: string;
}

const LOCAL: Access = { trustLocal: true, hosts: ["127.0.0.1", "localhost", "[::1]"] };
/** The launcher of the bundle, which `npm test` builds first. */
export const WORKER = fileURLToPath(new URL("../../../bin/worker.cjs", import.meta.url));

/** Says of each file that it is of a family and calls at its own name. */
export const byName: Analyse = async (_path, name) => made(name, { c2: [`${name}.example`] });

export async function startApi(place: Place, options: ApiOptions = {}): Promise<TestApi> {
  const corpus = await openCorpus(place);
  const queue = await openQueue(corpus);
  const scratch = mkdtempSync(join(tmpdir(), "assay-api-"));
  const log: string[] = [];
  const app = await buildServer({
    ...{ corpus, queue, scratch, access: options.access ?? LOCAL },
    limits: { perMinute: 100_000, ...options.limits },
    ...(options.pages === undefined ? {} : { pages: options.pages }),
    log: { level: "info", stream: { write: (line) => void log.push(line) } },
    openPool: (folder, timeoutMs) =>
      new Pool({ size: 1, timeoutMs, readable: [folder], analysis: {}, worker: WORKER }),
    serializer: checked(),
  });
  await app.listen({ host: "127.0.0.1", port: 0 });
  const address = app.server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const { port } = address;
  const ask = async (path: string, init: RequestInit = {}): Promise<Answer> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
    const text = await response.text();
    const isJson = /^application\/(?:[a-z.]+\+)?json/.test(response.headers.get("content-type") ?? "");
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson && text !== "" ? JSON.parse(text) : undefined,
    };
  };
  return {
    ...{ app, corpus, queue, port, log, scratch, ask },
    upload: (files, fields = [], headers = {}) => {
      const form = new FormData();
      for (const [name, value] of fields) form.append(name, value);
      for (const { name, content } of files) form.append("file", new Blob([content]), name);
      return ask("/api/v1/samples", { method: "POST", body: form, headers });
    },
    work: async (batch, analyse = byName) => {
      const stop = new AbortController();
      const worker = await startWorker(corpus, { jobs: 2, signal: stop.signal, analyse });
      for await (const _ of queue.watch(batch));
      stop.abort();
      await worker.done;
    },
    stop: async () => {
      await app.close();
      await queue.close();
      await corpus.close();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}

/** An answer that is not as the route's schema says is a defect. */
function checked(): (schema: unknown) => (value: unknown) => string {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  for (const schema of sharedSchemas) ajv.addSchema(schema as object);
  return (schema) => {
    const validate = ajv.compile(schema as object);
    return (value) => {
      const text = JSON.stringify(value);
      if (!validate(JSON.parse(text)))
        throw new Error(
          `an answer against its schema: ${ajv.errorsText(validate.errors)}: ${text.slice(0, 500)}`,
        );
      return text;
    };
  };
}

/** A client that speaks no better HTTP than it is told to. */
export class RawClient {
  readonly socket: Socket;
  #text = "";
  readonly closed: Promise<void>;

  constructor(port: number) {
    this.socket = connect(port, "127.0.0.1");
    this.socket.on("data", (chunk) => {
      this.#text += chunk.toString("latin1");
    });
    this.socket.on("error", () => undefined);
    this.closed = new Promise((resolve) => this.socket.once("close", () => resolve()));
  }

  get text(): string {
    return this.#text;
  }

  write(data: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      if (this.socket.destroyed) resolve();
      else this.socket.write(data, () => resolve());
    });
  }

  /** When all of an answer's head is there. */
  async head(): Promise<string> {
    for (let i = 0; i < 2000 && !this.#text.includes("\r\n\r\n") && !this.socket.destroyed; i++)
      await new Promise((resolve) => setTimeout(resolve, 10));
    return this.#text;
  }

  /** The answer's status; 0 when there is none. */
  async status(): Promise<number> {
    return Number(/^HTTP\/1\.1 (\d{3})/.exec(await this.head())?.[1] ?? 0);
  }
}
