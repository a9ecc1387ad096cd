/** `assay serve`: the API on a corpus, with a worker in the same process unless others do the work. */
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openQueue } from "../jobs/queue.ts";
import { startWorker } from "../jobs/worker.ts";
import { Pool } from "../pool/pool.ts";
import { type Corpus, CorpusError } from "../store/corpus.ts";
import { usableTokens } from "../store/tokens.ts";
import type { App, Limits } from "./context.ts";
import type { Access } from "./guard.ts";
import type { LogTo } from "./log.ts";
import { buildServer } from "./server.ts";

export interface ServeOptions {
  readonly host: string;
  readonly port: number;
  /** Analyses at once in this process; 0: others do the work. */
  readonly jobs: number;
  /** Names that the server answers to besides those of the machine itself: then a token is needed. */
  readonly names: readonly string[];
  readonly requireToken: boolean;
  readonly log: LogTo | undefined;
  readonly limits?: Partial<Limits>;
  /** Where uploads are while they arrive; default: temporary files. */
  readonly scratch?: string;
}

export interface Serving {
  readonly url: string;
  /** Settles when the worker has ended by itself, which it should not; never without one. */
  readonly broken: Promise<unknown>;
  /** Finishes what is under way, in `GRACE_MS` at most. */
  stop(): Promise<void>;
}

/** What is under way when the server is to stop has so long to end (ms). */
const GRACE_MS = 20_000;
const LOCAL_NAMES = ["localhost", "127.0.0.1", "[::1]"];

/** Whether only this machine gets there. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

/** Rejects with CorpusError when it would be open to strangers. The corpus stays the caller's to close. */
export async function serve(corpus: Corpus, options: ServeOptions): Promise<Serving> {
  const access = await accessOf(corpus, options);
  const queue = await openQueue(corpus);
  const stopWork = new AbortController();
  let app: App | undefined;
  try {
    const worker =
      options.jobs === 0
        ? undefined
        : await startWorker(corpus, {
            jobs: options.jobs,
            signal: stopWork.signal,
            onTrouble: (text) => app?.log.warn({ text }, "worker"),
          });
    const pages = pagesFolder();
    app = await buildServer({
      ...{ corpus, queue, access, scratch: options.scratch ?? tmpdir() },
      ...(options.log === undefined ? {} : { log: options.log }),
      ...(options.limits === undefined ? {} : { limits: options.limits }),
      ...(pages === undefined ? {} : { pages }),
      openPool: (folder, timeoutMs) => new Pool({ size: 1, timeoutMs, readable: [folder], analysis: {} }),
    });
    const own = app;
    const url = await listen(own, options);
    return {
      url,
      broken:
        worker === undefined
          ? new Promise(() => undefined)
          : worker.done.then(
              () => undefined,
              (error: unknown) => error,
            ),
      stop: async () => {
        const late = setTimeout(() => own.server.closeAllConnections(), GRACE_MS);
        stopWork.abort();
        await Promise.allSettled([own.close(), worker?.done]);
        clearTimeout(late);
        await queue.close();
      },
    };
  } catch (error) {
    stopWork.abort();
    await app?.close();
    await queue.close();
    throw error;
  }
}

async function listen(app: App, { host, port }: ServeOptions): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    if (code === "EADDRINUSE") throw new CorpusError(`port ${port} of ${host} is taken: --port`);
    if (code === "EACCES" || code === "EADDRNOTAVAIL" || code === "ENOTFOUND")
      throw new CorpusError(`cannot listen on ${host}:${port} (${code})`);
    throw error;
  }
}

async function accessOf(corpus: Corpus, { host, names, requireToken }: ServeOptions): Promise<Access> {
  const isLocal = isLoopback(host);
  const trustLocal = isLocal && names.length === 0 && !requireToken;
  if (!trustLocal && (await usableTokens(corpus.db, new Date().toISOString())) === 0)
    throw new CorpusError(
      `${isLocal ? "tokens are asked for" : `${host} is open to others`}, and there is no token: assay token create NAME --role admin makes one`,
    );
  return {
    trustLocal,
    hosts: isLocal ? [...LOCAL_NAMES, host, ...names.map((name) => name.toLowerCase())] : undefined,
  };
}

/** The build of packages/web, as seen from the bundle and from the source. */
function pagesFolder(): string | undefined {
  return ["../../web/dist", "../../../web/dist"]
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((folder) => existsSync(join(folder, "index.html")));
}
