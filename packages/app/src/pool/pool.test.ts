import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Pool, type PoolOptions } from "./pool.ts";

/** A worker that does what the file's name asks: answers, dies, or never answers. */
const WORKER = `
process.on("message", (message) => {
  if (message.kind === "start") return process.send(message.options.rules.includes("bad") ? { kind: "rejected", text: "no good" } : { kind: "ready" });
  if (message.name === "dies") process.exit(3);
  if (message.name === "hangs") for (;;);
  process.send({ kind: "done", id: message.id, sample: { names: [message.name], outcome: "unknown", pid: process.pid } });
});
process.on("disconnect", () => process.exit(0));
`;

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "assay-pool-"));
  writeFileSync(join(folder, "worker.mjs"), WORKER);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(
  names: readonly string[],
  options: Partial<PoolOptions> = {},
): Promise<{ outcome: string; code: string | undefined }[]> {
  const pool = new Pool({
    size: 2,
    timeoutMs: 300,
    readable: [folder],
    analysis: { rules: [] },
    worker: join(folder, "worker.mjs"),
    ...options,
  });
  try {
    const samples = await Promise.all(names.map((name) => pool.run(Buffer.from(name), name)));
    return samples.map((sample) => ({ outcome: sample.outcome, code: sample.reasons?.[0]?.code }));
  } finally {
    pool.close();
  }
}

describe("the pool", () => {
  it("gives every sample its own answer, in order", async () => {
    expect(await run(["a", "b", "c", "d", "e"])).toEqual(
      Array(5).fill({ outcome: "unknown", code: undefined }),
    );
  });

  it("loses only the sample whose process dies", async () => {
    const results = await run(["a", "dies", "b", "dies", "c"]);
    expect(results.map(({ outcome, code }) => code ?? outcome)).toEqual([
      "unknown",
      "crashed",
      "unknown",
      "crashed",
      "unknown",
    ]);
  });

  it("kills the process that overruns its deadline and goes on", async () => {
    const results = await run(["hangs", "a", "hangs", "b"], { size: 1 });
    expect(results.map(({ outcome, code }) => code ?? outcome)).toEqual([
      "timeout",
      "unknown",
      "timeout",
      "unknown",
    ]);
  });

  it("rejects at once when the rules do not compile", async () => {
    await expect(run(["a", "b"], { analysis: { rules: ["bad"] } })).rejects.toThrow("no good");
  });

  it("rejects when no process can start", async () => {
    await expect(run(["a"], { worker: join(folder, "absent.mjs") })).rejects.toThrow("did not start");
  });
});
