/**
 * Files while they arrive: on the disk, hashed in passing, and enciphered with a key that only this process knows, so
 * that no malware lies about in the clear, not even after a crash.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes, randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { attemptIo } from "../batch/io.ts";

const ALGORITHM = "aes-256-ctr";
const MODE = 0o600;
const PREFIX = "assay-upload-";

export interface Spooled {
  readonly sha256: string;
  readonly size: number;
  /** The file itself, in memory. */
  read(): Promise<Uint8Array>;
  drop(): Promise<void>;
}

export class Spool {
  readonly #folder: string;

  /** A folder of its own within `root`; those that processes now gone left behind are removed. */
  constructor(root: string) {
    mkdirSync(root, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(root)) {
      const pid = /^assay-upload-(\d+)-/.exec(name)?.[1];
      if (pid !== undefined && Number(pid) !== process.pid && !isAlive(Number(pid)))
        attemptIo(() => rmSync(join(root, name), { recursive: true, force: true }));
    }
    this.#folder = mkdtempSync(join(root, `${PREFIX}${process.pid}-`));
  }

  /** Takes what comes until it ends. Rejects with what the source fails with; nothing is left then. */
  async take(source: AsyncIterable<Uint8Array>): Promise<Spooled> {
    const path = join(this.#folder, randomUUID());
    const [key, iv] = [randomBytes(32), randomBytes(16)];
    const cipher = createCipheriv(ALGORITHM, key, iv);
    const hash = createHash("sha256");
    let size = 0;
    const drop = () => rm(path, { force: true });
    const file = await open(path, "wx", MODE);
    try {
      for await (const chunk of source) {
        hash.update(chunk);
        size += chunk.length;
        await file.writeFile(cipher.update(chunk));
      }
    } catch (error) {
      await file.close();
      await drop();
      throw error;
    }
    await file.close();
    const read = async () => {
      const decipher = createDecipheriv(ALGORITHM, key, iv);
      return decipher.update(await readFile(path));
    };
    return { sha256: hash.digest("hex"), size, read, drop };
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  const sent = attemptIo(() => process.kill(pid, 0));
  return "value" in sent || sent.text.includes("EPERM");
}
