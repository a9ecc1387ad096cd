import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ok } from "@assay/core/bytes/index";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { problem } from "./sandbox.ts";
import { TaskStore } from "./state.ts";
import { TestClock } from "./test-servers/test-clock.ts";

const KEY = { kind: "cape", url: "https://cape.example/", sha256: "ab" };
let folder = "";
let store: TaskStore;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), "assay-state-")), "tasks");
  store = new TaskStore(folder, new TestClock());
});
afterEach(() => rmSync(join(folder, ".."), { recursive: true, force: true }));

describe("tasks under way", () => {
  it("are remembered by sandbox, address and file, until they are forgotten", async () => {
    expect(await store.pickUpOr(KEY, async () => ok("7"))).toEqual({ ok: true, value: { task: "7" } });
    const again = await store.pickUpOr(KEY, async () => problem("refused", "submitted twice"));
    expect(again).toMatchObject({ value: { task: "7", pickedUp: { task: "7" } } });
    for (const other of [
      { ...KEY, url: "https://b.example/" },
      { ...KEY, sha256: "cd" },
      { ...KEY, kind: "triage" },
    ])
      expect(store.recall(other)).toBeUndefined();
    store.forget(KEY);
    expect(await store.pickUpOr(KEY, async () => ok("8"))).toEqual({ ok: true, value: { task: "8" } });
  });

  it("are submitted once, however many calls come at once", async () => {
    let submissions = 0;
    const submit = async () => {
      submissions++;
      await new Promise((resolve) => setImmediate(resolve));
      return ok(String(submissions));
    };
    const stores = Array.from({ length: 8 }, () => new TaskStore(folder, new TestClock()));
    const answers = await Promise.all(stores.map((own) => own.pickUpOr(KEY, submit)));
    expect(submissions).toBe(1);
    for (const answer of answers) expect(answer).toMatchObject({ value: { task: "1" } });
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it("are not remembered when the submission fails, and leave no lock", async () => {
    expect(await store.pickUpOr(KEY, async () => problem("refused", "no"))).toMatchObject({
      error: { code: "refused" },
    });
    expect(readdirSync(folder)).toEqual([]);
    await expect(store.pickUpOr(KEY, () => Promise.reject(new Error("a bug")))).rejects.toThrow("a bug");
    expect(readdirSync(folder)).toEqual([]);
  });

  it("take over a lock whose holder died, or that is hours old", async () => {
    await store.pickUpOr(KEY, async () => ok("1"));
    const [name = ""] = readdirSync(folder);
    store.forget(KEY);
    const lock = join(folder, `${name}.lock`);
    writeFileSync(lock, String(spawnSync(process.execPath, ["--version"]).pid));
    expect(await store.pickUpOr(KEY, async () => ok("2"))).toEqual({ ok: true, value: { task: "2" } });
    store.forget(KEY);
    writeFileSync(lock, String(process.pid));
    utimesSync(lock, 1, 1);
    expect(await store.pickUpOr(KEY, async () => ok("3"))).toEqual({ ok: true, value: { task: "3" } });
  });

  it("are submitted anew when their file is damaged or of something else", async () => {
    await store.pickUpOr(KEY, async () => ok("1"));
    const [name = ""] = readdirSync(folder);
    for (const content of ["", "{", "[]", '{"task":"../x","sha256":"ab"}', '{"task":"5","sha256":"cd"}']) {
      writeFileSync(join(folder, name), content);
      expect(store.recall(KEY)).toBeUndefined();
    }
  });

  it("say what is wrong with a folder that cannot be written", async () => {
    writeFileSync(folder, "a file");
    const answer = await store.pickUpOr(KEY, async () => ok("1"));
    expect(answer).toMatchObject({
      ok: false,
      error: { code: "disk", text: expect.stringContaining("--state") },
    });
  });
});
