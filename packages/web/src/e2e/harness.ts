/** The command's own server and a real browser, for tests. Nothing but what the packages bring is needed. */
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import chromium from "@sparticuz/chromium";
import { type Browser, type Page, chromium as playwright } from "playwright-core";
import { startServing } from "../../../app/src/api/testing/serving.ts";

/** The machine may be busy with all other tests. */
export const PATIENCE_MS = 60_000;

export interface Server {
  readonly url: string;
  /** As a machine that lost its power. */
  kill(): Promise<void>;
  /** On the same port and corpus again. */
  restart(jobs: number): Promise<void>;
  stop(): Promise<void>;
}

export async function startServer(jobs: number): Promise<Server> {
  const corpus = mkdtempSync(join(tmpdir(), "assay-e2e-"));
  let running = await startServing(corpus, { jobs });
  const { url } = running;
  return {
    url,
    kill: () => end(running.child, "SIGKILL"),
    restart: async (again) => {
      running = await startServing(corpus, { port: Number(new URL(url).port), jobs: again });
    },
    stop: async () => {
      await end(running.child, "SIGTERM");
      rmSync(corpus, { recursive: true, force: true });
    },
  };
}

function end(child: ChildProcess, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill(signal);
  });
}

/** Flags of the package's that would take away what these tests look at, or that a machine of our own has no need of. */
const NOT_WANTED = new Set([
  "--disable-web-security",
  "--allow-running-insecure-content",
  "--single-process",
  "--no-zygote",
]);

/** A graphics card made of the processor, which WebGL needs. */
const EMULATED = /gl|gpu|swiftshader/i;

/** `isPlain`: no graphics card, not even an emulated one, which costs more than all pages: for measuring what needs none. */
export async function startBrowser({ isPlain = false } = {}): Promise<Browser> {
  return playwright.launch({
    executablePath: await chromium.executablePath(),
    args: [
      ...chromium.args.filter((flag) => !NOT_WANTED.has(flag) && !(isPlain && EMULATED.test(flag))),
      ...(isPlain ? ["--disable-gpu"] : []),
    ],
    headless: true,
  });
}

export interface Opened {
  readonly page: Page;
  /** What a page of ours never does: asks others, runs what came in, complains of its own policy. */
  readonly sins: string[];
}

export async function openPage(
  browser: Browser,
  server: Pick<Server, "url">,
  path: string,
  { theme = "dark", width = 1280, height = 800 }: { theme?: string; width?: number; height?: number } = {},
): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width, height }, acceptDownloads: true });
  await context.addInitScript((value) => localStorage.setItem("assay.theme", value), theme);
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const sins: string[] = [];
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (origin !== server.url && protocol !== "blob:" && protocol !== "data:")
      sins.push(`asked ${request.url()}`);
  });
  page.on("dialog", (dialog) => {
    sins.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("pageerror", (error) => sins.push(`threw ${error.message}`));
  page.on("console", (message) => {
    if (/Content Security Policy|Refused to/.test(message.text())) sins.push(message.text());
  });
  await page.goto(`${server.url}${path}`);
  return { page, sins };
}

export interface Dropped {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Drops files on the page, as a hand does. */
export async function drop(page: Page, files: readonly Dropped[]): Promise<void> {
  const plain = files.map(({ name, bytes }) => ({ name, base64: Buffer.from(bytes).toString("base64") }));
  await page.getByRole("button", { name: "Choose files" }).and(page.locator(":enabled")).waitFor();
  const transfer = await page.evaluateHandle((list) => {
    const all = new DataTransfer();
    for (const { name, base64 } of list)
      all.items.add(new File([Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))], name));
    return all;
  }, plain);
  await page.getByRole("region", { name: "Drop samples" }).dispatchEvent("drop", { dataTransfer: transfer });
}

/** Submits by the API, as a program does; gives the batch when it has ended. */
export async function submit(url: string, files: readonly Dropped[]): Promise<string> {
  const form = new FormData();
  for (const { name, bytes } of files) form.append("file", new Blob([new Uint8Array(bytes)]), name);
  const answer = await fetch(`${url}/api/v1/samples`, { method: "POST", body: form });
  const { batch } = (await answer.json()) as { batch: string };
  for (;;) {
    const state = (await (await fetch(`${url}/api/v1/batches/${batch}`)).json()) as { ended: boolean };
    if (state.ended) return batch;
    await sleep(200);
  }
}

/** A 7z archive with encrypted names. */
export async function archive(files: readonly Dropped[], password: string): Promise<Uint8Array> {
  const { default: open } = await import("7z-wasm");
  const seven = await open({ print: () => undefined });
  for (const { name, bytes } of files) seven.FS.writeFile(`/${name}`, bytes);
  seven.callMain(["a", `-p${password}`, "-mhe=on", "/out.7z", ...files.map(({ name }) => `/${name}`)]);
  return seven.FS.readFile("/out.7z");
}

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds that keeps people out: its serious and critical violations. */
export async function seriousViolations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import("axe-core") };
    const { violations } = await axe.run(document);
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(" | ")}`);
  });
}
