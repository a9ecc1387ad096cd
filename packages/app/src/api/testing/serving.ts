/** The command's own server, as a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const COMMAND = fileURLToPath(new URL("../../../bin/assay.cjs", import.meta.url));
const START_MS = 120_000;

export interface Serving {
  readonly child: ChildProcess;
  readonly url: string;
}

export interface ServingOptions {
  /** Default 0: one that is free. */
  readonly port?: number;
  readonly jobs: number;
  /** Of PostgreSQL; without one the corpus has its own. */
  readonly database?: string;
}

/** `assay serve` on a corpus, without limits on how often it is asked; throws when it does not come up. */
export async function startServing(
  corpus: string,
  { port = 0, jobs, database = "" }: ServingOptions,
): Promise<Serving> {
  const flags = Object.entries({ corpus, port, jobs, rate: 1_000_000, log: "error" }).flatMap(
    ([name, value]) => [`--${name}`, String(value)],
  );
  const child = spawn(process.execPath, [COMMAND, "serve", ...flags], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, DATABASE_URL: database },
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  for (const end = Date.now() + START_MS; Date.now() < end && child.exitCode === null; await sleep(20)) {
    const [, url] = /^assay: serving on (\S+)$/m.exec(said) ?? [];
    if (url !== undefined) return { child, url };
  }
  child.kill("SIGKILL");
  throw new Error(`the server did not start: ${said}`);
}
