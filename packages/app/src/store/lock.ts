/**
 * One process at a time for a folder. Each that wants it writes a file of its own, `lock-<host>-<pid>-<start>`, and
 * then looks for others': of two that begin at once at least one sees the other, so that both may be refused but
 * never both let in. A file whose process is gone, or whose number another process has since been given (its start
 * time differs), is removed.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { attemptIo } from "../batch/io.ts";
import { CorpusError } from "./errors.ts";

export interface Lock {
  release(): void;
}

interface Holder {
  readonly host: string;
  readonly pid: number;
  /** Clock ticks from boot to the start of the process, and which boot; empty where the system does not tell. */
  readonly started: string;
  readonly since: string;
  readonly command: string;
}

/** Two that begin at once and see each other try again after a pause that differs. */
const TRIES = 3;
const PAUSE_MS = 30;
/** Locks of this process, so that it does not take its own for another's. */
const held = new Set<string>();

/** Rejects with CorpusError, which says who has it and since when. */
export async function lockFolder(folder: string): Promise<Lock> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (let left = TRIES; ; left--) {
    const file = join(folder, `lock-${process.pid}-${randomBytes(4).toString("hex")}`);
    claim(file);
    const other = otherHolder(folder, file);
    if (other === undefined) return { release: () => drop(file) };
    drop(file);
    if (left <= 1) throw new CorpusError(message(folder, other));
    await sleep(PAUSE_MS * (1 + Math.random()));
  }
}

function claim(file: string): void {
  const holder: Holder = {
    host: hostname(),
    pid: process.pid,
    started: startOf(process.pid) ?? "",
    since: new Date().toISOString(),
    command: process.argv.slice(2, 4).join(" "),
  };
  const draft = `${file}.draft`;
  writeFileSync(draft, JSON.stringify(holder), { mode: 0o600 });
  renameSync(draft, file);
  held.add(file);
}

function drop(file: string): void {
  held.delete(file);
  rmSync(file, { force: true });
}

/** Another that lives, or may; files of those that do not are removed. */
function otherHolder(
  folder: string,
  own: string,
): { readonly file: string; readonly holder: Holder } | undefined {
  for (const name of readdirSync(folder)) {
    if (!/^lock-\d+-[0-9a-f]{8}$/.test(name)) continue;
    const file = join(folder, name);
    if (file === own) continue;
    const holder = read(file);
    if (holder === undefined) continue;
    if (held.has(file) || isAlive(holder)) return { file, holder };
    rmSync(file, { force: true });
  }
  return undefined;
}

/** Undefined when it is gone meanwhile. What cannot be read as a holder counts as one that nobody can ask. */
function read(file: string): Holder | undefined {
  const text = attemptIo(() => readFileSync(file, "utf8"));
  if ("code" in text) return undefined;
  try {
    return JSON.parse(text.value) as Holder;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { host: "", pid: 0, started: "", since: "", command: "" };
  }
}

function isAlive(holder: Holder): boolean {
  // Nobody can ask another machine's processes.
  if (holder.host !== hostname()) return true;
  const started = startOf(holder.pid);
  return started !== undefined && (started === "" || holder.started === "" || started === holder.started);
}

/**
 * When a process began, as text to compare; empty when the system does not say (no /proc) but the process is there,
 * undefined when it is not.
 */
function startOf(pid: number): string | undefined {
  const boot = attemptIo(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
  const stat = attemptIo(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  if ("value" in boot && "value" in stat) {
    // proc(5): the command in brackets may hold blanks; the start time is field 22, the 20th behind it.
    const fields = stat.value.slice(stat.value.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : `${boot.value} ${fields[19] ?? ""}`;
  }
  return "value" in boot ? undefined : signalled(pid);
}

function signalled(pid: number): "" | undefined {
  const sent = attemptIo(() => process.kill(pid, 0));
  return "value" in sent || sent.text.includes("EPERM") ? "" : undefined;
}

function message(
  folder: string,
  { file, holder }: { readonly file: string; readonly holder: Holder },
): string {
  const command = holder.command === "" ? "" : ` (assay ${holder.command})`;
  const where = holder.host === hostname() ? "" : ` on ${holder.host || "an unknown host"}`;
  const hint = where === "" ? "" : `; if it is gone for good, delete ${file}`;
  return `the corpus ${folder} is in use by process ${holder.pid}${where}${command} since ${holder.since}${hint}. One process at a time has a folder; with DATABASE_URL many share a server`;
}
