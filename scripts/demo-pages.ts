/** `npm run demo -- --open`: the server on a corpus of its own, with the demo's batch in it, and a browser on the page. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Carrier } from "../packages/carriers/src/index.ts";

const OPENERS: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: ["open"],
  win32: ["cmd", "/c", "start", ""],
  linux: ["xdg-open"],
};

/** Runs until it is told to end; the exit status. */
export async function servePages(bin: string, carriers: readonly Carrier[]): Promise<number> {
  const corpus = mkdtempSync(join(tmpdir(), "assay-demo-"));
  const flags = ["serve", "--corpus", corpus, "--port", "0", "--log", "error"];
  const server = spawn(process.execPath, [bin, ...flags], { stdio: ["ignore", "inherit", "pipe"] });
  const ended = new Promise<number>((resolve) => server.once("exit", (code) => resolve(code ?? 1)));
  // The terminal's signal reaches the server as well; this process waits for it, and then tidies up.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => server.kill("SIGTERM"));
  try {
    const url = await Promise.race([urlOf(server), ended.then(() => undefined)]);
    if (url === undefined) return await ended;
    const batch = await upload(url, carriers);
    console.error(
      `These ${carriers.length} files are carriers: harmless programs, built just now. No malware is involved.\n\n` +
        `  ${url}/batches/${batch}\n\nCtrl-C ends the server and removes its corpus.`,
    );
    open(`${url}/batches/${batch}`);
    return await ended;
  } finally {
    rmSync(corpus, { recursive: true, force: true });
  }
}

function urlOf(server: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    let said = "";
    server.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      const [, url] = /serving on (http:\S+)/.exec(said) ?? [];
      if (url === undefined) return;
      resolve(url);
      server.stderr?.removeAllListeners("data").pipe(process.stderr);
    });
  });
}

async function upload(url: string, carriers: readonly Carrier[]): Promise<string> {
  const form = new FormData();
  for (const { name, bytes } of carriers) form.append("file", new Blob([Uint8Array.from(bytes)]), name);
  const response = await fetch(`${url}/api/v1/samples`, { method: "POST", body: form });
  if (!response.ok) throw new Error(`the upload was answered ${response.status}: ${await response.text()}`);
  return ((await response.json()) as { batch: string }).batch;
}

/** Where there is no browser, the address above has to do. */
function open(url: string): void {
  const [program, ...args] = OPENERS[process.platform] ?? [];
  if (program === undefined) return;
  const opener = spawn(program, [...args, url], { stdio: "ignore", detached: true });
  opener.once("error", () => undefined);
  opener.unref();
}
