/** Pictures of every view, at both widths and in both themes: `npm run screenshots -- DIR [VIEW…]`. */
import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { demoBatch } from "@assay/carriers/demo";
import { processOf, writeMinidump } from "@assay/carriers/dumps/index";
import { openPage, startBrowser, startServer, submit } from "../src/e2e/harness.ts";

const SIZES = [
  [1280, 800],
  [2560, 1440],
] as const;
const THEMES = ["dark", "light"] as const;
/** For what comes in by events and for the graph to lie still. */
const REST_MS = 1200;

const [folder, ...wanted] = process.argv.slice(2);
if (folder === undefined) throw new Error("where to?");
mkdirSync(folder, { recursive: true });

const files = demoBatch();
const carrier = files.find(({ name }) => name === "gbrem.exe")?.bytes ?? new Uint8Array();
const dump = writeMinidump(processOf(carrier, { base: 0x2340000n, headers: "wiped" }));
const server = await startServer(2);
const browser = await startBrowser();

const batch = await submit(server.url, files);
await submit(server.url, [{ name: "gbrem.dmp", bytes: dump }]);
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const hashOf = (name: string) => sha256(files.find((file) => file.name === name)?.bytes ?? carrier);

const views: Readonly<Record<string, string>> = {
  drop: "/",
  batches: "/batches",
  batch: `/batches/${batch}`,
  grouped: `/batches/${batch}?group=cluster`,
  sample: `/samples/${hashOf("gbquas.exe")}`,
  lumma: `/samples/${hashOf("forum.exe")}`,
  memory: `/samples/${sha256(dump)}`,
  compare: `/compare?a=${hashOf("gbquas.exe")}&b=${hashOf("gbrem.exe")}`,
  search: "/search?q=77.105.132.70",
  graph: `/graph?seed=${hashOf("gbquas.exe")}`,
  whole: "/graph",
  indicators: "/indicators",
  corpus: "/corpus",
};
for (const [name, path] of Object.entries(views)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  for (const [width, height] of SIZES)
    for (const theme of THEMES) {
      const { page } = await openPage(browser, server, path, { theme, width, height });
      if (path.startsWith("/graph")) await page.locator('.canvas[data-resting="true"]').waitFor();
      await sleep(REST_MS);
      await page.screenshot({ path: join(folder, `${name}-${width}-${theme}.png`) });
      await page.context().close();
    }
}
await browser.close();
await server.stop();
