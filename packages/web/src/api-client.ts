/**
 * Asks the server. What goes wrong is a value: the server's own problem (RFC 9457), or that no answer came.
 *
 *     const answer = await get<Stats>("/api/v1/stats");
 *     if (answer.ok) show(answer.value); else explain(answer.error);
 */
import { fail, ok, type Result } from "@assay/core/bytes/result";
import type { Problem } from "./api-types.ts";
import { reportFound, reportLost } from "./connection.ts";

export interface Failure {
  /** 0: no answer came. */
  readonly status: number;
  /** Of the problem's type: `not-found`, `rate-limited` …; `offline` and `aborted` are ours. */
  readonly code: string;
  readonly title: string;
  readonly detail?: string;
  /** Id of the request, as in the server's log. */
  readonly instance?: string;
  /** Seconds. */
  readonly retryAfter?: number;
}

export type Answer<T> = Result<T, Failure>;
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

const TOKEN_KEY = "assay.token";
const NO_TOKEN_EVENT = "assay:token-needed";

/** A path of the API with its query; what is undefined stays out. */
export function apiUrl(path: string, query: Query = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) params.set(name, String(value));
  const text = params.toString();
  return text === "" ? path : `${path}?${text}`;
}

/** Of this tab only: closing it forgets the token. */
export function setToken(token: string | undefined): void {
  if (token === undefined) sessionStorage.removeItem(TOKEN_KEY);
  else sessionStorage.setItem(TOKEN_KEY, token);
}

export function authHeaders(): Record<string, string> {
  const token = sessionStorage.getItem(TOKEN_KEY);
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

/** Calls back when the server asks for a token. */
export function onTokenNeeded(listener: () => void): () => void {
  window.addEventListener(NO_TOKEN_EVENT, listener);
  return () => window.removeEventListener(NO_TOKEN_EVENT, listener);
}

/** The bare answer of the server, whatever its type, when it is a good one. */
export async function ask(
  path: string,
  init: RequestInit & { readonly query?: Query } = {},
): Promise<Answer<Response>> {
  const { query, headers, ...rest } = init;
  let response: Response;
  try {
    response = await fetch(apiUrl(path, query), {
      ...rest,
      headers: { ...authHeaders(), ...Object.fromEntries(new Headers(headers)) },
    });
  } catch (error) {
    return fail(noAnswer(error));
  }
  reportFound();
  return response.ok || response.status === 304 ? ok(response) : fail(await failureOf(response));
}

export async function get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<Answer<T>> {
  return json<T>(await ask(path, { ...(query && { query }), ...(signal && { signal }) }));
}

/** POST, PUT or DELETE with a JSON body; `undefined` comes back when there is no content. */
export async function send<T>(
  method: "POST" | "PUT" | "DELETE",
  path: string,
  { body, query }: { readonly body?: unknown; readonly query?: Query } = {},
): Promise<Answer<T>> {
  const payload =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
  return json<T>(await ask(path, { method, ...(query && { query }), ...payload }));
}

async function json<T>(answer: Answer<Response>): Promise<Answer<T>> {
  if (!answer.ok) return answer;
  try {
    const text = await answer.value.text();
    return ok((text === "" ? undefined : JSON.parse(text)) as T);
  } catch (error) {
    if (error instanceof SyntaxError)
      return fail({
        status: answer.value.status,
        code: "no-json",
        title: "The answer is not what the API gives",
      });
    return fail(noAnswer(error));
  }
}

/** What a request that came to nothing threw. Bugs pass. */
function noAnswer(error: unknown): Failure {
  if (error instanceof DOMException && error.name === "AbortError")
    return { status: 0, code: "aborted", title: "Stopped" };
  if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
  reportLost();
  return { status: 0, code: "offline", title: "The server does not answer" };
}

export async function failureOf(response: Response): Promise<Failure> {
  let text = "";
  try {
    text = await response.text();
  } catch {
    // The status says enough.
  }
  if (response.status === 401) window.dispatchEvent(new Event(NO_TOKEN_EVENT));
  return readProblem(response.status, text, response.headers.get("retry-after"));
}

/** A problem document, or what can be told without one. */
export function readProblem(status: number, text: string, retryAfter: string | null): Failure {
  const seconds =
    retryAfter === null || !/^\d{1,6}$/.test(retryAfter) ? {} : { retryAfter: Number(retryAfter) };
  let problem: Partial<Problem> = {};
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null) problem = parsed;
  } catch {
    // A proxy's page.
  }
  const wrong = (problem.errors ?? []).map((one) => `${one.pointer}: ${one.detail}`).join("; ");
  const detail = [problem.detail, wrong].filter((part) => part !== undefined && part !== "").join(": ");
  return {
    status,
    code: String(problem.type ?? "").replace(/^.*\//, "") || `http-${status}`,
    title: problem.title ?? `The server answered ${status}`,
    ...(detail === "" ? {} : { detail }),
    ...(problem.instance === undefined ? {} : { instance: problem.instance }),
    ...seconds,
  };
}
