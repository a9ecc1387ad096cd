/** Compound files: VBA modules, embedded objects. Members of OOXML arrive as files of their own. */
import type { Span, View } from "../../bytes/index.ts";
import { View as Bytes } from "../../bytes/index.ts";
import { parseCfb } from "../../formats/cfb.ts";
import type { Step } from "../../model/index.ts";
import type { InnerKind } from "../layer.ts";
import { ole10Native } from "./ole-objects.ts";
import { hasCode, vbaModules } from "./ovba.ts";

type Add = (
  bytes: Uint8Array,
  from: readonly Span[],
  steps: readonly Step[],
  source: string,
  kind: InnerKind,
  name: string,
) => unknown;
type Say = (code: string, text: string, ...at: Span[]) => void;

/** Embedded objects of one document. */
const MAX_OBJECTS = 64;
/** Stream of a packaged file, in lower case. */
const NATIVE = "\x01ole10native";
/** CLSID of the equation editor. */
const EQUATION = "0002CE02-0000-0000-C000-000000000046";

export function peelOffice(view: View, add: Add, say: Say): void {
  const cfb = parseCfb(view);
  if (!cfb.ok) return;
  const { entries, clsid } = cfb.value;
  for (const { name, stream, text, offset } of vbaModules(entries)) {
    if (!hasCode(text)) continue;
    const steps: Step[] = [{ op: "skip", params: { bytes: offset } }, { op: "ovba" }];
    add(text, stream.spans(), steps, `macro ${stream.path}`, "script", `${name.slice(-80)}.vba`);
  }
  if (
    clsid === EQUATION ||
    entries.some((entry) => entry.clsid === EQUATION || /^equation native$/i.test(entry.name))
  )
    say("exploit", "object of the equation editor: CVE-2017-11882 and its kin");
  let objects = 0;
  for (const entry of entries) {
    if (entry.kind !== "stream" || entry.name.toLowerCase() !== NATIVE) continue;
    if (++objects > MAX_OBJECTS) {
      say("cut", "document cut off at a limit: objects");
      return;
    }
    const native = ole10Native(new Bytes(entry.bytes()), true);
    if (!native.ok || native.value.data.length === 0) continue;
    const { data, name } = native.value;
    add(
      data.bytes,
      entry.spans(),
      [{ op: "skip", params: { bytes: data.base } }],
      `object ${entry.path.replaceAll("\x01", "")}`,
      "member",
      name.slice(-120),
    );
  }
}
