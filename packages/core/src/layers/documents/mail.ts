/** Mails as text (eml) and saved web pages (mht): attachments, HTML parts, mails in mails. */
import { latin1, type View } from "../../bytes/index.ts";
import { DOTNET, decodeBase64, decodeQuotedPrintable } from "../../codecs/index.ts";
import { type Mail, type MimePart, parseMail } from "../../formats/mime.ts";
import { decodeCharset } from "../../formats/mime-headers.ts";
import type { Reason, Step } from "../../model/index.ts";
import { type Inner, type Layer, type LayerInput, type LayerOutput, NOTHING, reason } from "../layer.ts";

/** Characters of a mail's text that are handed on for finding passwords. */
const MAX_TEXT = 64 * 1024;

export const mail: Layer = {
  id: "mail",
  title: "eml, mht",
  how: "MIME parts: base64, quoted-printable, names after RFC 2047 and 2231, mails inside mails.",
  peel(input: LayerInput): LayerOutput {
    const { view } = input.image;
    if (!mayBeMail(view)) return NOTHING;
    const parsed = parseMail(view);
    if (!parsed.ok) return NOTHING;
    const inner: Inner[] = [];
    const reasons: Reason[] = [];
    let texts = 0;
    for (const part of parsed.value.parts) {
      if (isText(part)) {
        texts++;
        continue;
      }
      const name = nameOf(part);
      const made = part.body.length === 0 ? undefined : decode(input, part, `mail part ${name ?? part.type}`);
      if (made === undefined) continue;
      if (!input.budget.take(made.length)) {
        reasons.push(reason(mail, "cut", "not all attachments fit into the budget", part.body.span()));
        break;
      }
      inner.push({ view: made, kind: "member", ...(name === undefined ? {} : { name }) });
    }
    if (parsed.value.cut) reasons.push(reason(mail, "cut", "not all parts of the mail are read"));
    // Text that merely begins as a mail does says nothing about itself.
    return inner.length === 0 && texts <= 1 && reasons.length === 0 ? NOTHING : { inner, reasons };
  },
};

/** Subject and plain text of a mail, where the password of its archive is told; empty when it is no mail. */
export function mailText(view: View): string {
  if (!mayBeMail(view)) return "";
  const parsed = parseMail(view);
  return parsed.ok ? textOf(parsed.value) : "";
}

function textOf(message: Mail): string {
  const texts = [message.subject];
  let length = 0;
  for (const part of message.parts) {
    if (!part.type.startsWith("text/") || part.disposition === "attachment") continue;
    const body = part.body.clip(0, MAX_TEXT * 2).bytes;
    const bytes =
      part.encoding === "base64"
        ? lenient(body)
        : part.encoding === "none"
          ? body
          : decodeQuotedPrintable(body);
    const text = decodeCharset(bytes, part.charset ?? "utf-8").slice(0, MAX_TEXT - length);
    texts.push(part.type === "text/html" ? text.replace(/<[^<>]{0,2000}>|&nbsp;/g, " ") : text);
    length += text.length;
    if (length >= MAX_TEXT) break;
  }
  return texts.join("\n");
}

/** The first line is a field or a mailbox's mark; nearly everything else ends here. */
function mayBeMail(view: View): boolean {
  return /^(?:From \S|[A-Za-z][A-Za-z0-9-]{1,60}:[ \t\r\n])/.test(latin1(view.clip(0, 64).bytes));
}

function isText(part: MimePart): boolean {
  return part.type === "text/plain" && part.name === undefined && part.disposition !== "attachment";
}

function nameOf(part: MimePart): string | undefined {
  return part.name ?? (part.type === "message/rfc822" ? "message.eml" : undefined);
}

function decode(input: LayerInput, part: MimePart, source: string): View | undefined {
  const { ledger } = input;
  const span = part.body.span();
  if (part.encoding === "none") return ledger.derive([span], [], source, "member");
  const steps: Step[] =
    part.encoding === "base64"
      ? [{ op: "base64", params: { dialect: "dotnet" } }]
      : [{ op: "quoted-printable" }];
  const made = ledger.derive([span], steps, source, "member");
  if (made !== undefined || part.encoding !== "base64") return made;
  // Foreign characters and wrong padding, which mail programs pass over.
  const bytes = lenient(part.body.bytes);
  return bytes.length === 0
    ? undefined
    : ledger.adopt(bytes, [span], [{ op: "base64-lenient" }], source, "member");
}

function lenient(text: Uint8Array): Uint8Array {
  let length = 0;
  const kept = new Uint8Array(text.length);
  for (const char of text) {
    // Padding ends it; what follows is a note of a mail gateway.
    if (char === 0x3d) break;
    if (isDigit(char)) kept[length++] = char;
  }
  const whole = length - (length % 4 === 1 ? 1 : 0);
  return decodeBase64(kept.subarray(0, whole), { ...DOTNET, laxPadding: true }) ?? new Uint8Array(0);
}

function isDigit(char: number): boolean {
  const letter = char | 0x20;
  return (
    (letter >= 0x61 && letter <= 0x7a) || (char >= 0x30 && char <= 0x39) || char === 0x2b || char === 0x2f
  );
}
