import type { View } from "../../bytes/index.ts";
import type { Image, Resource } from "../../formats/index.ts";
import type { Reason } from "../../model/index.ts";
import { headerCarver } from "../carve/headers.ts";
import { carveMarks } from "../carve/marks.ts";
import { packedAtStart } from "../carve/packed.ts";
import { carveText } from "../carve/text.ts";
import { xoredImageAt } from "../carve/xor.ts";
import { type Inner, type Layer, NOTHING, reason } from "../layer.ts";
import { installerOf } from "../packers/installers.ts";
import { sniff } from "../sniff.ts";
import { findInflation } from "./inflation.ts";

/** RT_* of winuser.h by number, where a name says more. */
const TYPES: Readonly<Record<number, string>> = { 2: "BITMAP", 10: "RCDATA", 23: "HTML", 24: "MANIFEST" };
/** Pictures in parts, texts, dialogs, versions: their structure is Windows' own, and programs have them by the hundred. */
const PLAIN_TYPES: ReadonlySet<number | string> = new Set([1, 3, 4, 5, 6, 7, 8, 9, 11, 12, 14, 16, 24]);
/** Less holds no program. */
const MIN_SIZE = 64;
const MAX_RESOURCES = 4096;

export interface Holding {
  readonly resource: Resource;
  readonly format: string;
}

const known = new WeakMap<Image, readonly Holding[]>();

/** The resources that hold something by their structure: a program, an archive, a script, or one of these encoded. */
export function holdingResources(image: Image): readonly Holding[] {
  let holdings = known.get(image);
  if (holdings === undefined) {
    holdings = look(image);
    known.set(image, holdings);
  }
  return holdings;
}

function look(image: Image): readonly Holding[] {
  const holdings: Holding[] = [];
  const seen = new Set<number>();
  for (const resource of image.resources.slice(0, MAX_RESOURCES)) {
    const { data, type } = resource;
    if (data.length < MIN_SIZE || PLAIN_TYPES.has(type) || seen.has(data.base)) continue;
    seen.add(data.base);
    const format = formatOf(data);
    if (format !== undefined) holdings.push({ resource, format });
  }
  return holdings;
}

function formatOf(data: View): string | undefined {
  const plain = sniff(data) ?? (installerOf(data.clip(0, 64)) === "AutoIt" ? "AutoIt script" : undefined);
  if (plain !== undefined) return plain;
  const packed = packedAtStart(data, (input) => input);
  if (packed !== undefined) return `${packed.steps[0]?.op} of ${packed.format}`;
  if (xoredImageAt(data, 0) !== undefined) return "xor of a PE";
  if (isReversed(data)) return "reverse of a PE";
  const head = data.clip(0, 0x4000);
  const text = carveText({ view: head, start: 0, end: head.length })[0];
  return text === undefined ? undefined : `${text.steps.map((step) => step.op).join(", ")} of ${text.format}`;
}

/** MZ at the end, and headers to go with it. */
function isReversed(data: View): boolean {
  if (data.u16be(data.length - 2) !== 0x5a4d) return false;
  const area = { view: data, start: 0, end: data.length };
  return carveMarks(area, [headerCarver(area, undefined)]).some(({ steps }) => steps.length > 0);
}

export function resourceName({ type, name }: Resource): string {
  return `resource ${typeof type === "number" ? (TYPES[type] ?? type) : type}/${name}`;
}

/** Programs, archives, scripts and compressed or encoded data in the resource tree. */
export const resources: Layer = {
  id: "resources",
  title: "PE resources",
  how: "Each resource that by structure is a PE, an archive, a document, a script, or one of these compressed, encoded or under XOR; not icons, texts and dialogs.",
  peel({ image, ledger, budget }) {
    if (image.pe === undefined || findInflation(image) !== undefined) return NOTHING;
    const holdings = holdingResources(image);
    if (holdings.length === 0) return NOTHING;
    const inner: Inner[] = [];
    const reasons: Reason[] = [];
    for (const { resource, format } of holdings) {
      if (format === "AutoIt script")
        reasons.push(
          reason(resources, "installer", "AutoIt: its script is a resource", resource.data.span(0, 16)),
        );
      if (!budget.take(resource.data.length)) break;
      const view = ledger.derive([resource.data.span()], [], resourceName(resource), "resource");
      if (view !== undefined) inner.push({ view, kind: "resource" });
    }
    return { inner, reasons };
  },
};
