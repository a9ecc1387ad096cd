/** A batch of as many samples as one likes, made up as the server would answer: for what only many rows show. */
import { createHash } from "node:crypto";
import type { Page } from "playwright-core";
import type { BatchTableRow } from "../../../app/src/api/schemas/table.ts";

export const FAMILIES = ["win.lumma", "win.quasar_rat", "win.remcos", "win.redline_stealer", "win.vidar"];
const BATCH = "00000000-0000-4000-8000-000000000001";

export function sha(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Answers the page's questions about a batch that has ended; returns its id. Rows are `invoice-1.exe` and so on. */
export async function longBatch(page: Page, total: number): Promise<string> {
  const byState = { done: total, queued: 0, active: 0, failed: 0, dead: 0, cancelled: 0 };
  const head = { id: BATCH, kind: "interactive", createdAt: "2026-03-01T00:00:00.000Z", total };
  const detail = { ...head, byState, ended: true, events: 0, samples: [], next: null };
  await page.route("**/api/v1/batches/**", (route) => {
    const url = new URL(route.request().url());
    if (!url.pathname.endsWith("/table")) return route.fulfill({ json: detail });
    const from = Number(url.searchParams.get("cursor") ?? 0);
    const limit = Number(url.searchParams.get("limit"));
    const rows = Array.from({ length: Math.min(limit, total - from) }, (_, i) => row(from + i + 1));
    return route.fulfill({ json: { rows, next: from + limit < total ? String(from + limit) : null } });
  });
  return BATCH;
}

function row(n: number): BatchTableRow {
  const hash = sha(`row ${n}`);
  const family = FAMILIES[n % FAMILIES.length] as string;
  const has = n % 7 !== 0;
  const finding = { family, layout: "L1", version: "4.9", confidence: "proved", config: hash } as const;
  return {
    ...{ n, file: hash, sha256: hash, name: `invoice-${n}.exe`, state: "done", stage: null },
    outcome: has ? "config" : "unknown",
    reason: has ? null : "no family's marks are in it, nor in any layer below",
    families: has ? [family] : [],
    findings: has ? [{ ...finding, c2: [`tcp://203.0.113.${n % 250}:2404`] }] : [],
    shared: has ? [{ value: `203.0.113.${n % 250}`, samples: 400 }] : [],
    cluster: has ? `cluster-${n % 250}` : null,
  } as unknown as BatchTableRow;
}
