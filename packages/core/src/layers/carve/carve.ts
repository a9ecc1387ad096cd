import type { Image } from "../../formats/index.ts";
import type { Reason } from "../../model/index.ts";
import { hiddenInCertificates } from "../around-pe/certificate-table.ts";
import { findInflation } from "../around-pe/inflation.ts";
import { overlayRanges, type Range } from "../around-pe/pe-overlay.ts";
import { holdingResources } from "../around-pe/resources.ts";
import { type Inner, type Layer, NOTHING, reason } from "../layer.ts";
import type { Carved, SearchArea } from "./carved.ts";
import { headerCarver } from "./headers.ts";
import { carveMarks } from "./marks.ts";
import { packedAtStart, packedCarver } from "./packed.ts";
import { carveText } from "./text.ts";
import { carveXor, xoredImageAt } from "./xor.ts";

/** What has a reader that takes out its members whole. */
const CONTAINERS: ReadonlySet<string> = new Set([
  "zip",
  "7z",
  "rar",
  "gzip",
  "bzip2",
  "xz",
  "zstd",
  "tar",
  "cab",
  "msi",
  "iso",
]);
/** Less holds no image. */
const MIN_SIZE = 256;

/** The parts of an artifact that no other layer hands on whole. */
function areasOf(image: Image): SearchArea[] {
  const { view } = image;
  const handedOn: Range[] =
    image.pe === undefined
      ? []
      : [
          ...overlayRanges(image),
          ...hiddenInCertificates(image),
          ...holdingResources(image).map(({ resource }) => {
            const start = resource.data.base - view.base;
            return { start, end: start + resource.data.length };
          }),
        ].sort((a, b) => a.start - b.start);
  const areas: SearchArea[] = [];
  let from = 0;
  for (const { start, end } of [...handedOn, { start: view.length, end: view.length }]) {
    if (start - from >= MIN_SIZE) areas.push({ view, start: from, end: start });
    from = Math.max(from, end);
  }
  return areas;
}

/** Images and compressed or encoded data, found by their own structure wherever they stand. */
export const carve: Layer = {
  id: "carve",
  title: "Embedded PEs",
  how: "PEs by their headers (also with MZ, e_lfanew or PE erased), reversed, under a XOR key of 1 to 64 bytes, in base64 and hex (one-byte and UTF-16 text), in gzip, zlib, aPLib, LZNT1 and LZMA.",
  peel({ image, format, ledger, budget }) {
    const { view, pe } = image;
    if (view.length < MIN_SIZE || findInflation(image) !== undefined) return NOTHING;
    const limitOf = (input: number): number => budget.allowance(input);
    const found: Carved[] = [];
    const isContainer = CONTAINERS.has(format);
    if (isContainer && format !== "gzip") return NOTHING;
    if (pe === undefined) {
      const whole = packedAtStart(view, limitOf) ?? xoredImageAt(view, 0);
      if (whole !== undefined) found.push(whole);
    }
    for (const area of isContainer ? [] : areasOf(image)) {
      found.push(
        ...carveMarks(area, [headerCarver(area, pe?.lfanew), packedCarver(area, limitOf)]),
        ...carveXor(area),
        ...carveText(area),
      );
    }
    if (found.length === 0) return NOTHING;
    const inner: Inner[] = [];
    const reasons: Reason[] = [];
    const taken = new Set<number>();
    for (const { start, length, steps, format: what } of found) {
      if (taken.has(start) || (start === 0 && length === view.length && steps.length === 0)) continue;
      taken.add(start);
      const at = view.span(start, length);
      const made = ledger.derive([at], steps, `${what} at 0x${start.toString(16)}`, "carved");
      if (made === undefined) {
        reasons.push(
          reason(carve, "not-decoded", `${what} at 0x${start.toString(16)} could not be decoded whole`, at),
        );
        continue;
      }
      if (made.length === steps.at(-1)?.params?.limit) {
        budget.cut(made.length >= budget.limits.bytes ? "bytes" : "ratio");
        reasons.push(
          reason(carve, "cut", `${what} at 0x${start.toString(16)} was cut off at ${made.length} bytes`, at),
        );
      }
      if (!budget.take(made.length)) break;
      inner.push({ view: made, kind: "carved" });
    }
    return { inner, reasons };
  },
};
