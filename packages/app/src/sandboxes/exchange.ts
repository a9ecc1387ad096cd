/** One HTTP request and its whole answer, within time and size, or the reason why not. */
import { type FileHandle, open } from "node:fs/promises";
import { fail, ok } from "@assay/core/bytes/index";
import type { Clock } from "./clock.ts";
import { type Answer, type ProblemCode, problem } from "./sandbox.ts";

export interface Ask {
  readonly method: "GET" | "POST";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: FormData;
  /** Where an answer of status 2xx is written to; others, and all without it, are kept in memory. */
  readonly to?: string;
  /** Bytes that the answer may have. */
  readonly cap: number;
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  /** The whole body; when it went to a file, its head. */
  readonly body: Uint8Array;
  readonly size: number;
}

export interface Limits {
  readonly clock: Clock;
  /** Milliseconds without a byte. */
  readonly idleMs: number;
  /** Milliseconds for all of it. */
  readonly totalMs: number;
  readonly signal?: AbortSignal;
}

/** What is kept in memory of a body that goes to a file: enough to see what it is. */
export const HEAD_BYTES = 4096;
/** A refusal is a line of text; what is longer is no refusal. */
const MAX_REFUSAL = 1024 * 1024;

/** Error codes of sockets and name look-ups, in words. */
const NETWORK: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "the name look-up did not answer",
  EHOSTUNREACH: "no way to this host",
  ENETUNREACH: "no network",
  ETIMEDOUT: "no answer to the connection",
  UND_ERR_CONNECT_TIMEOUT: "no answer to the connection",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is self-signed: make it known with NODE_EXTRA_CA_CERTS",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate is self-signed: make it known with NODE_EXTRA_CA_CERTS",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    "its certificate cannot be verified: NODE_EXTRA_CA_CERTS names further ones",
  CERT_HAS_EXPIRED: "its certificate has expired",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
  ERR_SSL_WRONG_VERSION_NUMBER: "it does not speak TLS: http:// instead of https://?",
};
/** Failures that come back however often one asks. */
const FOR_GOOD = /CERT|SSL|ENOTFOUND|SELF_SIGNED|LEAF_SIGNATURE/;

export interface Attempt {
  readonly answer: Answer<Reply>;
  /** Asking again may help. */
  readonly again: boolean;
}

/** Redirects are handed back, never followed. */
export async function exchange(ask: Ask, limits: Limits): Promise<Attempt> {
  const { clock, signal } = limits;
  const stop = new AbortController();
  let why: "stopped" | "timeout" | undefined = signal?.aborted ? "stopped" : undefined;
  const end = (cause: typeof why): void => {
    why ??= cause;
    stop.abort();
  };
  const onStop = (): void => end("stopped");
  signal?.addEventListener("abort", onStop);
  let cancelIdle = clock.after(limits.idleMs + uploadMs(ask.body), () => end("timeout"));
  const cancelTotal = clock.after(limits.totalMs, () => end("timeout"));
  const alive = (): void => {
    cancelIdle();
    cancelIdle = clock.after(limits.idleMs, () => end("timeout"));
  };
  let begun = false;
  try {
    if (why !== undefined) stop.abort();
    const response = await fetch(ask.url, {
      method: ask.method,
      headers: { ...ask.headers, "accept-encoding": "identity" },
      redirect: "manual",
      signal: stop.signal,
      ...(ask.body === undefined ? {} : { body: ask.body }),
    });
    begun = true;
    alive();
    const answer = await receive(response, ask, alive);
    return { answer, again: !answer.ok && answer.error.code === "half-sent" };
  } catch (error) {
    if (why === "stopped") return { answer: problem("stopped", "stopped"), again: false };
    if (why === "timeout") {
      const what = begun ? "the answer stopped half-way" : "no answer";
      return { answer: problem("timeout", `${what} within the time allowed`), again: true };
    }
    return networkFailure(error, begun);
  } finally {
    cancelIdle();
    cancelTotal();
    signal?.removeEventListener("abort", onStop);
    stop.abort();
  }
}

