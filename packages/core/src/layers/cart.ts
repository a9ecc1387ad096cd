/** CaRT: what is sealed in it. */
import { hex } from "../bytes/index.ts";
import { sha256 } from "../codecs/index.ts";
import { isCart, parseCart } from "../formats/cart.ts";
import type { Step } from "../model/index.ts";
import { type Layer, type LayerInput, type LayerOutput, NOTHING, reason } from "./layer.ts";

export const cart: Layer = {
  id: "cart",
  title: "CaRT",
  how: "RC4 under the key in its header, then zlib; the digests of the footer are compared.",
  peel(input: LayerInput): LayerOutput {
    const { view } = input.image;
    if (!isCart(view)) return NOTHING;
    const parsed = parseCart(view);
    if (!parsed.ok) {
      const text =
        parsed.error.field === "arc4_key"
          ? "sealed with a private RC4 key, which is not in the file"
          : `the CaRT is damaged: ${parsed.error.code} at ${parsed.error.field}`;
      return {
        inner: [],
        reasons: [reason(cart, parsed.error.field === "arc4_key" ? "encrypted" : "damaged", text)],
      };
    }
    const { key, data, header, footer } = parsed.value;
    const limit = input.budget.allowance(data.length);
    const steps: Step[] = [
      { op: "rc4", params: { key: hex(key) } },
      { op: "zlib", params: { limit } },
    ];
    const name = typeof header.name === "string" ? header.name : undefined;
    const file = input.ledger.derive([data.span()], steps, `CaRT member ${name ?? ""}`.trim(), "member");
    if (file === undefined)
      return {
        inner: [],
        reasons: [reason(cart, "damaged", "the CaRT's data does not decompress", data.span())],
      };
    const reasons = [];
    if (file.length >= limit) {
      input.budget.cut("ratio");
      reasons.push(reason(cart, "cut", `unpacking stopped after ${limit} bytes`, data.span()));
    } else if (footer === undefined) reasons.push(reason(cart, "damaged", "the CaRT has no footer: cut off"));
    else if (typeof footer.sha256 === "string" && footer.sha256 !== hex(sha256(file.bytes)))
      reasons.push(
        reason(cart, "damaged", "the content is not what the CaRT's footer says (SHA-256 differs)"),
      );
    if (!input.budget.take(file.length)) return { inner: [], reasons };
    return { inner: [{ view: file, kind: "member", ...(name === undefined ? {} : { name }) }], reasons };
  },
};
