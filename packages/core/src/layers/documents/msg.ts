/** Outlook mails (.msg): attachments, also those of mails inside the mail. [MS-OXMSG] 2.2, [MS-OXPROPS]. */
import { latin1, utf16le, type View } from "../../bytes/index.ts";
import { type Cfb, type CfbEntry, parseCfb } from "../../formats/cfb.ts";
import type { Reason } from "../../model/index.ts";
import { type Inner, type Layer, type LayerInput, type LayerOutput, NOTHING, reason } from "../layer.ts";

const PROPERTIES = "__properties_version1.0";
/** PidTagAttachDataBinary. */
const DATA = "__substg1.0_37010102";
/** PidTagAttachLongFilename, PidTagDisplayName, PidTagAttachFilename: Unicode first, then one-byte text. */
const NAMES: readonly string[] = ["3707001F", "3707001E", "3001001F", "3001001E", "3704001F", "3704001E"];
/** PidTagSubject, PidTagBody, PidTagHtml's text form. */
const TEXTS: readonly string[] = ["0037001F", "0037001E", "1000001F", "1000001E", "1013001F", "1013001E"];
const HTML = "__substg1.0_10130102";
const MAX_NAME = 1024;
const MAX_TEXT = 64 * 1024;
/** Pieces of one stream that the report lists; a stream in more is given whole. */
const MAX_SPANS = 64;

export const msg: Layer = {
  id: "msg",
  title: "msg",
  how: "Attachments of Outlook mails, also of mails inside them, and the HTML body.",
  peel(input: LayerInput): LayerOutput {
    const { view } = input.image;
    const file = openMsg(view);
    if (file === undefined) return NOTHING;
    const byPath = new Map(file.entries.map((entry) => [entry.path, entry]));
    const inner: Inner[] = [];
    const reasons: Reason[] = [];
    for (const entry of file.entries) {
      if (entry.kind !== "stream" || entry.size === 0 || (entry.name !== DATA && entry.name !== HTML))
        continue;
      const name = entry.name === HTML ? undefined : attachmentName(entry, byPath);
      const made = take(input, entry, entry.name === HTML ? "HTML body" : `attachment ${name ?? ""}`.trim());
      if (made === undefined) continue;
      if (!input.budget.take(made.length)) {
        reasons.push(reason(msg, "cut", "not all attachments fit into the budget"));
        break;
      }
      if (made.length < entry.size)
        reasons.push(
          reason(
            msg,
            "damaged",
            `${name ?? "an attachment"} is cut off: ${made.length} of ${entry.size} bytes`,
          ),
        );
      inner.push({ view: made, kind: "member", ...(name === undefined ? {} : { name }) });
    }
    return { inner, reasons };
  },
};

/** Subject and text of an Outlook mail, where the password of its archive is told; empty when it is none. */
export function msgText(view: View): string {
  const file = openMsg(view);
  if (file === undefined) return "";
  const texts: string[] = [];
  for (const entry of file.entries) {
    const property = entry.name.slice("__substg1.0_".length).toUpperCase();
    if (entry.path.includes("/") || entry.size > MAX_TEXT * 4 || !TEXTS.includes(property)) continue;
    texts.push(textOf(entry, property).slice(0, MAX_TEXT));
  }
  return texts.join("\n");
}

function openMsg(view: View): Cfb | undefined {
  const parsed = view.u32(0) === 0xe011_cfd0 ? parseCfb(view) : undefined;
  if (parsed === undefined || !parsed.ok) return undefined;
  return parsed.value.entries.some((entry) => entry.path === PROPERTIES) ? parsed.value : undefined;
}

function attachmentName(data: CfbEntry, byPath: ReadonlyMap<string, CfbEntry>): string | undefined {
  const storage = data.path.slice(0, -DATA.length);
  for (const property of NAMES) {
    const entry = byPath.get(`${storage}__substg1.0_${property}`);
    if (entry === undefined || entry.size === 0 || entry.size > MAX_NAME) continue;
    const name = textOf(entry, property);
    if (name !== "") return name;
  }
  return undefined;
}

function textOf(entry: CfbEntry, property: string): string {
  const bytes = entry.bytes();
  const text = property.endsWith("1F") ? utf16le(bytes.subarray(0, bytes.length & ~1)) : latin1(bytes);
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}

function take(input: LayerInput, entry: CfbEntry, source: string): View | undefined {
  const spans = entry.spans();
  if (spans.length === 0) return undefined;
  if (spans.length <= MAX_SPANS) return input.ledger.derive(spans, [], source, "member");
  return input.ledger.adopt(
    entry.bytes(),
    [input.image.view.span()],
    [{ op: "cfb-stream", params: { path: entry.path } }],
    source,
    "member",
  );
}