/** Bytes a second that a slow line takes: how long a file may be on its way is not seen from here. */
const SLOW_LINE = 64 * 1024;

function uploadMs(body: FormData | undefined): number {
  let bytes = 0;
  for (const [, value] of body ?? []) bytes += typeof value === "string" ? 0 : value.size;
  return Math.ceil((bytes / SLOW_LINE) * 1000);
}

/** What `fetch` throws when the network fails is a TypeError with the cause behind it; all else is a bug of ours. */
function networkFailure(error: unknown, begun: boolean): Attempt {
  const cause = error instanceof TypeError ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
  if (!(error instanceof TypeError) || cause === undefined) throw error;
  const code = cause.code ?? (cause as { errors?: readonly NodeJS.ErrnoException[] }).errors?.[0]?.code ?? "";
  if (begun)
    return { answer: problem("half-sent", "the connection broke half-way through the answer"), again: true };
  const text = NETWORK[code] ?? `the connection broke${code === "" ? "" : ` (${code})`}`;
  return { answer: problem("unreachable", text), again: !FOR_GOOD.test(code) };
}

async function receive(response: Response, ask: Ask, alive: () => void): Promise<Answer<Reply>> {
  const { status, headers } = response;
  const declared = lengthOf(headers);
  const toFile = ask.to !== undefined && status >= 200 && status < 300;
  const cap = status >= 200 && status < 300 ? ask.cap : MAX_REFUSAL;
  if (declared !== undefined && declared > cap) return tooLarge(declared, cap);
  const file = toFile && ask.to !== undefined ? await openForWriting(ask.to) : undefined;
  if (file !== undefined && !file.ok) return file;
  const parts: Uint8Array[] = [];
  let size = 0;
  let kept = 0;
  try {
    for await (const chunk of chunksOf(response)) {
      alive();
      size += chunk.length;
      if (size > cap) return tooLarge(undefined, cap);
      if (file === undefined || kept < HEAD_BYTES) {
        const part = file === undefined ? chunk : chunk.subarray(0, HEAD_BYTES - kept);
        parts.push(part);
        kept += part.length;
      }
      const written = file === undefined ? undefined : await write(file.value, chunk);
      if (written !== undefined) return fail(written);
    }
  } finally {
    if (file?.ok) await file.value.close();
  }
  if (declared !== undefined && size !== declared)
    return problem("half-sent", `${size} of ${declared} bytes arrived`);
  return ok({ status, headers, body: Buffer.concat(parts), size });
}

async function* chunksOf(response: Response): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
}

/** Content-Length counts the bytes on the wire: with an encoding it says nothing of those that arrive here. */
function lengthOf(headers: Headers): number | undefined {
  const text = headers.get("content-length");
  if (text === null || !/^\d{1,15}$/.test(text) || headers.has("content-encoding")) return undefined;
  return Number(text);
}

function tooLarge(size: number | undefined, cap: number): Answer<never> {
  const what = size === undefined ? "the answer goes on" : `the answer has ${size} bytes`;
  return problem("too-large", `${what}; more than ${cap} are not taken`);
}

async function openForWriting(path: string): Promise<Answer<FileHandle>> {
  try {
    return ok(await open(path, "w", 0o600));
  } catch (error) {
    return fail(diskProblem(error));
  }
}

async function write(
  file: FileHandle,
  bytes: Uint8Array,
): Promise<{ code: ProblemCode; text: string } | undefined> {
  try {
    await file.writeFile(bytes);
    return undefined;
  } catch (error) {
    return diskProblem(error);
  }
}

/** An error of the file system as a value; anything else is a bug and passes. */
export function diskProblem(error: unknown): { code: "disk"; text: string } {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === undefined) throw error;
  const words = code === "ENOSPC" ? "the disk is full" : "cannot be written";
  return { code: "disk", text: `the temporary folder: ${words} (${code})` };
}
