/** Files of a run, fetched to our disk: archives, opened, and single ones. Half-sent ones are asked for again. */
import { createHash } from "node:crypto";
import { createReadStream, rmSync } from "node:fs";
import { join } from "node:path";
import { ok } from "@assay/core/bytes/index";
import { type Http, parseJson, type Reply, type Request } from "./http.ts";
import { isObject } from "./json-value.ts";
import { type Answer, type Problem, problem } from "./sandbox.ts";
import { type OpenArchive, type UnpackResult, unpack } from "./unpack.ts";

/** Bytes of one archive, and of one file, over the wire. */
export const MAX_ARCHIVE = 1024 ** 3;
export const MAX_FILE = 1024 ** 3;

/** What a client needs besides its routes. */
export interface Tools {
  readonly http: Http;
  readonly open: OpenArchive;
  /** For archives, in the order of trying. */
  readonly passwords: readonly string[];
}

/** An answer in JSON where a file was asked for. */
export interface InsteadOfFile {
  readonly body: unknown;
  /** The server's words. */
  readonly said: string;
}

export type ArchiveAnswer =
  | { readonly kind: "files"; readonly result: UnpackResult }
  | { readonly kind: "instead"; readonly instead: InsteadOfFile }
  /** None there (404). */
  | { readonly kind: "none" };

/** Fetches an archive and unpacks it to `folder`, its files named `<prefix>-<n>`. */
export async function fetchArchive(
  { http, open, passwords }: Tools,
  path: string,
  folder: string,
  prefix: string,
): Promise<Answer<ArchiveAnswer>> {
  const to = join(folder, `${prefix}.download`);
  let found: ArchiveAnswer | undefined;
  /** The best that a damaged one gave. */
  let partial: UnpackResult | undefined;
  let last: Problem | undefined;
  const check = async (reply: Reply): Promise<Problem | undefined> => {
    found = undefined;
    last = undefined;
    if (reply.status === 404) {
      found = { kind: "none" };
      return undefined;
    }
    const instead = insteadOfFile(http, reply);
    if (instead !== undefined) {
      found = { kind: "instead", instead };
      return undefined;
    }
    const opened = await unpack(open, to, folder, prefix, passwords);
    if (!opened.ok) {
      last = opened.error;
      return opened.error.code === "broken-archive" ? opened.error : undefined;
    }
    found = { kind: "files", result: opened.value };
    if (opened.value.damage === undefined) return undefined;
    if (partial === undefined || opened.value.files.length >= partial.files.length) partial = opened.value;
    return { code: "broken-archive", text: "the sandbox's archive is damaged or was half-sent" };
  };
  const answer = await http.send({ path, to, cap: MAX_ARCHIVE, expect: [404], check });
  rmSync(to, { force: true });
  if (answer.ok) {
    if (found !== undefined) return ok(found);
    if (last !== undefined) return { ok: false, error: last };
    throw new Error("an answer that nobody looked at");
  }
  if (answer.error.code === "broken-archive" && partial !== undefined) {
    const notes = [
      ...partial.notes,
      "the sandbox's archive is damaged: some of its files are missing or broken",
    ];
    return ok({ kind: "files", result: { ...partial, notes } });
  }
  return answer;
}

/** JSON or a page where a file should be: how CAPE refuses, with status 200. */
export function insteadOfFile(http: Http, reply: Reply): InsteadOfFile | undefined {
  const type = reply.headers.get("content-type") ?? "";
  if (/^application\/zip|octet-stream/.test(type)) return undefined;
  const body = reply.size <= reply.body.length ? parseJson(reply.body) : undefined;
  if (isObject(body)) return { body, said: http.said(reply) };
  return /html/.test(type)
    ? { body: undefined, said: "a web page instead of the file: the user of this token may not download it" }
    : undefined;
}

/** One file, checked against the hash that the sandbox gives. Undefined when it is not there (404). */
export async function fetchFile(
  http: Http,
  request: Pick<Request, "path">,
  to: string,
  expected?: { readonly sha256?: string; readonly cap?: number },
): Promise<Answer<{ readonly size: number; readonly sha256: string; readonly reply: Reply } | undefined>> {
  let sha256 = "";
  const check = async (reply: Reply): Promise<Problem | undefined> => {
    if (reply.status === 404) return undefined;
    sha256 = await hashFile(to);
    return expected?.sha256 === undefined || expected.sha256 === sha256
      ? undefined
      : { code: "half-sent", text: "a file of the run arrived with other bytes than the sandbox lists" };
  };
  const answer = await http.send({
    path: request.path,
    to,
    cap: expected?.cap ?? MAX_FILE,
    expect: [404],
    check,
  });
  if (!answer.ok) {
    rmSync(to, { force: true });
    return answer;
  }
  const { status, size } = answer.value;
  return ok(status === 404 ? undefined : { size, sha256, reply: answer.value });
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest("hex");
}

/** A part of a path that came from a server, fit for a URL; undefined when it would lead elsewhere. */
export function safeSegments(name: string): string | undefined {
  const parts = name.split("/");
  if (name === "" || parts.some((part) => part === "" || part === "." || part === "..")) return undefined;
  return parts.map(encodeURIComponent).join("/");
}

/** `id` as a server gave it, fit for a path. */
export function taskId(id: unknown): string | undefined {
  const text = typeof id === "number" && Number.isSafeInteger(id) ? String(id) : id;
  return typeof text === "string" && /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/.test(text) ? text : undefined;
}

/** The answer to a file that is no problem of the network, as a problem. */
export function insteadProblem(what: string, { said }: InsteadOfFile): Problem {
  const text = `${what}: ${said === "" ? "the server sent something else" : said}`;
  return problem(/disabled/i.test(said) ? "disabled" : "refused", text).error;
}
