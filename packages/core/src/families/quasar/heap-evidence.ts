/** What tells that the strings of a process are Quasar's. */
import { hex, type Span, View } from "../../bytes/index.ts";
import { sha1 } from "../../codecs/index.ts";
import { parseCertificate } from "../../formats/der.ts";
import type { ClrString } from "../engines/clr-strings.ts";
import { base64Bytes } from "../engines/dotnet-settings-crypto.ts";
import { isCertificateText, OWN_MUTEX, THUMBPRINT } from "./heap-fields.ts";

/** AssemblyFileVersion at each tag, which the builder writes to VERSION. */
export const VERSIONS = ["1.0.0.0", "1.1.0.0", "1.2.0.0", "1.3.0.0", "1.4.0", "1.4.1"] as const;
/** Texts that no other program has: the builder's default, and literals of the client. */
export const OWN_TEXTS = [
  "Quasar Client Startup",
  "echo DONT CLOSE THIS WINDOW!",
  "{0}d : {1}h : {2}m : {3}s",
] as const;
/** Common name that the server gives its certificate. */
const OWN_ISSUER = "Quasar Server CA";

export interface Fact {
  readonly what: string;
  readonly at: readonly Span[];
  /** No other program has it. */
  readonly own: boolean;
}

export interface Evidence {
  readonly facts: readonly Fact[];
}

/** Certificates parsed of one cluster. */
const MAX_CERTIFICATES = 8;

/**
 * Undefined unless two facts are there beside the host list, one of them Quasar's own. `version`: the number before the
 * list; `inOrder`: settings stand around it as they are decrypted.
 */
export function weigh(
  strings: readonly ClrString[],
  version: ClrString | undefined,
  inOrder: boolean,
): Evidence | undefined {
  const facts: Fact[] = [];
  const known = new Set<string>();
  const add = (what: string, string: ClrString, own: boolean): void => {
    if (!known.has(what)) facts.push({ what, at: string.at, own });
    known.add(what);
  };
  const certificates: { readonly thumbprint: string; readonly string: ClrString }[] = [];
  for (const string of strings) {
    const text = string.value;
    if ((OWN_TEXTS as readonly string[]).includes(text)) add(`"${text}"`, string, true);
    else if (OWN_MUTEX.test(text)) add("a mutex of the builder's form", string, true);
    else if (THUMBPRINT.test(text)) add("a thumbprint", string, false);
    else if (certificates.length < MAX_CERTIFICATES && isCertificateText(text)) {
      const der = base64Bytes(text);
      const parsed = der && parseCertificate(new View(der));
      if (der === undefined || parsed?.ok !== true) continue;
      const thumbprint = hex(sha1(der.subarray(0, parsed.value.at.length))).toUpperCase();
      certificates.push({ thumbprint, string });
      if (parsed.value.issuer === OWN_ISSUER) add(`a certificate of "${OWN_ISSUER}"`, string, true);
      else add("a certificate", string, false);
    }
  }
  // Anywhere else a number like 1.0.0.0 says nothing.
  if (version !== undefined && (VERSIONS as readonly string[]).includes(version.value))
    add("the version of a release before it", version, false);
  const match = certificates.find(({ thumbprint }) => strings.some(({ value }) => value === thumbprint));
  if (match !== undefined) add("the thumbprint of a certificate beside it", match.string, true);
  if (inOrder) facts.push({ what: "settings in the order of their decryption", at: [], own: true });
  return facts.length >= 2 && facts.some(({ own }) => own) ? { facts } : undefined;
}
