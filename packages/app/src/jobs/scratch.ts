/** Where samples lie while they are analysed: in the clear, so each is gone as soon as it can be. */
import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { attemptIo } from "../batch/io.ts";

const PREFIX = "assay-worker-";
/** A folder that its worker has not touched for so long has none any more. */
const ABANDONED_MS = 10 * 60 * 1000;
const MODE = 0o600;

export class Scratch {
  readonly folder: string;
  readonly #root: string;
  readonly #budget: number;
  #used = 0;
  #next = 0;
  #waiting: (() => void)[] = [];

  /** Files of up to `budget` bytes lie in it at once, or one that is larger. */
  constructor(budget: number, root = tmpdir()) {
    this.#root = root;
    this.#budget = budget;
    this.folder = mkdtempSync(join(root, PREFIX));
  }

  /** Runs `use` on a file of these bytes, which nobody but the owner reads. */
  async with<T>(bytes: Uint8Array, use: (path: string) => Promise<T>): Promise<T> {
    while (this.#used > 0 && this.#used + bytes.length > this.#budget)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#used += bytes.length;
    const path = join(this.folder, String(this.#next++));
    try {
      await writeFile(path, bytes, { mode: MODE, flag: "wx" });
      return await use(path);
    } finally {
      await rm(path, { force: true });
      this.#used -= bytes.length;
      for (const wake of this.#waiting.splice(0)) wake();
    }
  }

  /** Says that its worker lives, and removes what killed ones left. */
  tend(): void {
    const now = Date.now();
    attemptIo(() => utimesSync(this.folder, now / 1000, now / 1000));
    const names = attemptIo(() => readdirSync(this.#root));
    if ("code" in names) return;
    for (const name of names.value) {
      if (!name.startsWith(PREFIX)) continue;
      const path = join(this.#root, name);
      const stats = attemptIo(() => statSync(path));
      if ("value" in stats && now - stats.value.mtimeMs > ABANDONED_MS)
        attemptIo(() => rmSync(path, { recursive: true, force: true }));
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
