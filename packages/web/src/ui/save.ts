/** Hands an answer to the browser's downloads, under the server's name for it. */
import { download } from "./download.ts";

export async function saveResponse(response: Response, fallback: string): Promise<void> {
  const named = /filename="([A-Za-z0-9._+-]{1,120})"/.exec(response.headers.get("content-disposition") ?? "");
  // As bytes: the browser is not to open what it holds, whatever the form.
  const bytes = new Blob([await response.arrayBuffer()], { type: "application/octet-stream" });
  download(bytes, named?.[1] ?? fallback);
}
