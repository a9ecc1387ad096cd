/** A sample that takes its process over, kills it, hangs it or eats its memory costs only itself. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { demoBatch } from "@assay/carriers/demo";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { triage } from "../batch/triage.ts";
import { Pool } from "./pool.ts";
import { describeSandbox } from "./sandbox.ts";

/** The real worker, with a hook before it that does what a hostile sample would, by the file's name. */
const HOOKED = `
import { connect } from "node:net";
import { readFileSync, writeFileSync } from "node:fs";
let late = false;
const send = process.send.bind(process);
process.send = (message, ...rest) => {
  const sent = send(message, ...rest);
  while (late && message.kind === "partial");
  return sent;
};
process.on("message", (message) => {
  if (message.kind !== "job") return;
  const name = message.name.split("/").at(-1);
  const answer = (text) => process.send({ kind: "done", id: message.id, sample: { names: [name], outcome: "unknown", reasons: [{ stage: "hook", code: text, text }] } });
  if (name.startsWith("kill")) process.kill(process.pid, "SIGKILL");
  if (name.startsWith("hang")) for (;;);
  late = name.startsWith("late");
  if (name.startsWith("eat")) for (const kept = []; ; ) kept.push(Buffer.alloc(1 << 26, 1));
  if (name.startsWith("read")) { try { readFileSync("/etc/passwd"); answer("read it"); } catch (error) { answer(error.code); } }
  if (name.startsWith("write")) { try { writeFileSync("/tmp/assay-was-here", "x"); answer("wrote it"); } catch (error) { answer(error.code); } }
  if (name.startsWith("call")) { const [port] = name.match(/\\d+/); connect(Number(port), "127.0.0.1").on("connect", () => answer("connected")).on("error", (error) => answer(error.code)); }
});
(await import("./worker.ts")).serve();
`;

const app = fileURLToPath(new URL("../../", import.meta.url));
const worker = join(app, "dist", "hooked-worker.js");
let folder = "";
let server: Server;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "assay-isolation-"));
  await build({
    stdin: { contents: HOOKED, resolveDir: fileURLToPath(new URL(".", import.meta.url)), loader: "ts" },
    outfile: worker,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    mainFields: ["module", "main"],
    external: ["@litko/yara-x", "@virustotal/yara-x", "7z-wasm"],
    banner: {
      js: 'import { createRequire as __c } from "node:module"; const require = __c(import.meta.url);',
    },
  });
  server = createServer((socket) => socket.end());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
  rmSync(worker, { force: true });
});

async function ask(...names: string[]): Promise<string[]> {
  const pool = new Pool({ size: 1, timeoutMs: 20_000, readable: [folder], analysis: {}, worker });
  try {
    const samples = await Promise.all(names.map((name) => pool.run(Buffer.from(join(folder, name)), name)));
    return samples.map((sample) => sample.reasons[0]?.code ?? "");
  } finally {
    pool.close();
  }
}

describe("an analysis process", () => {
  it("reads nothing but the batch, and writes nothing", async () => {
    expect(await ask("read", "write")).toEqual(["ERR_ACCESS_DENIED", "ERR_ACCESS_DENIED"]);
  });

  it.runIf(describeSandbox()[0]?.includes("none"))(
    "reaches no address, not even this machine's own",
    async () => {
      const address = server.address();
      const port = typeof address === "object" ? address?.port : 0;
      expect((await ask(`call-${port}`))[0]).not.toBe("connected");
    },
  );

  it("200 samples with 20 hostile ones among them all get outcomes", async () => {
    const batch = join(folder, "batch");
    mkdirSync(batch);
    const carriers = demoBatch();
    const hostile = ["kill", "hang", "eat", "kill"];
    for (let i = 0; i < 180; i++) {
      // Different bytes each, so that none is folded into another.
      const bytes = Buffer.concat([
        carriers[i % carriers.length]?.bytes ?? Buffer.alloc(0),
        Buffer.from(`#${i}`),
      ]);
      writeFileSync(join(batch, `good-${i}.exe`), bytes);
    }
    for (let i = 0; i < 20; i++)
      writeFileSync(join(batch, `${hostile[i % 4]}-${i}.exe`), carriers[i % 10]?.bytes ?? "");
    const report = await triage([batch], {
      timeoutMs: 10_000,
      memory: 600 * 1024 ** 2,
      analysis: {},
      worker,
      jobs: 2,
    });
    const outcomes = new Map(
      report.samples.flatMap((sample) =>
        sample.names.map((name) => [name.split("/").at(-1) ?? "", sample] as const),
      ),
    );
    expect(outcomes.size).toBe(200);
    for (const [name, sample] of outcomes) {
      if (name.startsWith("good"))
        expect(sample.outcome, `${name}: ${JSON.stringify(sample.reasons)}`).toBe("config");
      if (name.startsWith("kill")) expect(sample.reasons[0]?.code).toBe("crashed");
      if (name.startsWith("hang")) expect(sample.reasons[0]?.code).toBe("timeout");
      if (name.startsWith("eat")) expect(["crashed", "timeout"]).toContain(sample.reasons[0]?.code);
    }
  }, 120_000);

  it("keeps what it had found until it was stopped, with the reason", async () => {
    const pool = new Pool({
      size: 1,
      timeoutMs: 20_000,
      stageTimeoutMs: 1500,
      readable: [folder],
      analysis: {},
      worker,
    });
    try {
      const path = join(folder, "late.exe");
      const carrier = demoBatch()[4];
      writeFileSync(path, Buffer.concat([carrier?.bytes ?? Buffer.alloc(0)]));
      const sample = await pool.run(Buffer.from(path), "late.exe");
      expect(sample.findings[0]?.c2).toEqual(carrier?.expected.c2);
      expect(sample.outcome).toBe("config");
      expect(sample.reasons.at(-1)).toMatchObject({
        code: "timeout",
        text: expect.stringContaining("--stage-timeout"),
      });
    } finally {
      pool.close();
    }
  });
});
