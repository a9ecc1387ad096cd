/**
 * Where to push, and with which token: flags, then ASSAY_PUSH_URL and ASSAY_PUSH_TOKEN, then the config file.
 *
 *     ~/.config/assay/config.json   { "push": { "misp": { "url": …, "token": … } } }
 *
 * A token from the file goes to the file's own address and nowhere else.
 */
import { ok } from "@assay/core/bytes/index";
import { configPath, isLoopback, readConfig } from "../../sandboxes/config.ts";
import { objectOf, textOf } from "../../sandboxes/json-value.ts";
import { type Answer, problem } from "../../sandboxes/sandbox.ts";
import type { TargetKind } from "./target.ts";
import { isCollection } from "./taxii.ts";

export interface PushSettings {
  readonly kind: TargetKind;
  /** Ends with a slash. */
  readonly base: URL;
  /** Value of the Authorization header, and what of it must never be shown. */
  readonly authorization?: string;
  readonly secrets: readonly string[];
  readonly warnings: readonly string[];
}

export interface PushPlace {
  readonly url?: string;
  readonly token?: string;
  readonly config?: string;
}

/** The API's own part of an address is added by the clients. */
const API_PART: Readonly<Record<TargetKind, RegExp>> = {
  misp: /\/events\/?$/,
  opencti: /\/graphql\/?$/,
  taxii: /\/objects\/?$/,
};

export function pushSettings(
  kind: TargetKind,
  place: PushPlace,
  env: Readonly<Record<string, string | undefined>>,
): Answer<PushSettings> {
  const file = readConfig(place.config ?? configPath(env), place.config !== undefined);
  if (!file.ok) return file;
  const warnings = [...file.value.warnings];
  const own = objectOf(objectOf(file.value.config.push)[kind]);
  const text = place.url || env.ASSAY_PUSH_URL || textOf(own.url);
  if (text === undefined) return problem("settings", `where is it? --url https://…`);
  const base = baseUrl(text, kind);
  if (!base.ok) return base;
  const given = (place.token || env.ASSAY_PUSH_TOKEN)?.trim();
  const token = given || tokenOfFile(own, base.value, kind, warnings);
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token))
    return problem("settings", "the token holds characters that no token has");
  if (token === undefined && kind !== "taxii")
    return problem("settings", `${kind} wants a token: --token, ASSAY_PUSH_TOKEN or the config file`);
  if (token !== undefined && base.value.protocol === "http:" && !isLoopback(base.value.hostname))
    warnings.push("the token goes over the network in clear: the address is http://");
  return ok({
    ...{ kind, base: base.value, warnings },
    ...(token === undefined ? { secrets: [] } : header(kind, token)),
  });
}

/** MISP wants the key alone; `user:password` is Basic, which most TAXII servers ask for; all else is a bearer's. */
function header(kind: TargetKind, token: string): { authorization: string; secrets: string[] } {
  if (kind === "misp") return { authorization: token, secrets: [token] };
  if (kind !== "taxii" || !token.includes(":")) return { authorization: `Bearer ${token}`, secrets: [token] };
  const basic = Buffer.from(token).toString("base64");
  return { authorization: `Basic ${basic}`, secrets: [token, basic, token.slice(token.indexOf(":") + 1)] };
}

function tokenOfFile(
  own: Readonly<Record<string, unknown>>,
  base: URL,
  kind: TargetKind,
  warnings: string[],
): string | undefined {
  const token = textOf(own.token)?.trim();
  if (token === undefined) return undefined;
  const home = baseUrl(textOf(own.url) ?? "", kind);
  if (home.ok && home.value.origin === base.origin) return token;
  warnings.push(`the config file's token is for another address than ${base.host} and is not sent there`);
  return undefined;
}

function baseUrl(text: string, kind: TargetKind): Answer<URL> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    return problem("settings", "--url: an address such as https://misp.example is expected");
  if (url.username !== "" || url.password !== "")
    return problem("settings", "--url: no user or password in the address; --token has its own place");
  url.search = "";
  url.hash = "";
  url.pathname = url.pathname.replace(API_PART[kind], "/");
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  if (kind === "taxii" && !isCollection(url))
    return problem("settings", "--url: the address of a collection is expected, https://…/collections/ID/");
  return ok(url);
}
