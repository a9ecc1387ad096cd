/**
 * Requests to a sandbox: asked again with back-off while that may help, never sent with the token to another host,
 * and every refusal turned into words. What a server says passes `clean`: no token, nothing that acts on a terminal.
 */
import { printable, shorten } from "@assay/core/export/escape";
import { type Clock, systemClock } from "./clock.ts";
import { type Ask, exchange, type Packet, type Reply } from "./exchange.ts";
import { backOff, MAX_RETRY_AFTER_MS, retryAfter } from "./retry.ts";
import { type Answer, type Problem, problem } from "./sandbox.ts";

export type { Reply } from "./exchange.ts";

export interface HttpOptions {
  /** Where the API's paths start. */
  readonly base: URL;
  /** Value of the Authorization header. */
  readonly authorization?: string;
  /** Never shown. */
  readonly secrets?: readonly string[];
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
  readonly idleMs?: number;
  readonly totalMs?: number;
  /** Told why a request has to wait, and how long. */
  readonly onWait?: (text: string) => void;
}

export interface Request {
  readonly method?: "GET" | "POST";
  /** Relative to the base, already encoded. */
  readonly path: string;
  readonly body?: FormData | Packet;
  /** Default: anything. */
  readonly accept?: string;
  readonly to?: string;
  readonly cap: number;
  /** Statuses that are an answer to whoever asks. 2xx always is. */
  readonly expect?: readonly number[];
  /** Says what is wrong with an answer that arrived whole, such as an archive that does not open: asked again. */
  readonly check?: (reply: Reply) => Promise<Problem | undefined>;
  /** Asking twice does it twice: not repeated when nobody can tell whether the first was heard. */
  readonly once?: boolean;
}

/** A server may think this long between two bytes: CAPE packs a whole archive before it sends the first. */
const IDLE_MS = 180_000;
const TOTAL_MS = 60 * 60_000;
export const MAX_ATTEMPTS = 5;
/** CAPE's default lets five requests a minute pass; each wait is as long as the server asks. */
const MAX_RATE_LIMITED = 60;
const MAX_REDIRECTS = 3;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const MAX_SAID = 300;

