import { quasarClient } from "@assay/carriers/quasar";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { drop, openPage, PATIENCE_MS, type Server, startBrowser, startServer } from "./harness.ts";

const TEST_MS = 4 * PATIENCE_MS;
const SCRIPT = '<script>window.ran=1</script><img src=x onerror="window.ran=1">';
const NAME = `<img src=x onerror=window.ran=1>\u202egpj.exe`;

let server: Server;
let browser: Browser;

beforeAll(async () => {
  // Nobody works at first: what is dropped waits.
  [server, browser] = await Promise.all([startServer(0), startBrowser()]);
}, TEST_MS);

afterAll(async () => {
  await browser?.close();
  await server?.stop();
}, TEST_MS);

function client(tag: string): Uint8Array {
  return quasarClient({ layout: "1.4", hosts: "203.0.113.7:4782;", tag });
}

async function hasRun(page: Page): Promise<boolean> {
  return page.evaluate(() => "ran" in window);
}

describe("an upload that fails", () => {
  it(
    "says so, keeps what was dropped, and is sent again",
    async () => {
      const { page } = await openPage(browser, server, "/");
      await page.route("**/api/v1/samples", (route) =>
        route.fulfill({
          status: 503,
          contentType: "application/problem+json",
          headers: { "retry-after": "7" },
          body: JSON.stringify({
            type: "/problems/unavailable",
            title: "Not now",
            status: 503,
            detail: "the disk is full",
          }),
        }),
      );
      await drop(page, [{ name: "one.exe", bytes: client("one") }]);
      const alert = page.getByRole("alert");
      expect(await alert.innerText()).toMatch(/Not now[\s\S]*the disk is full[\s\S]*7 s/);
      await page.unroute("**/api/v1/samples");
      await page.route("**/api/v1/samples", (route) => route.abort("connectionreset"));
      await alert.getByRole("button", { name: "Try again" }).click();
      await page.getByText("The upload broke off").waitFor();
      await page.unroute("**/api/v1/samples");
      await page.getByRole("button", { name: "Try again" }).click();
      await page.waitForURL(/\/batches\//);
      await page.context().close();
    },
    TEST_MS,
  );
});

describe("a batch under way", () => {
  it(
    "survives a reload and a lost server, and shows hostile names and configs as text",
    async () => {
      const { page, sins } = await openPage(browser, server, "/");
      await drop(page, [
        { name: NAME, bytes: client(SCRIPT) },
        { name: "plain.exe", bytes: client("plain") },
      ]);
      await page.waitForURL(/\/batches\//);
      await page.getByText("2 waiting").waitFor();
      await page.reload();
      await page.getByText("2 waiting").waitFor();
      await page.getByText("running", { exact: true }).waitFor();

      await server.kill();
      await page.getByText("The server does not answer.").waitFor();
      expect(await page.locator(".batch-table .row").count()).toBe(2);
      await server.restart(1);
      await page.getByText("finished", { exact: true }).waitFor();
      await expect.poll(() => page.locator(".row", { hasText: "quasar" }).count()).toBe(2);
      await expect.poll(() => page.getByText("The server does not answer.").count()).toBe(0);

      const name = page.locator(".row", { hasText: "onerror" });
      // The override is named, not obeyed.
      expect(await name.innerText()).toContain("<img src=x onerror=window.ran=1>RLOgpj.exe");
      await name.getByRole("link").first().click();
      await page
        .getByRole("region", { name: "Config" })
        .getByText("<script>window.ran=1</script>")
        .first()
        .waitFor();
      expect(await hasRun(page)).toBe(false);
      expect(await page.locator('a[href^="http"], a[href*="203.0.113.7:"], [src="x"]').count()).toBe(0);
      const hrefs = await page
        .locator("a")
        .evaluateAll((links) => links.map((link) => link.getAttribute("href") ?? ""));
      expect(hrefs.filter((href) => !href.startsWith("/") && !href.startsWith("#"))).toEqual([]);
      expect(sins.filter((sin) => !/Failed to fetch|ERR_CONNECTION/.test(sin))).toEqual([]);
      await page.context().close();
    },
    TEST_MS,
  );

  it(
    "gives samples only sealed, after a warning",
    async () => {
      const { page } = await openPage(browser, server, "/batches");
      await page.locator("table.batches a").first().click();
      await page.getByRole("link", { name: "plain.exe" }).click();
      await page.getByRole("button", { name: "Download", exact: true }).click();
      await page.getByText("This is live malware").waitFor();
      const coming = page.waitForEvent("download");
      await page.getByRole("button", { name: /^Download [0-9a-f]{12}….cart$/ }).click();
      expect((await coming).suggestedFilename()).toMatch(/^[0-9a-f]{64}\.cart$/);
      await page.context().close();
    },
    TEST_MS,
  );
});
