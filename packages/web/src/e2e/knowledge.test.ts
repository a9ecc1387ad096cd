import { readFileSync } from "node:fs";
import { demoBatch } from "@assay/carriers";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  openPage,
  PATIENCE_MS,
  type Server,
  seriousViolations,
  startBrowser,
  startServer,
  submit,
} from "./harness.ts";

const SLOW = 3 * PATIENCE_MS;
const HOSTILE_NAME = "<img src=x onerror=alert(1)>\u202e.exe";

describe("what the corpus knows, in a browser", () => {
  let server: Server;
  let browser: Browser;
  const all: string[] = [];

  beforeAll(async () => {
    server = await startServer(1);
    await submit(server.url, demoBatch());
    const [carrier] = demoBatch();
    // Cut short within its headers: it fails.
    await submit(server.url, [
      { name: HOSTILE_NAME, bytes: carrier?.bytes.slice(0, 300) ?? new Uint8Array() },
    ]);
    browser = await startBrowser();
  }, SLOW);
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  }, SLOW);

  const shows = (claim: string, path: string, test: (page: Page) => Promise<void>) =>
    it(
      claim,
      async () => {
        const { page, sins } = await openPage(browser, server, path);
        try {
          await test(page);
        } finally {
          all.push(...sins);
          await page.context().close();
        }
      },
      SLOW,
    );
  const choose = async (page: Page, filter: string, label: string) => {
    await page.getByLabel("Filter the nodes").fill(filter);
    await nodes(page).filter({ hasText: label }).first().click();
    await page.getByLabel("Filter the nodes").fill("");
  };
  const nodes = (page: Page) => page.locator(".node-list").getByRole("option");
  const ties = async (page: Page) => page.locator(".node-details .ties").innerText();
  const saved = async (page: Page, click: () => Promise<void>): Promise<Buffer> => {
    const [download] = await Promise.all([page.waitForEvent("download"), click()]);
    return readFileSync(await download.path());
  };

  /** The middle of something drawn in the colour of the first group, that is no text and no line. */
  const nodeIn = (page: Page, picture: Buffer) =>
    page.evaluate(async (base64) => {
      const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
      const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
      const { width, height } = bitmap;
      const context = new OffscreenCanvas(width, height).getContext("2d");
      if (context === null) throw new Error("no canvas");
      context.drawImage(bitmap, 0, 0);
      const { data } = context.getImageData(0, 0, width, height);
      const hex = getComputedStyle(document.documentElement).getPropertyValue("--cat-1").trim();
      const wanted = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
      const isOurs = (x: number, y: number) =>
        wanted.every((value, i) => Math.abs((data[4 * (y * width + x) + i] ?? 0) - value) < 12);
      // Below the buttons and above the slider, and four pixels around it are filled.
      for (let y = 60; y < height - 20; y++)
        for (let x = 20; x < width - 20; x++)
          if ([-4, 0, 4].every((dx) => [-4, 0, 4].every((dy) => isOurs(x + dx, y + dy)))) return { x, y };
      throw new Error("no node in the picture");
    }, picture.toString("base64"));

  shows("the graph has both groups that share C2s, and says so in the list", "/graph", async (page) => {
    await page.locator('.canvas[data-resting="true"]').waitFor();
    await choose(page, "77.105.132[.]70", "77.105.132[.]70");
    expect(await ties(page)).toMatch(
      /remcos · gbrem\.exe[\s\S]*quasar RAT · gbquas\.exe|quasar RAT · gbquas\.exe[\s\S]*remcos · gbrem\.exe/,
    );
    await choose(page, "politefrighten", "politefrightenpowoa[.]pw");
    const lumma = await ties(page);
    expect(lumma).toContain("lumma · forum.exe");
    expect(lumma).toContain("lumma · NativeX.exe");
    expect(lumma).not.toContain("updater.exe");
  });

  shows("a click in the picture chooses what is there", "/graph", async (page) => {
    const canvas = page.locator('.canvas[data-resting="true"]');
    await canvas.waitFor();
    const point = await nodeIn(page, await canvas.screenshot());
    await canvas.click({ position: point });
    await page.locator(".node-details").waitFor();
    expect(await page.locator('[role=option][aria-selected="true"]').count()).toBe(1);
  });

  shows(
    "Enter on a node brings what is around it",
    "/graph?seed=domain:politefrightenpowoa.pw&depth=1",
    async (page) => {
      const list = page.getByRole("listbox");
      await nodes(page).first().waitFor();
      const before = await page.locator(".node-list h2").innerText();
      await list.focus();
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("Enter");
      await page.getByText(/\d+ more nodes/).waitFor();
      expect(Number.parseInt(await page.locator(".node-list h2").innerText(), 10)).toBeGreaterThan(
        Number.parseInt(before, 10),
      );
    },
  );

  shows("between the two RATs leads an address that both call", "/graph", async (page) => {
    await nodes(page).first().waitFor();
    await choose(page, "gbrem", "gbrem.exe");
    await page.getByRole("button", { name: "Path from here" }).click();
    await choose(page, "gbquas", "gbquas.exe");
    await page.getByRole("button", { name: "Path to here" }).click();
    await page.locator(".steps li").first().waitFor();
    const steps = (await page.locator(".steps").innerText()).split("\n");
    expect(steps[0]).toContain("gbrem.exe");
    expect(steps.join(" ")).toMatch(/105\.132\[\.\]/);
    expect(steps.at(-1)).toContain("gbquas.exe");
  });

  shows("kinds can be taken out, and what the samples shared stays tied", "/graph", async (page) => {
    await nodes(page).first().waitFor();
    await page.locator(".kinds button").filter({ hasText: "sample" }).click();
    await page.getByLabel("Filter the nodes").fill("forum.exe");
    expect(await nodes(page).count()).toBe(0);
    expect(await page.locator(".canvas").getAttribute("aria-label")).toMatch(/and [1-9]\d* ties/);
  });

  shows("the picture goes out as GraphML and as PNG", "/graph", async (page) => {
    await page.locator('.canvas[data-resting="true"]').waitFor();
    const xml = (await saved(page, () => page.getByRole("button", { name: "GraphML" }).click())).toString();
    expect(xml).toContain('<data key="label">politefrightenpowoa.pw</data>');
    expect(xml.match(/<data key="x">-?[\d.]+/g)?.length).toBe(xml.match(/<node /g)?.length);
    const png = await saved(page, () => page.getByRole("button", { name: "PNG" }).click());
    expect(png.subarray(1, 4).toString()).toBe("PNG");
    expect(png.length).toBeGreaterThan(10_000);
  });

  shows("a pasted report leads from its defanged C2 to samples and further", "/search", async (page) => {
    await page
      .locator("#anything")
      .fill(
        "Lumma calls at politefrightenpowoa[.]pw and never-seen[.]com.\nSee https://example.org/blog for more.",
      );
    await page.getByRole("button", { name: "Find" }).click();
    await page.getByText("1 known to the corpus").waitFor();
    const rows = await page.getByLabel("Indicators of the text").locator("tbody tr").allInnerTexts();
    expect(rows[0]).toMatch(/politefrightenpowoa\[\.\]pw[\s\S]*2 samples[\s\S]*lumma/);
    expect(rows[1]).toMatch(/never-seen\[\.\]com[\s\S]*not known/);
    expect(await page.locator(".left-out summary").innerText()).toMatch(/1 thing left out/);
    await page.getByRole("link", { name: "2 samples" }).click();
    const next = page.getByLabel("Next pivots");
    await next.waitFor();
    expect(await next.innerText()).toMatch(/assaultseekwoodywod\[\.\]pw/);
    await next.getByRole("link", { name: "pivot" }).first().click();
    await page.getByLabel("Samples that share it").waitFor();
    expect(await page.locator(".samples tbody tr").count()).toBe(2);
  });

  shows("a search finds, and its indicators go out", "/search?q=family:vidar", async (page) => {
    await page.getByRole("heading", { name: "2 samples" }).waitFor();
    await page.getByRole("link", { name: "Indicators and export" }).click();
    await page.getByRole("tab", { name: /To block/ }).waitFor();
    await page.getByRole("tab", { name: /Left out/ }).click();
    expect(await page.getByRole("tabpanel").innerText()).toMatch(/Steam[\s\S]*steamcommunity\[\.\]com/);
    const list = await saved(page, () => page.locator('[data-form="edl-ip"]').click());
    expect(list.toString()).toBe("128.140.69.37\n");
    await page.getByLabel("Marking").selectOption("amber");
    const stix = await saved(page, () => page.locator('[data-form="stix"]').click());
    expect(stix.toString()).toContain("TLP:AMBER");
    expect(stix.toString()).not.toContain("gbrem.exe");
  });

  shows(
    "the corpus shows its families, its queue, and what failed with the reason",
    "/corpus",
    async (page) => {
      await page.getByLabel("Yields").getByRole("link", { name: "lumma" }).waitFor();
      expect(await page.getByLabel("Queue").innerText()).toMatch(/Workers\s+1/);
      await page.getByLabel("Failures").locator("tbody tr").first().waitFor();
      expect(await page.getByLabel("Failures").innerText()).toContain("<img src=x onerror=alert(1)>RLO.exe");
      expect(await page.getByLabel("Newest clusters").innerText()).toMatch(/quasar RAT, remcos/);
    },
  );

  for (const path of ["/graph", "/search?q=socket:77.105.132.70:2404", "/indicators", "/corpus"])
    for (const theme of ["dark", "light"] as const)
      it(
        `axe finds nothing serious in ${path}, ${theme}`,
        async () => {
          const { page, sins } = await openPage(browser, server, path, { theme });
          await page.locator("table.plain tbody tr, [role=option]").first().waitFor();
          await page.waitForFunction(() => document.querySelector(".waiting") === null);
          expect(await seriousViolations(page)).toEqual([]);
          all.push(...sins);
          await page.context().close();
        },
        SLOW,
      );

  it("nothing of a sample ran, nothing was asked of strangers, nothing broke", () => {
    expect(all).toEqual([]);
  });
});
