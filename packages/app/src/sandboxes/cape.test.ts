import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { demoBatch } from "@assay/carriers/demo";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Cape } from "./cape.ts";
import { Http } from "./http.ts";
import { openBytes } from "./open-bytes.ts";
import type { Fetched } from "./sandbox.ts";
import { CapeServer, type CapeServerOptions, throttled } from "./test-servers/cape-server.ts";
import { TestClock } from "./test-servers/test-clock.ts";

const TOKEN = "0123456789abcdef";
const [remcos, quasar] = ["gbrem.exe", "gbquas.exe"].map((name) => {
  const found = demoBatch().find((carrier) => carrier.name === name);
  if (found === undefined) throw new Error(name);
  return found.bytes;
}) as [Uint8Array, Uint8Array];
const sha = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const REPORT = {
  info: { id: 1 },
  CAPE: {
    payloads: [
      {
        sha256: sha(remcos),
        cape_type: "Injected PE Image: 32-bit executable",
        process_name: "loader.exe",
        pid: 100,
        target_process: "RegAsm.exe",
        target_pid: "4711",
      },
      {
        sha256: sha(bytes("shell")),
        cape_type: "Unpacked Shellcode",
        process_name: "loader.exe",
        pid: 100,
        virtual_address: "0x00401000",
      },
    ],
    configs: [{ Remcos: { C2: ["a.example:1"] } }],
  },
  procdump: [{ sha256: sha(quasar), process_name: "client.exe", pid: 200 }],
  behavior: {
    processes: [
      { process_id: 4711, process_name: "RegAsm.exe", calls: [] },
      { process_id: 200, process_name: "client.exe" },
    ],
  },
  detections: [{ family: "Remcos", details: [] }],
};

const RUN: CapeServerOptions["run"] = {
  folders: {
    CAPE: [
      { name: `CAPE/${sha(remcos)}`, bytes: remcos },
      { name: `CAPE/${sha(bytes("shell"))}`, bytes: bytes("shell") },
    ],
    procdump: [{ name: `procdump/${sha(quasar)}`, bytes: quasar }],
    memory: [
      { name: "memory/4711.dmp", bytes: bytes("dump of 4711") },
      { name: "memory/200.dmp", bytes: bytes("dump of 200") },
      { name: "memory/200.dmp.strings", bytes: bytes("strings") },
    ],
    selfextracted: [{ name: "UPX/abc", bytes: bytes("unpacked") }],
  },
  configs: [
    { Remcos: { C2: ["evil.example:2404"], Version: "4.9" }, _associated_config_hashes: [{ sha256: "x" }] },
  ],
  report: REPORT,
};

