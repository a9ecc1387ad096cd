import { type Layer, NOTHING, reason } from "../layer.ts";
import { findInflation } from "./inflation.ts";

/** A PE that was blown up past the size limits of scanners. */
export const inflated: Layer = {
  id: "inflated",
  title: "Inflated PE",
  how: "Fills of one byte and repeated blocks (up to 16 MiB) of 1 MiB and more are cut out of sections, resources and overlay; addresses stay as they were.",
  peel({ image, ledger, budget }) {
    const inflation = findInflation(image);
    if (inflation === undefined) return NOTHING;
    const { cuts, removed, steps, what } = inflation;
    const text = `${removed} of ${image.view.length} bytes are padding: ${what.join("; ")}`;
    const at = cuts.map((cut) => image.view.span(cut.start, cut.end - cut.start));
    const reasons = [reason(inflated, "inflated", text, ...at)];
    if (!budget.take(image.view.length - removed)) return { inner: [], reasons };
    const view = ledger.derive([image.view.span()], steps, "inflated image", "unpacked");
    return { inner: view === undefined ? [] : [{ view, kind: "unpacked" }], reasons };
  },
};
