import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FolderBlobs } from "./blobs.ts";
import { check } from "./check.ts";
import { openCorpus } from "./corpus.ts";
import { CorpusError } from "./errors.ts";
import { lockFolder } from "./lock.ts";
import { pivot } from "./pivot.ts";
import { sha256Of } from "./testing/samples.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "assay-lock-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const locks = () => readdirSync(folder).filter((name) => name.startsWith("lock-"));
const holder = (pid: number, more: object = {}) =>
  writeFileSync(
    join(folder, "lock-1-00000000"),
    JSON.stringify({ host: hostname(), pid, started: "", since: "2026-01-01", command: "triage", ...more }),
  );

describe("the lock of a folder", () => {
  it("refuses the second, tells who has it, and lets the next in when it is released", async () => {
    const first = await lockFolder(folder);
    await expect(lockFolder(folder)).rejects.toThrow(
      new RegExp(`${folder} is in use by process ${process.pid}.*since 20`),
    );
    first.release();
    expect(locks()).toEqual([]);
    (await lockFolder(folder)).release();
  });

  it("never lets two in at once, whoever begins when", async () => {
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(folder)));
    expect(results.filter(({ status }) => status === "fulfilled").length).toBeLessThanOrEqual(1);
    expect(locks().length).toBeLessThanOrEqual(1);
  });

  it("takes over from a process that is gone, or whose number another has now", async () => {
    const gone = spawnSync(process.execPath, ["-e", ""]).pid;
    holder(gone);
    (await lockFolder(folder)).release();
    // This process lives, but began at another time than the holder did.
    holder(process.pid, { started: "another-boot 1" });
    if (existsSync("/proc/self/stat")) (await lockFolder(folder)).release();
    expect(locks()).toHaveLength(existsSync("/proc/self/stat") ? 0 : 1);
  });

  it("leaves alone what it cannot judge: a holder on another machine, or one that cannot be read", async () => {
    holder(1, { host: "elsewhere.example" });
    await expect(lockFolder(folder)).rejects.toThrow(/on elsewhere\.example.*delete .*lock-1-00000000/);
    writeFileSync(join(folder, "lock-1-00000000"), "no JSON");
    await expect(lockFolder(folder)).rejects.toThrow(CorpusError);
  });
});

describe("a writer that is killed", () => {
  it("loses nothing that it said was stored, and its folder opens again", async () => {
    const writer = fileURLToPath(new URL("testing/writer.ts", import.meta.url));
    const acknowledged: string[] = [];
    for (let round = 0; round < 2; round++) {
      const child = spawn(process.execPath, ["--import", "tsx", writer, folder, `r${round}`], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const ended = new Promise((resolve) => child.once("exit", resolve));
      let text = "";
      child.stdout.setEncoding("utf8");
      child.stdout.on("data", (part: string) => {
        text += part;
        // In the middle of its work: the writer never stops by itself.
        if (text.split("\n").length > 6 * (round + 1)) child.kill("SIGKILL");
      });
      await ended;
      expect(child.signalCode).toBe("SIGKILL");
      acknowledged.push(...text.split("\n").slice(0, -1));
    }
    expect(acknowledged.length).toBeGreaterThan(10);
    const corpus = await openCorpus({ folder });
    try {
      for (const name of acknowledged) {
        expect((await pivot(corpus.db, `${name}.example`, { limit: 1, next: 1 })).total, name).toBe(1);
        expect(await corpus.blobs?.get(sha256Of(name))).toMatchObject({ status: "ok" });
      }
      expect((await check(corpus)).problems.filter(({ damage }) => damage)).toEqual([]);
    } finally {
      await corpus.close();
    }
  }, 120_000);
});

describe("blobs in a folder", () => {
  it("are there under their hash, sealed, and tell when they are not what they were", async () => {
    const blobs = new FolderBlobs(folder);
    const bytes = Buffer.from("MZ not really");
    const wrong = "6f".repeat(32);
    expect(await blobs.get(wrong)).toEqual({ status: "missing" });
    await blobs.put(wrong, bytes);
    expect(await blobs.get(wrong)).toMatchObject({
      status: "corrupt",
      text: expect.stringContaining("another file"),
    });
    const own = sha256Of("MZ not really");
    await blobs.put(own, bytes);
    expect(await blobs.get(own)).toEqual({ status: "ok", bytes: new Uint8Array(bytes) });
    expect(blobs.pathOf(own)).toBe(join(folder, own.slice(0, 2), own.slice(2, 4), `${own}.cart`));
    const kept: string[] = [];
    for await (const hash of blobs.list()) kept.push(hash);
    expect(kept.sort()).toEqual([own, wrong].sort());
    writeFileSync(blobs.pathOf(own), "MZ");
    expect(await blobs.get(own)).toMatchObject({
      status: "corrupt",
      text: expect.stringContaining("no CaRT"),
    });
  });
});
