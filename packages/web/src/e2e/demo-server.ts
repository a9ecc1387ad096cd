/** The built server on a corpus of its own with the demo's carriers in it, and a real browser before it. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { demoBatch } from "@assay/carriers";
import sparticuz from "@sparticuz/chromium";
import { type Browser, chromium } from "playwright-core";

const BIN = fileURLToPath(new URL("../../../app/bin/assay.cjs", import.meta.url));
/** The machine may be busy. */
const START_MS = 60_000;

export interface DemoServer {
  readonly url: string;
  /** Uploads files and waits until their batch has ended. */
  submit(files: readonly { readonly name: string; readonly bytes: Uint8Array }[]): Promise<string>;
  stop(): Promise<void>;
}

export async function startDemo(): Promise<DemoServer> {
  const folder = mkdtempSync(join(tmpdir(), "assay-pages-"));
  const server = spawn(
    process.execPath,
    [BIN, "serve", "--corpus", join(folder, "corpus"), "--port", "0", "--jobs", "1", "--log", "silent"],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const url = await urlOf(server);
  const submit: DemoServer["submit"] = async (files) => {
    const form = new FormData();
    for (const { name, bytes } of files) form.append("file", new Blob([new Uint8Array(bytes)]), name);
    const answer = await fetch(`${url}/api/v1/samples`, { method: "POST", body: form });
    const { batch } = (await answer.json()) as { batch: string };
    for (;;) {
      const state = (await (await fetch(`${url}/api/v1/batches/${batch}`)).json()) as { ended: boolean };
      if (state.ended) return batch;
      await sleep(200);
    }
  };
  await submit(demoBatch());
  return {
    url,
    submit,
    stop: async () => {
      const ended = new Promise((resolve) => server.once("exit", resolve));
      server.kill("SIGTERM");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function urlOf(server: ChildProcess): Promise<string> {
  let said = "";
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no server: ${said}`)), START_MS);
    server.once("exit", () => reject(new Error(`the server ended: ${said}`)));
    server.stderr?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      const url = /serving on (http:\S+)/.exec(said)?.[1];
      if (url === undefined) return;
      clearTimeout(late);
      resolve(url);
    });
  });
}

/** With WebGL in software. */
export async function startBrowser(): Promise<Browser> {
  sparticuz.setGraphicsMode = true;
  const executablePath = await sparticuz.executablePath();
  // In a single process, the first page that closes takes the browser along.
  const args = sparticuz.args.filter((arg) => arg !== "--single-process" && arg !== "--no-zygote");
  for (let left = 5; ; left--)
    try {
      return await chromium.launch({ executablePath, args, headless: true });
    } catch (error) {
      // Another test may be unpacking the same browser.
      if (left === 0) throw error;
      await sleep(1000);
    }
}
