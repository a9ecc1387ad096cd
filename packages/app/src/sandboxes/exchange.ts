/** One HTTP request and its whole answer, within time and size, or the reason why not. */
import { type FileHandle, open } from "node:fs/promises";
import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { fail, ok } from "@assay/core/bytes/index";
import type { Clock } from "./clock.ts";
import { type Answer, type ProblemCode, problem } from "./sandbox.ts";

export interface Ask {
  readonly method: "GET" | "POST";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: FormData | Packet;
  /** Where an answer of status 2xx is written to; others, and all without it, are kept in memory. */
  readonly to?: string;
  /** Bytes that the answer may have. */
  readonly cap: number;
}

/** A body that is ready. */
export interface Packet {
  readonly type: string;
  readonly bytes: Uint8Array;
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
  ECONNRESET: "the connection broke",
  EPIPE: "the connection broke",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "the name look-up did not answer",
  EHOSTUNREACH: "no way to this host",
  ENETUNREACH: "no network",
  ETIMEDOUT: "no answer to the connection",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is self-signed: make it known with NODE_EXTRA_CA_CERTS",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate is self-signed: make it known with NODE_EXTRA_CA_CERTS",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    "its certificate cannot be verified: NODE_EXTRA_CA_CERTS names further ones",
  CERT_HAS_EXPIRED: "its certificate has expired",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
  EPROTO: "it does not speak TLS: http:// instead of https://?",
};
/** Failures that come back however often one asks. */
const FOR_GOOD = /CERT|SSL|EPROTO|ENOTFOUND|SELF_SIGNED|LEAF_SIGNATURE/;

export interface Attempt {
  readonly answer: Answer<Reply>;
  /** Asking again may help. */
  readonly again: boolean;
}

/** A stop of our own: of the user, or of the clock. */
class Stopped extends Error {}

/**
 * Redirects are handed back, never followed. On node:http and not on `fetch`: there an abort can get lost with the
 * garbage (Node 20), and nothing would ever end the wait.
 */
export async function exchange(ask: Ask, limits: Limits): Promise<Attempt> {
  const { clock, signal } = limits;
  const form = ask.body === undefined ? undefined : await encode(ask.body);
  const own: Progress = { begun: false };
  let cancelIdle = (): void => undefined;
  let request: ClientRequest | undefined;
  let response: IncomingMessage | undefined;
  const end = (why: Progress["why"]): void => {
    own.why ??= why;
    request?.destroy(new Stopped());
  };
  const alive = (): void => {
    cancelIdle();
    cancelIdle = clock.after(limits.idleMs, () => end("timeout"));
  };
  const onStop = (): void => end("stopped");
  const cancelTotal = clock.after(limits.totalMs, () => end("timeout"));
  try {
    if (signal?.aborted) return { answer: problem("stopped", "stopped"), again: false };
    signal?.addEventListener("abort", onStop);
    alive();
    request = start(ask, form?.type, form?.bytes.length);
    response = await send(request, form?.bytes, alive);
    // What happens to an answer that was given up is nobody's concern.
    response.on("error", () => undefined);
    own.begun = true;
    alive();
    const answer = await receive(response, ask, alive);
    return { answer, again: !answer.ok && answer.error.code === "half-sent" };
  } catch (error) {
    return failure(error, own);
  } finally {
    cancelIdle();
    cancelTotal();
    signal?.removeEventListener("abort", onStop);
    // An answer that was given up half-way holds its connection otherwise.
    if (response?.complete !== true) request?.destroy();
  }
}

/** How far it came, and what of ours ended it. */
interface Progress {
  begun: boolean;
  why?: "stopped" | "timeout";
}

/** multipart/form-data with its boundary, whole: its length is known ahead. */
async function encode(form: FormData | Packet): Promise<Packet> {
  if (!(form instanceof FormData)) return form;
  const encoded = new Response(form);
  const type = encoded.headers.get("content-type") ?? "multipart/form-data";
  return { type, bytes: new Uint8Array(await encoded.arrayBuffer()) };
}

function start(ask: Ask, type: string | undefined, length: number | undefined): ClientRequest {
  const request = ask.url.protocol === "https:" ? httpsRequest : httpRequest;
  return request(ask.url, {
    method: ask.method,
    headers: {
      ...ask.headers,
      "accept-encoding": "identity",
      ...(type === undefined ? {} : { "content-type": type }),
      ...(length === undefined
        ? ask.method === "POST"
          ? { "content-length": "0" }
          : {}
        : { "content-length": String(length) }),
    },
  });
}

/** Bytes of a body handed over at once: each that goes out is a sign of life. */
const UPLOAD_CHUNK = 256 * 1024;

/** The answer's head, once the body is out or the server has heard enough. Rejects as the request does. */
function send(
  request: ClientRequest,
  body: Uint8Array | undefined,
  alive: () => void,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.on("response", resolve);
    request.on("error", reject);
    let at = 0;
    const more = (): void => {
      alive();
      while (body !== undefined && at < body.length) {
        const chunk = body.subarray(at, at + UPLOAD_CHUNK);
        at += chunk.length;
        if (!request.write(chunk)) {
          request.once("drain", more);
          return;
        }
      }
      request.end();
    };
    more();
  });
}

/** Errors of sockets carry a code; what carries none, or one of a wrong call, is a bug of ours. */
function failure(error: unknown, { why, begun }: Progress): Attempt {
  if (why === "stopped") return { answer: problem("stopped", "stopped"), again: false };
  if (why === "timeout") {
    const what = begun ? "the answer stopped half-way" : "no answer";
    return { answer: problem("timeout", `${what} within the time allowed`), again: true };
  }
  const code = (error as NodeJS.ErrnoException).code ?? "";
  if (code === "" || /^ERR_(?!TLS|SSL|STREAM_PREMATURE_CLOSE)/.test(code)) throw error;
  if (begun)
    return {
      answer: problem("half-sent", "the connection broke half-way through the answer"),
      again: true,
    };
  const text = NETWORK[code] ?? `the connection broke (${code})`;
  return { answer: problem("unreachable", text), again: !FOR_GOOD.test(code) };
}

async function receive(response: IncomingMessage, ask: Ask, alive: () => void): Promise<Answer<Reply>> {
  const status = response.statusCode ?? 0;
  const headers = headersOf(response);
  if (!/^(?:identity)?$/.test(headers.get("content-encoding") ?? ""))
    return problem("unexpected-answer", "an answer in an encoding that was not asked for");
  const declared = lengthOf(headers);
  const good = status >= 200 && status < 300;
  const cap = good ? ask.cap : MAX_REFUSAL;
  if (declared !== undefined && declared > cap) return tooLarge(declared, cap);
  const file = good && ask.to !== undefined ? await openForWriting(ask.to) : undefined;
  if (file !== undefined && !file.ok) return file;
  const parts: Uint8Array[] = [];
  let size = 0;
  let kept = 0;
  try {
    for await (const chunk of response as AsyncIterable<Uint8Array>) {
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

/** Those that anybody asks for; a header that is sent twice counts once. */
function headersOf(response: IncomingMessage): Headers {
  const headers = new Headers();
  for (const name of ["content-type", "content-length", "content-encoding", "location", "retry-after"]) {
    const value = response.headers[name];
    if (typeof value === "string") headers.set(name, value);
  }
  return headers;
}

function lengthOf(headers: Headers): number | undefined {
  const text = headers.get("content-length");
  if (text === null || !/^\d{1,15}$/.test(text)) return undefined;
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
