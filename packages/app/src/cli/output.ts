/** Where output goes: stdout or a file. Progress and logs never mix with it. */
import { writeFileSync, writeSync } from "node:fs";
import { attemptIo } from "../batch/collect.ts";
import { UsageError } from "./options.ts";

/** Writes the whole text, to `file` when given. A reader that closes the pipe early (`| head`) is no error. */
export function emit(text: string, file: string | undefined): void {
  if (file !== undefined) {
    const written = attemptIo(() => writeFileSync(file, text));
    if ("code" in written) throw new UsageError(`${file}: ${written.text}`);
    return;
  }
  const bytes = Buffer.from(text);
  let at = 0;
  while (at < bytes.length) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "EPIPE") return;
      if (code !== "EAGAIN") throw error;
      // A full pipe on a non-blocking stdout: wait a moment for its reader.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

/** JSON for people and programs: two spaces, a newline at the end. */
export function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