let server: CapeServer;
let clock: TestClock;
let folder = "";
beforeEach(() => {
  clock = new TestClock();
  folder = mkdtempSync(join(tmpdir(), "assay-cape-"));
});
afterEach(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const open = async (
  zip: string,
  ...rest: [readonly string[], { bytes: number; members: number }, (name: string, bytes: Uint8Array) => void]
) => openBytes(readFileSync(zip), ...rest);

async function client(
  options: Partial<CapeServerOptions> = {},
  token = TOKEN,
  passwords = ["infected"],
): Promise<Cape> {
  server = await new CapeServer({ token: TOKEN, run: RUN, ...options }).start();
  const http = new Http({ base: server.url, authorization: `Token ${token}`, secrets: [token], clock });
  return new Cape({ http, open, passwords });
}

const file = { name: "sämple.exe", bytes: new Uint8Array([1, 2, 3]), sha256: sha(new Uint8Array([1, 2, 3])) };

async function submitted(cape: Cape, options: ReadonlyMap<string, string> = new Map()): Promise<string> {
  const task = await cape.submit(file, options);
  if (!task.ok) throw new Error(task.error.text);
  return task.value;
}

async function fetched(cape: Cape): Promise<Fetched> {
  const answer = await cape.fetch(await submitted(cape), folder);
  if (!answer.ok) throw new Error(answer.error.text);
  return answer.value;
}

const names = (all: Fetched): string[] => all.artefacts.map(({ description }) => description);
const notes = (all: Fetched): string[] => all.notes.map(({ code, text }) => `${code}: ${text}`);

describe("submitting to CAPE", () => {
  it("sends the file whole, asks for dumps, and puts options where they belong", async () => {
    const cape = await client();
    const options = new Map([
      ["package", "dll"],
      ["procdump", "0"],
      ["function", "Start"],
    ]);
    expect(await submitted(cape, options)).toBe("1");
    const task = server.tasks.get(1);
    expect(task?.sha256).toBe(file.sha256);
    expect(task?.fields.get("package")).toBe("dll");
    expect(task?.options).toBe("procmemdump=1,procdump=0,unpacker=2,function=Start");
  });

  it("follows all tasks that an archive becomes", async () => {
    const cape = await client({ tasksPerFile: 2, states: ["pending", "reported"] });
    expect(await submitted(cape)).toBe("1,2");
    expect(await cape.poll("1,2")).toMatchObject({ value: { phase: "waiting" } });
    expect(await cape.poll("1,2")).toMatchObject({ value: { phase: "done" } });
    const all = await cape.fetch("1,2", folder);
    expect(all.ok && all.value.artefacts.length).toBe(12);
  });

  it("says why the server refuses, with status 200 or 401", async () => {
    const refused = await (await client({ disabled: ["filecreate"] })).submit(file, new Map());
    expect(refused).toMatchObject({
      ok: false,
      error: { code: "disabled", text: "the submission: File Create API is Disabled" },
    });
    await server.stop();
    const wrong = await (await client({}, "wrong-token")).submit(file, new Map());
    expect(wrong).toMatchObject({ ok: false, error: { code: "token-refused" } });
    expect(JSON.stringify(wrong)).toContain("check --token");
    expect(JSON.stringify(wrong)).not.toContain("wrong-token");
  });
});

describe("waiting for CAPE", () => {
  it("knows every state", async () => {
    const states = ["pending", "running", "completed", "reported"];
    const cape = await client({ states });
    const task = await submitted(cape);
    const seen: unknown[] = [];
    for (const _ of states) seen.push(await cape.poll(task));
    expect(seen.map((state) => (state as { value: { phase: string } }).value.phase)).toEqual([
      "waiting",
      "running",
      "processing",
      "done",
    ]);
  });

  it("knows a run that failed, and a task that is gone", async () => {
    const cape = await client({ states: ["failed_analysis"] });
    expect(await cape.poll(await submitted(cape))).toMatchObject({
      value: { phase: "failed", says: "failed_analysis" },
    });
    expect(await cape.poll("999")).toMatchObject({ error: { code: "task-gone" } });
  });

  it("asks the task's view when the status route is switched off", async () => {
    const cape = await client({ disabled: ["taskstatus"] });
    expect(await cape.poll(await submitted(cape))).toMatchObject({ value: { phase: "done" } });
  });
});

describe("fetching from CAPE", () => {
  it("takes payloads, dumps and memory out of encrypted archives, with all that the report says of them", async () => {
    const all = await fetched(await client());
    expect(names(all)).toEqual([
      "Injected PE Image: 32-bit executable of RegAsm.exe (4711)",
      "Unpacked Shellcode of loader.exe (100) at 0x401000",
      "process dump of client.exe (200)",
      "self-extracted file",
      "memory of client.exe (200)",
      "memory of RegAsm.exe (4711)",
    ]);
    expect(all.artefacts[1]?.hint).toEqual({
      kind: "payload",
      process: { name: "loader.exe", pid: 100 },
      base: 0x401000n,
    });
    expect(readFileSync(all.artefacts[0]?.path ?? "").equals(remcos)).toBe(true);
    expect(all.said).toEqual({
      families: ["Remcos"],
      configs: [
        {
          family: "Remcos",
          values: [
            { name: "C2", value: "evil.example:2404" },
            { name: "Version", value: "4.9" },
          ],
        },
      ],
    });
    expect(all.notes).toEqual([]);
  });

  it("writes under numbers only, whatever an archive's names say", async () => {
    const hostile = [
      { name: "memory/..\\..\\evil.dmp", bytes: bytes("x") },
      { name: "memory/7.dmp", bytes: bytes("y") },
    ];
    const all = await fetched(await client({ run: { folders: { memory: hostile } } }));
    expect(all.artefacts).toHaveLength(2);
    for (const { path } of all.artefacts) expect(path).toMatch(/\/1-0-memory-\d$/);
  });

  it.each([
    ["capeconfig", "config"],
    ["taskreport", "report"],
    ["payloadfiles", "payloadfiles"],
    ["procdumpfiles", "procdumpfiles"],
    ["taskdropped", "dropped"],
    ["taskselfextracted", "selfextracted"],
    ["taskprocmemory", "procmemory"],
  ])("carries on with the rest when %s is switched off, and says so", async (section, what) => {
    const run = {
      ...RUN,
      folders: { ...RUN.folders, files: [{ name: "files/a", bytes: bytes("dropped") }] },
    };
    const all = await fetched(await client({ run, disabled: [section] }));
    expect(notes(all)).toHaveLength(1);
    expect(notes(all)[0]).toMatch(new RegExp(`^disabled: ${what}: switched off on this server`));
    expect(all.artefacts.length).toBeGreaterThanOrEqual(5);
  });

  it("fetches memory process by process when the server does not give it all at once", async () => {
    const all = await fetched(await client({ noMemoryOfAll: true }));
    expect(names(all).filter((name) => name.startsWith("memory"))).toEqual([
      "memory of RegAsm.exe (4711)",
      "memory of client.exe (200)",
    ]);
    expect(all.notes).toEqual([]);
    expect(server.count(/procmemory\/1\/\d+\//)).toBe(3);
  });

  it("has nothing to note of a run that dropped and dumped nothing", async () => {
    const all = await fetched(await client({ run: { folders: {} } }));
    expect(all.artefacts).toEqual([]);
    expect(notes(all)).toEqual(["refused: report: Reports directory does not exist"]);
  });

  it("asks again for half-sent archives: cut on the wire, or cut before a proxy", async () => {
    const cape = await client();
    server
      .order(/payloadfiles/, { kind: "cut", bytes: 300 })
      .order(/payloadfiles/, { kind: "short", bytes: 700 });
    server.order(/procmemory/, { kind: "short", bytes: 100 });
    const all = await fetched(cape);
    expect(all.artefacts).toHaveLength(6);
    expect(all.notes).toEqual([]);
    expect(server.count(/payloadfiles/)).toBe(3);
    expect(server.count(/procmemory/)).toBe(2);
  });

  it("notes an archive that stays broken, and takes what it gives", async () => {
    const cape = await client();
    server.order(/procdumpfiles/, { kind: "short", bytes: 100 }, 99);
    const all = await fetched(cape);
    expect(all.artefacts).toHaveLength(5);
    expect(notes(all)).toEqual([expect.stringMatching(/^broken-archive: procdumpfiles: /)]);
  });

  it("names the password as what is wrong, and still takes what needs none", async () => {
    const all = await fetched(await client({ zipPassword: "other" }));
    expect(names(all)).toEqual(["self-extracted file"]);
    expect(notes(all)).toEqual(
      ["payloadfiles", "procdumpfiles", "procmemory"].map((what) =>
        expect.stringMatching(`^wrong-password: ${what}: .*--password`),
      ),
    );
    expect(clock.slept).toEqual([]);
  });

  it("opens archives with the password it was given", async () => {
    expect(
      (await fetched(await client({ zipPassword: "other" }, TOKEN, ["other", "infected"]))).artefacts,
    ).toHaveLength(6);
  });

  it("waits out the throttling of CAPE's default limit", async () => {
    const cape = await client();
    server.order(/payloadfiles/, { kind: "answer", answer: throttled(35) });
    expect((await fetched(cape)).artefacts).toHaveLength(6);
    expect(clock.slept).toEqual([35_000]);
  });

  it("notes a page that stands where a file should", async () => {
    const cape = await client();
    const page = {
      status: 200,
      headers: { "content-type": "text/html; charset=utf-8" },
      body: "<html>You don't have permissions",
    };
    server.order(/report/, { kind: "answer", answer: page });
    expect(notes(await fetched(cape))).toEqual([
      expect.stringMatching(/^refused: report: a web page instead of the file/),
    ]);
  });

  it("ends at once, with one reason, when the server goes away", async () => {
    const cape = await client();
    const task = await submitted(cape);
    server.order(/get/, { kind: "reset" }, 99);
    const answer = await cape.fetch(task, folder);
    expect(answer).toMatchObject({ ok: false, error: { code: "unreachable" } });
    expect(server.count(/get/)).toBe(5);
  });
});