export class Http {
  readonly #options: HttpOptions;
  readonly #clock: Clock;
  /** Nothing is asked before this time: the server said so to some request. */
  #quietUntil = 0;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  get clock(): Clock {
    return this.#clock;
  }

  get stopped(): boolean {
    return this.#options.signal?.aborted ?? false;
  }

  /** Waits; false when the user stopped it meanwhile. */
  async sleep(ms: number): Promise<boolean> {
    await this.#clock.sleep(ms, this.#options.signal);
    return !this.stopped;
  }

  /** Text from a server, fit to be shown. */
  clean(text: string): string {
    let safe = text;
    for (const secret of this.#options.secrets ?? [])
      if (secret !== "") safe = safe.replaceAll(secret, "***");
    return shorten(printable(safe.replace(/\s+/g, " ").trim()), MAX_SAID);
  }

  async send(request: Request): Promise<Answer<Reply>> {
    let failures = 0;
    for (let limited = 0; ; ) {
      const quiet = this.#quietUntil - this.#clock.now();
      if (quiet > 0) await this.#clock.sleep(quiet, this.#options.signal);
      if (this.stopped) return problem("stopped", "stopped");
      const { answer, again, wait } = await this.#attempt(request);
      if (answer.ok) {
        const wrong = await request.check?.(answer.value);
        if (wrong === undefined) return answer;
        if (++failures >= MAX_ATTEMPTS) return { ok: false, error: wrong };
        await this.#wait(wrong.text, backOff(failures));
        continue;
      }
      if (!again) return answer;
      if (answer.error.code === "rate-limited") {
        if (++limited > MAX_RATE_LIMITED || (wait ?? 0) > MAX_RETRY_AFTER_MS) return answer;
        const ms = Math.max(wait ?? backOff(limited), 1000);
        this.#quietUntil = this.#clock.now() + ms;
        this.#options.onWait?.(`${answer.error.text}: waiting ${Math.ceil(ms / 1000)} s`);
        continue;
      }
      if (++failures >= MAX_ATTEMPTS || (wait ?? 0) > MAX_RETRY_AFTER_MS)
        return exhausted(answer.error, failures);
      await this.#wait(answer.error.text, wait ?? backOff(failures));
    }
  }

  async #wait(why: string, ms: number): Promise<void> {
    this.#options.onWait?.(`${why}: asking again in ${Math.ceil(ms / 1000)} s`);
    await this.#clock.sleep(ms, this.#options.signal);
  }

  /** One attempt, over redirects within the server. */
  async #attempt(request: Request): Promise<{ answer: Answer<Reply>; again: boolean; wait?: number }> {
    const { base, authorization, signal } = this.#options;
    const method = request.method ?? "GET";
    let url = new URL(request.path, base);
    if (url.origin !== base.origin) throw new Error("a path that leads to another host");
    for (let hops = 0; ; hops++) {
      const ask: Ask = {
        method,
        url,
        headers: {
          accept: request.accept ?? "*/*",
          ...(authorization === undefined ? {} : { authorization }),
        },
        cap: request.cap,
        ...(request.body === undefined ? {} : { body: request.body }),
        ...(request.to === undefined ? {} : { to: request.to }),
      };
      const { answer, again } = await exchange(ask, {
        clock: this.#clock,
        idleMs: this.#options.idleMs ?? IDLE_MS,
        totalMs: this.#options.totalMs ?? TOTAL_MS,
        ...(signal === undefined ? {} : { signal }),
      });
      if (!answer.ok) return this.#broken(answer.error, again, request);
      const { status, headers } = answer.value;
      if (!REDIRECTS.has(status)) return this.#judge(answer.value, request);
      const next = this.#follow(url, headers.get("location"), method, status);
      if (!next.ok) return { answer: next, again: false };
      if (hops >= MAX_REDIRECTS) return { answer: problem("redirected", "too many redirects"), again: false };
      url = next.value;
    }
  }

  #broken(error: Problem, again: boolean, request: Request): { answer: Answer<Reply>; again: boolean } {
    const host = this.#options.base.host;
    if (error.code === "timeout" && request.once)
      return {
        answer: problem(
          "timeout",
          `${host}: ${error.text}; it may have taken the file all the same: look there before sending it again`,
        ),
        again: false,
      };
    const text = error.code === "stopped" || error.code === "disk" ? error.text : `${host}: ${error.text}`;
    return { answer: problem(error.code, text), again };
  }

  /** Within the same host and port, or from http to https of the same name; a POST only where it stays one. */
  #follow(from: URL, location: string | null, method: string, status: number): Answer<URL> {
    const to =
      location === null || !URL.canParse(location, from.href) ? undefined : new URL(location, from.href);
    if (to === undefined) return problem("unexpected-answer", `${from.host}: a redirect to nowhere`);
    const upgraded = from.protocol === "http:" && to.protocol === "https:" && to.hostname === from.hostname;
    if (to.origin !== from.origin && !upgraded)
      return problem(
        "redirected",
        `${from.host} sends on to ${this.clean(to.origin)}, which is not followed: if that is right, name it with --url`,
      );
    if (to.username !== "" || to.password !== "")
      return problem("redirected", `${from.host} sends on to an address with a password in it`);
    if (/login|signin|oauth/i.test(to.pathname))
      return problem("token-refused", `${from.host} asks for a login: check --token and the path of --url`);
    if (method === "POST" && (upgraded || (status !== 307 && status !== 308)))
      return problem(
        "redirected",
        `${from.host} has moved to ${this.clean(to.origin)}: name that with --url`,
      );
    return { ok: true, value: to };
  }

  /** Statuses into answers, in the words of who can do something about them. */
  #judge(reply: Reply, request: Request): { answer: Answer<Reply>; again: boolean; wait?: number } {
    const { status, headers } = reply;
    if ((status >= 200 && status < 300) || request.expect?.includes(status))
      return { answer: { ok: true, value: reply }, again: false };
    const host = this.#options.base.host;
    const said = this.said(reply);
    const behind = said === "" ? "" : `: ${said}`;
    const wait = retryAfter(headers.get("retry-after"), this.#clock.now());
    const waiting = wait === undefined ? {} : { wait };
    if (status === 429) {
      const text = `${host}: 429, too many requests${behind}`;
      const long = wait !== undefined && wait > MAX_RETRY_AFTER_MS;
      const later = long ? `; it asks to wait ${Math.ceil(wait / 1000)} s: call again then` : "";
      return { answer: problem("rate-limited", `${text}${later}`), again: true, ...waiting };
    }
    if (status >= 500 || status === 408)
      return {
        answer: problem("server-error", `${host}: error ${status}${behind}`),
        again: true,
        ...waiting,
      };
    return { answer: this.#refusal(status, `${host}: ${status}`, behind), again: false };
  }

  #refusal(status: number, head: string, behind: string): Answer<never> {
    switch (status) {
      case 401:
        return problem("token-refused", `${head}: token refused${behind}; check --token`);
      case 403:
        return problem("not-allowed", `${head}: not allowed${behind}; may this token do that?`);
      case 404:
        return problem("not-found", `${head}: not found${behind}; is --url the right address?`);
      case 413:
        return problem("too-large", `${head}: the file is larger than the server takes${behind}`);
      default:
        return problem("refused", `${head}${behind}`);
    }
  }

  /** The server's own words, as far as its body has them: DRF, CAPE, Triage and Flask each have a field for it. */
  said(reply: Reply): string {
    const body = parseJson(reply.body);
    if (typeof body !== "object" || body === null) return "";
    const { error_value, message, detail, error } = body as Record<string, unknown>;
    const text = [error_value, message, detail, error].find(
      (part) => typeof part === "string" && part !== "",
    );
    return typeof text === "string" ? this.clean(text) : "";
  }

  /** A body that must be JSON. */
  async json(request: Request): Promise<Answer<{ readonly status: number; readonly body: unknown }>> {
    const answer = await this.send(request);
    if (!answer.ok) return answer;
    const body = parseJson(answer.value.body);
    if (body !== undefined) return { ok: true, value: { status: answer.value.status, body } };
    const page = /html/i.test(answer.value.headers.get("content-type") ?? "");
    return problem(
      "unexpected-answer",
      `${this.#options.base.host}: ${page ? "a web page" : "something"} instead of JSON; is --url the right address?`,
    );
  }
}

function exhausted(error: Problem, attempts: number): Answer<never> {
  return problem(error.code, `${error.text} (asked ${attempts} times)`);
}

/** JSON in UTF-8; undefined when it is none. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
