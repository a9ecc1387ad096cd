/**
 * How an analysis process is kept from doing harm, should a sample ever take it over. What each system offers:
 *
 * - Linux: a network namespace of its own without any interface (`unshare -rn`), a cap on its data (`prlimit --data`;
 *   an address-space cap would break WebAssembly), and Node's permission model.
 * - Everywhere: Node's permission model: it reads the program's own files and the batch's paths and nothing else, and
 *   writes nothing, starts no process and no thread. The parent's deadline and SIGKILL.
 *
 * Wrappers that the system lacks or forbids are left out: `describeSandbox` says what is in force.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import { attemptIo } from "../batch/collect.ts";

export interface SandboxOptions {
  /** Files and folders whose content it may read. */
  readonly readable: readonly string[];
  readonly memory: number;
}

/** Megabytes of half the young generation. V8 lets it grow to 16 and never gives them back to the system. */
const SEMI_SPACE = 8;

export interface Wrapped {
  readonly command: string;
  readonly args: readonly string[];
}

/** The command line that runs `program` (a JavaScript file) under all that this system offers. */
export function wrap(program: string, options: SandboxOptions): Wrapped {
  const node = [
    process.execPath,
    ...permissionFlags(program, options.readable),
    `--max-semi-space-size=${SEMI_SPACE}`,
    "--no-warnings",
    program,
  ];
  const { capped, alone: isAlone } = wrappers();
  const limited = capped
    ? ["prlimit", `--data=${Math.floor(options.memory) + reservedData()}`, ...node]
    : node;
  const alone = isAlone ? ["unshare", "-rn", ...limited] : limited;
  const [command = process.execPath, ...args] = alone;
  return { command, args };
}

/**
 * Bytes that Node maps for data and never touches, as this process shows: some 50 MB of Node 20, 500 MB of Node 24, whose
 * V8 reserves its pointer tables. The system counts them against the cap, which is meant for samples.
 */
function reservedData(): number {
  const status = attemptIo(() => readFileSync("/proc/self/status", "latin1"));
  if (!("value" in status)) return 0;
  const [mapped = 0, used = 0] = ["VmData", "RssAnon"].map((field) =>
    Number(new RegExp(`^${field}:\\s*(\\d+) kB`, "m").exec(status.value)?.[1] ?? 0),
  );
  return Math.max(0, mapped - used) * 1024;
}

/** What is in force on this system, for people. */
export function describeSandbox(): string[] {
  const { capped, alone } = wrappers();
  return [
    `network: ${alone ? "none (network namespace)" : "not cut off on this system"}`,
    `memory: ${capped ? "capped (prlimit)" : "not capped on this system"}`,
    "files: only its own program and the batch's paths, read only; no child processes (Node permission model)",
  ];
}

interface Wrappers {
  readonly capped: boolean;
  readonly alone: boolean;
}

const PRLIMIT: readonly string[] = ["prlimit", "--data=1073741824"];
const UNSHARE: readonly string[] = ["unshare", "-rn"];

let known: Wrappers | undefined;

/** Which wrappers exist and are allowed here. Asked once: for both together first, since every start waits for it. */
function wrappers(): Wrappers {
  if (known === undefined) {
    const all = works(...UNSHARE, ...PRLIMIT);
    known = { capped: all || works(...PRLIMIT), alone: all || works(...UNSHARE) };
  }
  return known;
}

function works(...wrapper: readonly string[]): boolean {
  if (process.platform !== "linux") return false;
  const [command = "true", ...args] = wrapper;
  return spawnSync(command, [...args, "true"], { stdio: "ignore" }).status === 0;
}

/** `--permission` came with 22.13 and 23.5; before, it bears the experiment's name. */
function permissionFlags(program: string, readable: readonly string[]): string[] {
  const flag = process.allowedNodeEnvironmentFlags.has("--permission")
    ? "--permission"
    : "--experimental-permission";
  return [
    flag,
    "--allow-addons",
    ...[...ownFolders(program), ...readable.map(real)].map((path) => `--allow-fs-read=${path}`),
  ];
}

/** The bundle's folder, and the packages with native or WebAssembly parts, wherever npm put them. */
function ownFolders(program: string): string[] {
  const modules = attemptIo(() =>
    dirname(dirname(createRequire(import.meta.url).resolve("@virustotal/yara-x/package.json"))),
  );
  const manifests = resolve(dirname(program), "..");
  return [manifests, ...("value" in modules ? [dirname(modules.value)] : [])];
}

function real(path: string): string {
  const resolved = attemptIo(() => realpathSync(path));
  return "value" in resolved ? resolved.value : resolve(path);
}
