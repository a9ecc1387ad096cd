/** The table of a batch with more rows than anybody draws, in a browser. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { openPage, PATIENCE_MS, startBrowser, startServer } from "./harness.ts";
import { longBatch } from "./long-batch.ts";

const ROWS = 5000;
let server: Awaited<ReturnType<typeof startServer>>;
let browser: Awaited<ReturnType<typeof startBrowser>>;

beforeAll(async () => {
  server = await startServer(0);
  browser = await startBrowser({ isPlain: true });
}, PATIENCE_MS);

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

it(
  "draws rows to steer by while whole screens fly by, and whole rows where they come to rest",
  async () => {
    const { page, sins } = await openPage(browser, server, "/");
    const batch = await longBatch(page, ROWS);
    await page.goto(`${server.url}/batches/${batch}`);
    const table = page.locator(`.batch-table[aria-rowcount="${ROWS + 1}"]`);
    await table.waitFor();
    await table.getByRole("link", { name: "invoice-1.exe" }).waitFor();

    const seen = await table.evaluate(async (element) => {
      const flights: string[] = [];
      for (let i = 1; i <= 20; i++) {
        element.scrollTop = i * 3000;
        await new Promise(requestAnimationFrame);
        await new Promise(requestAnimationFrame);
        const rows = element.querySelectorAll(".body .row");
        if (element.querySelectorAll(".flying").length === rows.length)
          flights.push(rows[Math.floor(rows.length / 2)]?.textContent ?? "");
      }
      return flights;
    });
    expect(seen.length, "frames of flight").toBeGreaterThan(10);
    for (const text of seen) expect(text).toMatch(/^invoice-\d+\.exe[0-9a-f]{64}/);

    await expect.poll(() => table.locator(".flying").count()).toBe(0);
    const first = Math.ceil(60_000 / 27) + 2;
    const row = table.locator(`.row[aria-rowindex="${first + 1}"]`);
    await row.getByRole("link", { name: `invoice-${first}.exe` }).waitFor();
    await row.getByRole("checkbox").check();
    await page.getByRole("button", { name: "Select none" }).waitFor();

    const flying = await table.evaluate(async (element) => {
      element.scrollBy(0, 81);
      await new Promise(requestAnimationFrame);
      await new Promise(requestAnimationFrame);
      return element.querySelectorAll(".flying").length;
    });
    expect(flying, "a few rows on, whole rows").toBe(0);
    expect(sins).toEqual([]);
    await page.context().close();
  },
  PATIENCE_MS,
);
