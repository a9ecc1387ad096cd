import type { View } from "../../bytes/index.ts";
import type { Pe } from "./model.ts";

/** Bytes of a file behind headers and all raw data, certificate table included; undefined when there are none. */
export function readOverlay(view: View, pe: Pe): View | undefined {
  let end = pe.sizeOfHeaders;
  for (const section of pe.sections) {
    if (section.pointerToRawData !== 0 && section.sizeOfRawData !== 0)
      end = Math.max(end, section.pointerToRawData + section.sizeOfRawData);
  }
  return end > 0 && end < view.length ? view.clip(end) : undefined;
}
