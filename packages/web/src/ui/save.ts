/** Hands an answer to the browser's downloads, under the server's name for it. */

export async function saveResponse(response: Response, fallback: string): Promise<void> {
  const named = /filename="([A-Za-z0-9._+-]{1,120})"/.exec(response.headers.get("content-disposition") ?? "");
  // As bytes: the browser is not to open what it holds, whatever the form.
  saveBlob(
    new Blob([await response.arrayBuffer()], { type: "application/octet-stream" }),
    named?.[1] ?? fallback,
  );
}

/** How long the browser may take to begin (ms). */
const KEEP_MS = 60_000;

export function saveBlob(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), KEEP_MS);
}
