/**
 * Which sandbox, where, and with which token: from flags, then the environment, then a config file.
 *
 *     ~/.config/assay/config.json   { "sandbox": "cape",
 *                                     "sandboxes": { "cape": { "url": …, "token": …, "password": … } } }
 *
 * A token from the file goes to the file's own address and nowhere else, so that a mistyped --url does not leak it.
 */
import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { ok } from "@assay/core/bytes/index";
import { attemptIo } from "../batch/io.ts";
import { parseJson } from "./http.ts";
import { isObject, objectOf, textOf } from "./json-value.ts";
import { type Answer, problem, SANDBOX_KINDS, type SandboxKind } from "./sandbox.ts";

export interface SandboxSettings {
  readonly kind: SandboxKind;
  /** Where the API's paths start; ends with a slash. */
  readonly base: URL;
  readonly token?: string;
  /** Of the archives that it sends. */
  readonly password?: string;
  /** What the user should know, such as a token that goes over the wire in clear. */
  readonly warnings: readonly string[];
}

export interface SandboxFlags {
  readonly sandbox?: string;
  readonly url?: string;
  readonly token?: string;
  readonly config?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Of the APIs' public services: CAPE and DRAKVUF run wherever somebody installed them. */
const USUAL_URL: Partial<Readonly<Record<SandboxKind, string>>> = { triage: "https://api.tria.ge" };
/** What people copy from the browser: the API's own part of a path is added by the clients. */
const API_PART: Readonly<Record<SandboxKind, RegExp>> = {
  cape: /\/apiv2\/?$/,
  triage: /\/v[01]\/?$/,
  drakvuf: /\/api\/?$/,
};
/** A config file is a few lines. */
const MAX_CONFIG = 1024 * 1024;

export function configPath(env: Environment): string {
  return join(env.XDG_CONFIG_HOME || join(homedir(), ".config"), "assay", "config.json");
}

/** Flags, then ASSAY_SANDBOX, ASSAY_SANDBOX_URL, ASSAY_SANDBOX_TOKEN, then the file. */
export function sandboxSettings(flags: SandboxFlags, env: Environment): Answer<SandboxSettings> {
  const file = readConfig(flags.config ?? configPath(env), flags.config !== undefined);
  if (!file.ok) return file;
  const warnings = [...file.value.warnings];
  const kind = flags.sandbox || env.ASSAY_SANDBOX || textOf(file.value.config.sandbox);
  if (kind === undefined || !isKind(kind)) {
    const wrong = kind === undefined ? "which sandbox?" : `"${kind}" is no sandbox that is known:`;
    return problem("settings", `${wrong} --sandbox ${SANDBOX_KINDS.join(", ")}`);
  }
  const own = objectOf(objectOf(file.value.config.sandboxes)[kind]);
  const text = flags.url || env.ASSAY_SANDBOX_URL || textOf(own.url) || USUAL_URL[kind];
  if (text === undefined) return problem("settings", `where is ${kind}? --url https://…`);
  const base = baseUrl(text, kind);
  if (!base.ok) return base;
  const token = tokenFor(base.value, own, kind, flags.token || env.ASSAY_SANDBOX_TOKEN, warnings);
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token))
    return problem("settings", "the token holds characters that no token has");
  if (token === undefined && kind === "triage")
    return problem("settings", "Triage wants a token: --token, ASSAY_SANDBOX_TOKEN or the config file");
  if (token !== undefined && base.value.protocol === "http:" && !isLoopback(base.value.hostname))
    warnings.push("the token goes over the network in clear: the address is http://");
  const password = textOf(own.password);
  return ok({
    kind,
    base: base.value,
    warnings,
    ...(token === undefined ? {} : { token }),
    ...(password === undefined ? {} : { password }),
  });
}

function isKind(text: string): text is SandboxKind {
  return (SANDBOX_KINDS as readonly string[]).includes(text);
}

function tokenFor(
  base: URL,
  own: Readonly<Record<string, unknown>>,
  kind: SandboxKind,
  given: string | undefined,
  warnings: string[],
): string | undefined {
  if (given !== undefined && given.trim() !== "") return given.trim();
  const token = textOf(own.token)?.trim();
  if (token === undefined) return undefined;
  const home = baseUrl(textOf(own.url) ?? USUAL_URL[kind] ?? "", kind);
  if (home.ok && home.value.origin === base.origin) return token;
  warnings.push(`the config file's token is for another address than ${base.host} and is not sent there`);
  return undefined;
}

function baseUrl(text: string, kind: SandboxKind): Answer<URL> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    return problem("settings", "--url: an address such as https://sandbox.example is expected");
  if (url.username !== "" || url.password !== "")
    return problem("settings", "--url: no user or password in the address; --token has its own place");
  url.search = "";
  url.hash = "";
  url.pathname = url.pathname.replace(API_PART[kind], "/");
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return ok(url);
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127\./.test(host);
}

export function readConfig(
  path: string,
  named: boolean,
): Answer<{ readonly config: Readonly<Record<string, unknown>>; readonly warnings: readonly string[] }> {
  const stats = attemptIo(() => statSync(path));
  if ("code" in stats) {
    if (!named && stats.text.includes("ENOENT")) return ok({ config: {}, warnings: [] });
    return problem("settings", `${path}: ${stats.text}`);
  }
  if (!stats.value.isFile() || stats.value.size > MAX_CONFIG)
    return problem("settings", `${path}: not a config file`);
  const bytes = attemptIo(() => readFileSync(path));
  if ("code" in bytes) return problem("settings", `${path}: ${bytes.text}`);
  const config = parseJson(bytes.value);
  if (!isObject(config)) return problem("settings", `${path}: not an object in JSON`);
  const open = process.platform !== "win32" && (stats.value.mode & 0o077) !== 0;
  const secret = JSON.stringify(config).includes('"token":');
  const warnings = open && secret ? [`${path} holds a token and others may read it: chmod 600`] : [];
  return ok({ config, warnings });
}
