import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Drakvuf } from "./drakvuf.ts";
import { Http } from "./http.ts";
import { openBytes } from "./open-bytes.ts";
import { DrakvufServer, type DrakvufServerOptions } from "./test-servers/drakvuf-server.ts";
import { jsonAnswer } from "./test-servers/server.ts";
import { TestClock } from "./test-servers/test-clock.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const OPTIONS: DrakvufServerOptions = {
  dumps: [
    { name: "dumps/400000_aaaaaaaaaaaaaaaa", bytes: bytes("one") },
    { name: "dumps/7ff000_bbbbbbbbbbbbbbbb", bytes: bytes("two") },
  ],
  dumpsMetadata: [{ filename: "dumps/400000_aaaaaaaaaaaaaaaa", base_address: "0x400000" }],
  report: {
    processes: [{ seqid: 3, pid: 1234, procname: "\\Device\\HarddiskVolume2\\evil.exe" }],
    memdumps: [
      { process_seqid: 3, dumps: [{ filename: "400000_aaaaaaaaaaaaaaaa", address: "0x400000", size: 3 }] },
    ],
  },
};

let server: DrakvufServer;
let clock: TestClock;
let folder = "";
beforeEach(() => {
  clock = new TestClock();
  folder = mkdtempSync(join(tmpdir(), "assay-drak-"));
});
afterEach(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function client(options: Partial<DrakvufServerOptions> = {}): Promise<Drakvuf> {
  server = await new DrakvufServer({ ...OPTIONS, ...options }).start();
  const http = new Http({ base: server.url, clock });
  return new Drakvuf({
    http,
    open: (zip, ...rest) => openBytes(readFileSync(zip), ...rest),
    passwords: ["infected"],
  });
}

const file = { name: "a.exe", bytes: new Uint8Array([1]), sha256: "00" };

async function submitted(drakvuf: Drakvuf, options = new Map<string, string>()): Promise<string> {
  const task = await drakvuf.submit(file, options);
  if (!task.ok) throw new Error(task.error.text);
  return task.value;
}

describe("DRAKVUF Sandbox", () => {
  it("submits with its options, plugins as the list in JSON that it wants", async () => {
    const task = await submitted(
      await client(),
      new Map([
        ["timeout", "300"],
        ["plugins", "memdump,apimon"],
      ]),
    );
    expect(server.jobs.get(task)?.get("plugins")).toBe('["memdump","apimon"]');
    expect(server.jobs.get(task)?.get("timeout")).toBe("300");
    const wrong = new Drakvuf({
      http: new Http({ base: server.url, clock }),
      open: async () => [],
      passwords: [],
    });
    expect(await wrong.submit(file, new Map([["x", "1"]]))).toMatchObject({ error: { code: "settings" } });
  });

  it("tells states, and waits a while for a task that is not known yet", async () => {
    const drakvuf = await client({ states: ["queued", "started", "finished"] });
    const task = await submitted(drakvuf);
    server.order(/status/, { kind: "answer", answer: jsonAnswer({ error: "Job not found" }, 404) }, 2);
    expect(await drakvuf.poll(task)).toMatchObject({
      value: { phase: "waiting", says: "queued, analyzing" },
    });
    expect(clock.slept).toEqual([1000, 2000]);
    expect(await drakvuf.poll(task)).toMatchObject({ value: { phase: "running" } });
    expect(await drakvuf.poll(task)).toMatchObject({ value: { phase: "done" } });
    expect(await drakvuf.poll("00000000-0000-4000-8000-999999999999")).toMatchObject({
      error: { code: "task-gone" },
    });
  });

  it("fetches dumps with their bases, from metadata or their names, and their processes", async () => {
    const drakvuf = await client();
    const all = await drakvuf.fetch(await submitted(drakvuf), folder);
    expect(all.ok && all.value.artefacts.map(({ hint, description }) => [hint, description])).toEqual([
      [
        { kind: "memory", process: { name: "evil.exe", pid: 1234 }, base: 0x400000n },
        "memory of evil.exe (1234) at 0x400000",
      ],
      [{ kind: "memory", base: 0x7ff000n }, "memory at 0x7ff000"],
    ]);
  });

  it("asks again for dumps that are not written yet, and for half-sent ones", async () => {
    const drakvuf = await client();
    server.order(/dumps/, { kind: "answer", answer: jsonAnswer({ error: "Data not found" }, 404) });
    server.order(/dumps/, { kind: "cut", bytes: 50 }).order(/dumps/, { kind: "short", bytes: 150 });
    const all = await drakvuf.fetch(await submitted(drakvuf), folder);
    expect(all.ok && all.value.artefacts.length).toBe(2);
    expect(server.count(/dumps/)).toBe(4);
  });

  it("does without report and dumps, and says so", async () => {
    const drakvuf = await client({ dumps: [], report: undefined });
    server.order(/dumps/, { kind: "answer", answer: jsonAnswer({ error: "Data not found" }, 404) }, 99);
    const all = await drakvuf.fetch(await submitted(drakvuf), folder);
    expect(all.ok && all.value.artefacts).toEqual([]);
    expect(all.ok && all.value.notes.map(({ text }) => text)).toEqual([
      expect.stringContaining("report: there is none"),
    ]);
  });
});
