/**
 * OneNote sections: the files embedded in them, found by their own frame, FileDataStoreObject ([MS-ONESTORE] 2.6.13):
 * guidHeader:16 cbLength:u64 unused:u32 reserved:u64 FileData[cbLength], padding to 8, guidFooter:16.
 */
import { equalBytes, indexesOf } from "../../bytes/index.ts";
import type { Reason } from "../../model/index.ts";
import { type Inner, type Layer, type LayerInput, type LayerOutput, NOTHING, reason } from "../layer.ts";

/** {7B5C52E4-D88C-4DA7-AEB1-5378D02996D3} and {43FF2FA1-EFD9-4C76-9EE2-10EA5722765F}: .one and .onetoc2. */
const SECTION = Uint8Array.of(
  0xe4,
  0x52,
  0x5c,
  0x7b,
  0x8c,
  0xd8,
  0xa7,
  0x4d,
  0xae,
  0xb1,
  0x53,
  0x78,
  0xd0,
  0x29,
  0x96,
  0xd3,
);
const TABLE = Uint8Array.of(
  0xa1,
  0x2f,
  0xff,
  0x43,
  0xd9,
  0xef,
  0x76,
  0x4c,
  0x9e,
  0xe2,
  0x10,
  0xea,
  0x57,
  0x22,
  0x76,
  0x5f,
);
/** {BDE316E7-2665-4511-A4C4-8D4D0B7A9EAC} */
const HEADER = Uint8Array.of(
  0xe7,
  0x16,
  0xe3,
  0xbd,
  0x65,
  0x26,
  0x11,
  0x45,
  0xa4,
  0xc4,
  0x8d,
  0x4d,
  0x0b,
  0x7a,
  0x9e,
  0xac,
);
const HEADER_SIZE = 36;
const MAX_FILES = 1000;

export const onenote: Layer = {
  id: "onenote",
  title: "OneNote",
  how: "Files embedded in a section, found by their own frame.",
  peel(input: LayerInput): LayerOutput {
    const { view } = input.image;
    const magic = view.bytes.subarray(0, 16);
    if (!equalBytes(magic, SECTION) && !equalBytes(magic, TABLE)) return NOTHING;
    const inner: Inner[] = [];
    const reasons: Reason[] = [];
    let next = 0;
    for (const at of indexesOf(view.bytes, HEADER)) {
      // A frame inside an embedded file is that file's business.
      if (at < next) continue;
      const length = Number(view.u64(at + 16) ?? 0n);
      const data = view.clip(at + HEADER_SIZE, length);
      if (data.length === 0) continue;
      if (data.length < length)
        reasons.push(
          reason(
            onenote,
            "damaged",
            `an embedded file is cut off: ${data.length} of ${length} bytes`,
            data.span(),
          ),
        );
      if (inner.length >= MAX_FILES || !input.budget.take(data.length)) {
        reasons.push(reason(onenote, "cut", "not all embedded files are taken", data.span()));
        break;
      }
      const made = input.ledger.derive([data.span()], [], "embedded file", "member");
      if (made !== undefined) inner.push({ view: made, kind: "member" });
      next = at + HEADER_SIZE + data.length;
    }
    return { inner, reasons };
  },
};
