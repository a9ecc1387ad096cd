import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Http } from "./http.ts";
import type { Fetched } from "./sandbox.ts";
import { jsonAnswer } from "./test-servers/server.ts";
import { TestClock } from "./test-servers/test-clock.ts";
import { type TriageDump, TriageServer, type TriageServerOptions } from "./test-servers/triage-server.ts";
import { Triage } from "./triage.ts";

const TOKEN = "tria-token";
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const sha = (text: string): string => createHash("sha256").update(text).digest("hex");

const dump = (name: string, text: string, entry: Record<string, unknown>): TriageDump => ({
  name,
  bytes: bytes(text),
  entry: { at: 1, length: text.length, sha256: sha(text), ...entry },
});
const DUMPS = [
  dump("memory/1692-4-0x0000000000400000-0x0000000000424000-memory.dmp", "first", {
    pid: 1692,
    procid: 4,
    kind: "region",
    addr: 4194304,
  }),
  dump("memory/1692-5-0xfffff80000001000-memory.dmp", "kernel", {
    pid: 1692,
    procid: 4,
    kind: "region",
    addr: 2 ** 63,
  }),
  dump("files/0x0001-5.dat", "dropped", { kind: "file" }),
];
const OPTIONS: TriageServerOptions = {
  token: TOKEN,
  dumps: DUMPS,
  overview: {
    version: "0.3.0",
    analysis: { score: 10, family: ["remcos"] },
    tasks: [
      { sample: "x", kind: "static", name: "static1", status: "reported" },
      { sample: "x", kind: "behavioral", name: "behavioral1", status: "reported" },
    ],
    extracted: [
      {
        tasks: ["behavioral1"],
        config: {
          family: "remcos",
          c2: ["evil.example:2404"],
          botnet: "gb",
          keys: [{ kind: "rc4", key: "k", value: "v" }],
        },
      },
    ],
  },
  report: {
    processes: [{ procid: 4, pid: 1692, image: "C:\\Windows\\RegAsm.exe" }],
    extracted: [
      {
        dumped_file: "memory/…",
        config: {
          family: "remcos",
          c2: ["evil.example:2404"],
          botnet: "gb",
          keys: [{ kind: "rc4", key: "k", value: "v" }],
        },
      },
    ],
  },
};

let server: TriageServer;
let clock: TestClock;
let folder = "";
beforeEach(() => {
  clock = new TestClock();
  folder = mkdtempSync(join(tmpdir(), "assay-tria-"));
});
afterEach(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function client(options: Partial<TriageServerOptions> = {}, token = TOKEN): Promise<Triage> {
  server = await new TriageServer({ ...OPTIONS, ...options }).start();
  const http = new Http({ base: server.url, authorization: `Bearer ${token}`, secrets: [token], clock });
  return new Triage({ http, open: async () => [], passwords: [] });
}

const file = { name: "a.exe", bytes: new Uint8Array([1]), sha256: sha("\x01") };

async function submitted(triage: Triage, options = new Map<string, string>()): Promise<string> {
  const task = await triage.submit(file, options);
  if (!task.ok) throw new Error(task.error.text);
  return task.value;
}

async function fetched(triage: Triage): Promise<Fetched> {
  const answer = await triage.fetch(await submitted(triage), folder);
  if (!answer.ok) throw new Error(answer.error.text);
  return answer.value;
}

describe("Hatching Triage", () => {
  it("submits with the settings that it knows, and refuses others before anything is sent", async () => {
    const triage = await client();
    const id = await submitted(
      triage,
      new Map([
        ["timeout", "120"],
        ["network", "drop"],
        ["profile", "w10"],
        ["password", "p"],
      ]),
    );
    expect(server.samples.get(id)).toEqual({
      kind: "file",
      interactive: false,
      profiles: [{ profile: "w10" }],
      defaults: { timeout: 120, network: "drop" },
      password: "p",
    });
    expect(await triage.submit(file, new Map([["procdump", "1"]]))).toMatchObject({
      error: { code: "settings" },
    });
    expect(server.asked).toHaveLength(1);
  });

  it("tells how far a run is", async () => {
    const triage = await client({ states: ["pending", "running", "processing", "reported"] });
    const id = await submitted(triage);
    const seen: string[] = [];
    for (let i = 0; i < 4; i++) {
      const state = await triage.poll(id);
      seen.push(state.ok ? `${state.value.phase}: ${state.value.says}` : state.error.text);
    }
    expect(seen).toEqual([
      "waiting: pending, 1 of 2 tasks done",
      "running: running, 1 of 2 tasks done",
      "processing: processing, 1 of 2 tasks done",
      "done: reported, 2 of 2 tasks done",
    ]);
    expect(await triage.poll("200923-unknown")).toMatchObject({ error: { code: "task-gone" } });
  });

  it("fetches dumps with process and address, also of addresses that no number holds", async () => {
    const all = await fetched(await client());
    expect(all.artefacts.map(({ hint, description }) => [hint, description])).toEqual([
      [
        { kind: "memory", process: { name: "RegAsm.exe", pid: 1692 }, base: 0x400000n },
        "memory of RegAsm.exe (1692) at 0x400000",
      ],
      [
        { kind: "memory", process: { name: "RegAsm.exe", pid: 1692 }, base: 0xfffff80000001000n },
        "memory of RegAsm.exe (1692) at 0xfffff80000001000",
      ],
      [{ kind: "dropped" }, "dropped file"],
    ]);
    expect(readFileSync(all.artefacts[0]?.path ?? "", "utf8")).toBe("first");
    expect(all.said).toEqual({
      families: ["remcos"],
      configs: [
        {
          family: "remcos",
          values: [
            { name: "c2", value: "evil.example:2404" },
            { name: "botnet", value: "gb" },
            { name: "keys.0.kind", value: "rc4" },
            { name: "keys.0.key", value: "k" },
            { name: "keys.0.value", value: "v" },
          ],
        },
      ],
    });
    expect(all.notes).toEqual([]);
  });

  it("asks again for a dump whose bytes are not those that the report lists", async () => {
    const triage = await client();
    server
      .order(/0x0000000000400000/, { kind: "short", bytes: 2 })
      .order(/0x0000000000400000/, { kind: "cut", bytes: 1 });
    const all = await fetched(triage);
    expect(all.artefacts).toHaveLength(3);
    expect(server.count(/0x0000000000400000/)).toBe(3);
  });

  it("leaves out names that lead elsewhere and dumps that are not there, and says so", async () => {
    const hostile = [
      dump("../../../v0/samples", "x", {}),
      dump("memory//x", "y", {}),
      dump("a/../b", "z", {}),
      ...DUMPS.slice(0, 1),
    ];
    const triage = await client({ dumps: hostile });
    server.order(/0x0000000000400000/, { kind: "answer", answer: jsonAnswer({ error: "NOT_FOUND" }, 404) });
    const all = await fetched(triage);
    expect(all.artefacts).toEqual([]);
    expect(all.notes.map(({ code }) => code)).toEqual(["unexpected-answer", "not-found"]);
    expect(server.count(/GET/)).toBe(3);
  });

  it("says that the token is refused, without the token", async () => {
    const answer = await (await client({}, "other-token")).submit(file, new Map());
    expect(answer).toMatchObject({
      error: { code: "token-refused", text: expect.stringContaining("Access token is invalid") },
    });
    expect(JSON.stringify(answer)).not.toContain("other-token");
  });
});
