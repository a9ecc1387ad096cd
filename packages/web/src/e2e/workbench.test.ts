import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { demoBatch } from "@assay/carriers/demo";
import { processOf, writeMinidump } from "@assay/carriers/dumps/index";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  archive,
  drop,
  openPage,
  PATIENCE_MS,
  type Server,
  seriousViolations,
  startBrowser,
  startServer,
} from "./harness.ts";

const TEST_MS = 4 * PATIENCE_MS;
const PASSWORD = "a campaign";

let server: Server;
let browser: Browser;
/** Of the demo's batch, once it was dropped. */
let batch = "";

beforeAll(async () => {
  [server, browser] = await Promise.all([startServer(1), startBrowser()]);
}, TEST_MS);

afterAll(async () => {
  await browser?.close();
  await server?.stop();
}, TEST_MS);

async function finished(page: Page): Promise<void> {
  await page.getByText("finished", { exact: true }).waitFor();
}

function rows(page: Page) {
  return page.locator(".batch-table .row:not(.group)");
}

function remcos(): Uint8Array {
  return demoBatch().find(({ name }) => name === "gbrem.exe")?.bytes ?? new Uint8Array();
}

describe("the demo's ten carriers in one archive with a password", () => {
  it(
    "are dropped, taken apart in sight, and stand in the table with what they share",
    async () => {
      const { page, sins } = await openPage(browser, server, "/");
      await page.getByLabel("Passwords of archives").fill(PASSWORD);
      await drop(page, [{ name: "campaign.7z", bytes: await archive(demoBatch(), PASSWORD) }]);
      await page.waitForURL(/\/batches\/[0-9a-f-]{36}/);
      batch = new URL(page.url()).pathname.split("/")[2] ?? "";
      await finished(page);
      await expect.poll(() => rows(page).count()).toBe(10);
      const rats = page.locator(".row", { hasText: "gbquas.exe" });
      expect(await rats.innerText()).toMatch(
        /quasar RAT[\s\S]*1\.4\.1[\s\S]*proved[\s\S]*3[\s\S]*77\.105\.132\[\.\]70/,
      );

      await page.getByRole("searchbox", { name: "Filter" }).fill("177.105.132[.]124");
      await expect.poll(() => rows(page).count()).toBe(2);
      await page.getByRole("searchbox", { name: "Filter" }).fill("");

      await page.getByRole("button", { name: "C2s" }).click();
      await page.getByRole("button", { name: "C2s" }).click();
      await expect.poll(() => rows(page).first().innerText()).toMatch(/lumma/);

      await page.getByLabel("Group").selectOption("cluster");
      const heads = page.locator(".row.group");
      await expect
        .poll(() => heads.allInnerTexts())
        .toContainEqual(expect.stringMatching(/quasar.*remcos|remcos.*quasar/));
      await expect.poll(() => heads.allInnerTexts()).toContainEqual(expect.stringMatching(/lumma/));
      expect(sins).toEqual([]);
      await page.context().close();
    },
    TEST_MS,
  );

  it(
    "lead from a C2 to its bytes, by every step",
    async () => {
      const { page, sins } = await openPage(browser, server, `/batches/${batch}`);
      await page.getByRole("link", { name: "campaign.7z/gbquas.exe" }).click();
      const marked = async () => (await page.locator(".hex-text mark").allInnerTexts()).join("");
      await expect.poll(marked).toBe("77.105.132.70:4782");
      const proof = page.getByRole("region", { name: "Proof" });
      expect(await proof.innerText()).toMatch(/7z member gbquas\.exe[\s\S]*HOSTS[\s\S]*base64[\s\S]*aes-cbc/);
      await proof.getByText("done again, same").first().waitFor();

      await page
        .getByRole("row", { name: /177\.105\.132\[\.\]124:4782/ })
        .first()
        .getByRole("button", { name: "bytes" })
        .click();
      await expect.poll(marked).toBe("177.105.132.124:4782");
      await page.keyboard.press("k");
      await expect.poll(marked).toBe("77.105.132.70:4782");

      // The key's own place, then the whole artifact.
      await proof.locator("li", { hasText: "aes-cbc" }).getByRole("button").first().click();
      await expect.poll(() => page.locator(".hex-text mark").count()).toBeGreaterThan(1);
      expect(sins).toEqual([]);
      await page.context().close();
    },
    TEST_MS,
  );

  it(
    "show what a sandbox said of one beside what is proved, as text and nothing else",
    async () => {
      const { page, sins } = await openPage(browser, server, "/");
      // As a report of `assay triage cape:FOLDER` has it.
      await page.route(/\/api\/v1\/samples\/[0-9a-f]{64}$/, async (route) => {
        const answer = await route.fetch();
        const detail = await answer.json();
        const [sample] = detail.report?.samples ?? [];
        if (sample !== undefined)
          sample.sandbox = {
            ...{ name: "cape", task: "12", artefacts: 1, families: ["<b>Remcos</b>"] },
            configs: [{ family: "Remcos", values: [{ name: "<img src=x onerror=alert(1)>", value: "x" }] }],
            differences: [
              { in: "sandbox", value: "http://said.example/\u202e", theirs: "/configs/0/values/0" },
              { in: "assay", value: "Rmc-1", ours: "/findings/0/config/mutex" },
            ],
          };
        await route.fulfill({ response: answer, json: detail });
      });
      await drop(page, [{ name: "alone.exe", bytes: remcos() }]);
      await page.getByRole("link", { name: "alone.exe" }).click({ timeout: PATIENCE_MS });
      const said = page.getByRole("region", { name: "Said by the sandbox" });
      await said.waitFor({ timeout: PATIENCE_MS });
      const text = await said.innerText();
      expect(text).toContain("cape task 12");
      expect(text).toContain("<b>Remcos</b>; 1 file of the run analysed");
      expect(text).toMatch(
        /<img src=x onerror=alert\(1\)>\s+hxxp:\/\/said\[\.\]example\/RLO[\s\S]*sandbox only/,
      );
      expect(text).toMatch(/mutex\s+Rmc-1[\s\S]*assay only/);
      expect(sins).toEqual([]);
      await page.context().close();
    },
    TEST_MS,
  );

  it(
    "lead from a C2 to its bytes in a memory dump, by their addresses",
    async () => {
      const dump = writeMinidump(processOf(remcos(), { base: 0x2340000n, headers: "wiped" }));
      const { page, sins } = await openPage(browser, server, "/");
      await drop(page, [{ name: "gbrem.dmp", bytes: dump }]);
      await page.getByRole("link", { name: "gbrem.dmp" }).click({ timeout: PATIENCE_MS });
      const marked = async () => (await page.locator(".hex-text mark").allInnerTexts()).join("");
      await expect.poll(marked).toMatch(/^177?\.105\.132|^77\.105\.132/);
      const proof = page.getByRole("region", { name: "Proof" });
      await proof.getByText("done again, same").first().waitFor();
      // What was decrypted stands in the dumped memory, and is named as a debugger would name it.
      await proof.locator("li", { hasText: "take" }).last().getByRole("button").first().click();
      await expect
        .poll(() =>
          page
            .locator(".hex-row", { has: page.locator("mark") })
            .first()
            .innerText(),
        )
        .toMatch(/^0234[0-9a-f]{4}/);
      expect(sins).toEqual([]);
      await page.context().close();
    },
    TEST_MS,
  );

  it(
    "are exported as they are selected",
    async () => {
      const { page } = await openPage(browser, server, `/batches/${batch}`);
      for (const name of ["gbrem.exe", "gbquas.exe"])
        await page.locator(".row", { hasText: name }).getByRole("checkbox").check();
      const coming = page.waitForEvent("download");
      await page.getByRole("button", { name: "Export selected 2" }).click();
      const download = await coming;
      expect(download.suggestedFilename()).toBe("assay-csv.csv");
      const text = readFileSync(await download.path(), "utf8");
      expect(text).toContain("77.105.132");
      expect(text).not.toContain("opposesicknessopw");
      await page.getByRole("link", { name: "Compare the two" }).click();
      await page.getByText("same host").first().waitFor();
      await page.context().close();
    },
    TEST_MS,
  );

  it.each(["dark", "light"])(
    "keep nobody out (axe, %s)",
    async (theme) => {
      const { page, sins } = await openPage(browser, server, `/batches/${batch}`, { theme });
      await expect.poll(() => rows(page).count()).toBe(10);
      const sample = await page.getByRole("link", { name: "campaign.7z/gbquas.exe" }).getAttribute("href");
      const other = await page.getByRole("link", { name: "campaign.7z/gbrem.exe" }).getAttribute("href");
      const hash = (path: string | null) => path?.split("/")[2] ?? "";
      const views = [
        `/batches/${batch}?group=cluster`,
        "/",
        "/batches",
        sample ?? "",
        `/compare?a=${hash(sample)}&b=${hash(other)}`,
        "/search?q=77.105.132.70",
        `/graph?seed=${hash(sample)}`,
        "/indicators",
        "/corpus",
      ];
      for (const view of views) {
        await page.goto(`${server.url}${view}`);
        await page.waitForLoadState("networkidle");
        expect(await seriousViolations(page), view).toEqual([]);
      }
      expect(sins).toEqual([]);
      await page.context().close();
    },
    TEST_MS,
  );
});

describe("the first load", () => {
  it(
    "stays under 300 KB, gzipped",
    async () => {
      const { page } = await openPage(browser, server, "/");
      await page.getByText("Drop files, folders or archives here").waitFor();
      const names = await page.evaluate(() =>
        performance.getEntriesByType("resource").map(({ name }) => name),
      );
      const files = [server.url, ...names.filter((name) => /\.(?:js|css|svg)$/.test(name))];
      const sizes = await Promise.all(
        files.map(async (url) => gzipSync(Buffer.from(await (await fetch(url)).arrayBuffer())).length),
      );
      expect(sizes.length).toBeGreaterThan(3);
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(300_000);
      await page.context().close();
    },
    TEST_MS,
  );
});
