/** Script blocks of HTA, WSF and HTML. */
import type { ScriptKind } from "./kind.ts";
import { MAX_BLOCKS } from "./limits.ts";

export interface ScriptBlock {
  readonly at: number;
  readonly length: number;
  readonly kind: ScriptKind;
}

/** Longest opening tag. */
const MAX_TAG = 4096;

/** The insides of the `<script>` elements, in order. A block without its end goes to the end of the page. */
export function scriptBlocks(page: string): ScriptBlock[] {
  const lower = page.toLowerCase();
  // Case folding of some letters changes the length; places would no longer agree.
  const text = lower.length === page.length ? lower : page;
  const blocks: ScriptBlock[] = [];
  let at = text.indexOf("<script");
  while (at >= 0 && blocks.length < MAX_BLOCKS) {
    const close = text.slice(at, at + MAX_TAG).indexOf(">");
    if (close < 0) break;
    const tag = text.slice(at, at + close);
    let from = at + close + 1;
    let end = text.indexOf("</script", from);
    if (end < 0) end = text.length;
    const next = end;
    if (!tag.endsWith("/")) {
      const lead = /^\s{0,64}(?:<!\[cdata\[|<!--)/.exec(text.slice(from, from + 80));
      if (lead !== null) {
        from += lead[0].length;
        const tail = text.slice(from, end).lastIndexOf(lead[0].endsWith("[") ? "]]>" : "-->");
        if (tail >= 0) end = from + tail;
      }
      if (text.slice(from, end).trim() !== "")
        blocks.push({
          at: from,
          length: end - from,
          kind: /(?:vbscript|vbs)\b/.test(tag) ? "vbs" : /encode/.test(tag) ? "encoded" : "js",
        });
    }
    at = text.indexOf("<script", Math.max(next, at + close));
  }
  return blocks;
}
