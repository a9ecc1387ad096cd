/** URLs that a script names. */
import { MAX_URLS } from "./limits.ts";

export interface NamedUrl {
  readonly url: string;
  readonly at: number;
}

const MAX_URL = 2048;
const STOP = /[\s"'<>`|\\^{},;)\]]/;
/** Names of formats and schemas, and what certificates point to: no script fetches from them. */
const FORMAL =
  /^https?:\/\/(?:schemas\.|www\.w3\.org|[a-z0-9.-]{0,64}\.?(?:microsoft|verisign|digicert|symantec|thawte|globalsign|adobe|openxmlformats)\.(?:com|org)\/(?:office|cps|pki|xap|rpa|winfx)|ns\.adobe\.com|purl\.org)/i;

/** In order of the text, each once, at most MAX_URLS. */
export function urlsIn(text: string): NamedUrl[] {
  const found = new Map<string, number>();
  let at = text.indexOf("://");
  while (at >= 0 && found.size < MAX_URLS) {
    const head = /(?:h(?:tt|xx)ps?|ftp)$/i.exec(text.slice(Math.max(0, at - 6), at));
    if (head !== null) {
      const start = at - head[0].length;
      const tail = text.slice(at + 3, start + MAX_URL);
      const stop = STOP.exec(tail);
      const rest = (stop === null ? tail : tail.slice(0, stop.index)).replace(/[.:&+]+$/, "");
      const url = text.slice(start, at + 3) + rest;
      if (/^[\w[-][^/]{2,}/.test(rest) && /[.:\]]/.test(rest) && !FORMAL.test(url) && !found.has(url))
        found.set(url, start);
    }
    at = text.indexOf("://", at + 3);
  }
  return [...found].map(([url, start]) => ({ url, at: start }));
}
