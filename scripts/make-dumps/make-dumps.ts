/**
 * `npx tsx scripts/make-dumps/make-dumps.ts FOLDER [trimmed]`: builds the harmless programs beside this file, runs them,
 * dumps them while they wait, and writes full dumps to FOLDER and trimmed ones, of the programs' own memory only, to
 * `trimmed`. Needs Debian's gcc, mingw-w64, wine64, mono-mcs and gdb. docs/memory-dumps.md tells the rest.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import {
  allCarriers,
  type DumpRegion,
  writeElfCore,
  writeMinidump,
} from "../../packages/carriers/src/index.ts";
import {
  type MemoryImage,
  type MemoryRegion,
  openMemory,
} from "../../packages/core/src/formats/memory/index.ts";
import { managedSettings, nativeConfigs } from "./configs.ts";

/** What the native programs map, one of each kind of carrier: native code, and .NET without its headers. */
const IMAGES = ["lumma-l3-two.exe", "redline-arguments.exe", "quasar-1.4.exe"];
/** Bytes of a heap that are kept around what was decrypted to it. */
const AROUND = 0x8000;
const PAGE = 0x1000n;
const PROTECTION: Readonly<Record<number, string>> = {
  2: "r--",
  4: "rw-",
  8: "rw-",
  32: "r-x",
  64: "rwx",
  128: "rwx",
};
const TYPE: Readonly<Record<number, "private" | "mapped" | "image">> = {
  131072: "private",
  262144: "mapped",
  16777216: "image",
};
const WINE = "/usr/lib/wine/wine64";

const source = fileURLToPath(new URL("./", import.meta.url));
const [out = "", trimmedOut] = process.argv.slice(2);
if (out === "") throw new Error("usage: make-dumps.ts FOLDER [trimmed]");
const folder = resolve(out);
mkdirSync(folder, { recursive: true });
/** Nothing of the user's own surroundings is to lie in a dump. */
const env = { PATH: "/usr/bin:/bin", WINEDEBUG: "-all", WINEPREFIX: join(folder, "prefix") };
const at = (name: string): string => join(folder, name);

interface Started {
  readonly child: ChildProcess;
  /** What it printed before it was ready. */
  readonly lines: readonly string[];
}

/** Starts a program and waits until it says that it is ready. */
async function start(command: string, args: readonly string[]): Promise<Started> {
  const child = spawn(command, args, { cwd: folder, env, stdio: ["pipe", "pipe", "ignore"] });
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.trim() === "ready") return { child, lines };
    lines.push(line.trim());
  }
  throw new Error(`${command} ended before it was ready: ${lines.join("; ")}`);
}

function imageOf(path: string): MemoryImage {
  const bytes = readFileSync(path);
  const opened = openMemory({
    size: bytes.length,
    read: (offset, length) => bytes.subarray(offset, offset + length),
  });
  if (!opened.ok) throw new Error(`${path}: ${opened.error.code} ${opened.error.field}`);
  return opened.value;
}

/** `image at 0x…`, `string at …`: where the program put things. */
function addresses(lines: readonly string[], what: RegExp): bigint[] {
  return lines.flatMap((line) => {
    const [, word = "", hex = ""] = /^(\w+) at (?:0x)?([0-9a-f]+)$/i.exec(line) ?? [];
    return what.test(word) ? [BigInt(`0x${hex}`)] : [];
  });
}

/** `region BASE SIZE PROTECT TYPE` in hex, from VirtualQuery: wine's minidumps have no MemoryInfoList. */
function told(lines: readonly string[], region: DumpRegion): DumpRegion {
  for (const line of lines) {
    const [word, ...fields] = line.split(" ");
    if (word !== "region") continue;
    const [base = 0n, size = 0n, protect, type] = fields.map((hex) => BigInt(`0x${hex.replace(/^0x/i, "")}`));
    if (region.address < base || region.address >= base + size) continue;
    const protection = PROTECTION[Number(protect)];
    const kind = TYPE[Number(type)];
    return {
      ...region,
      ...(protection === undefined ? {} : { protection }),
      ...(kind === undefined ? {} : { type: kind }),
    };
  }
  throw new Error(`nothing is told of ${region.address.toString(16)}`);
}

/** The regions around `places`: whole where they are small, as of heaps the pages about them. */
function trimmed(image: MemoryImage, places: readonly bigint[]): DumpRegion[] {
  const ranges = new Map<MemoryRegion, { low: number; high: number }>();
  for (const place of places) {
    const region = image.regions.find((r) => place >= r.address && place < r.address + BigInt(r.size));
    if (region === undefined) throw new Error(`no region at ${place.toString(16)}`);
    const inside = Number(place - region.address);
    const range = ranges.get(region) ?? { low: inside, high: inside };
    ranges.set(region, { low: Math.min(range.low, inside), high: Math.max(range.high, inside) });
  }
  return [...ranges].map(([region, { low, high }]) => {
    const whole = region.size <= 4 * AROUND;
    const page = Number(PAGE);
    const start = whole ? 0 : Math.max(0, low - AROUND - ((low - AROUND) % page));
    const end = whole ? region.size : Math.min(region.size, Math.ceil((high + AROUND) / page) * page);
    return {
      address: region.address + BigInt(start),
      bytes: image.source.read(region.offset + start, end - start).slice(),
      ...(region.protection === undefined ? {} : { protection: region.protection }),
      ...(region.type === undefined ? {} : { type: region.type }),
      ...(region.module === undefined ? {} : { module: region.module.replace(/^.*[\\/]/, "") }),
    };
  });
}

function keep(name: string, bytes: Uint8Array): void {
  if (trimmedOut === undefined) return;
  mkdirSync(trimmedOut, { recursive: true });
  writeFileSync(join(trimmedOut, name), bytes);
  console.error(`${name}: ${bytes.length} bytes`);
}

/** By gcore: the kernel's own way of writing a core, with every mapping in it. */
function core(pid: number, name: string): MemoryImage {
  execFileSync("gcore", ["-a", "-o", at("core"), String(pid)], { stdio: "ignore" });
  renameSync(at(`core.${pid}`), at(name));
  console.error(`${name}: ${statSync(at(name)).size} bytes, full`);
  return imageOf(at(name));
}

async function windows(): Promise<void> {
  execFileSync("x86_64-w64-mingw32-gcc", ["-O1", "-s", "-o", at("harmless.exe"), join(source, "harmless.c")]);
  const { child, lines } = await start(WINE, ["harmless.exe", "configs.bin", "windows-full.dmp", ...IMAGES]);
  child.stdin?.end("\n");
  const image = imageOf(at("windows-full.dmp"));
  console.error(`windows-full.dmp: ${image.source.size} bytes, ${image.regions.length} regions`);
  const heap = trimmed(image, addresses(lines, /string|buffer/));
  const mapped = trimmed(image, addresses(lines, /image/));
  const own = image.modules.filter(({ name }) => /harmless\.exe$/i.test(name));
  const program = image.regions.filter(({ module }) => module !== undefined && module === own[0]?.name);
  const code = trimmed(
    image,
    program.map(({ address }) => address),
  ).map((region) => ({ ...region, module: "C:\\harmless.exe" }));
  const regions = [...heap, ...mapped, ...code].map((region) => told(lines, region));
  keep(
    "wine.dmp",
    writeMinidump(sorted(regions), {
      modules: own.map((one) => ({ ...one, name: "C:\\harmless.exe" })),
      ...(image.process?.pid === undefined ? {} : { pid: image.process.pid }),
    }),
  );
}

async function linux(): Promise<void> {
  execFileSync("gcc", ["-O1", "-s", "-o", at("harmless"), join(source, "harmless.c")]);
  const { child, lines } = await start(at("harmless"), ["configs.bin", "-", ...IMAGES]);
  const image = core(child.pid as number, "linux-full.core");
  child.stdin?.end("\n");
  const regions = trimmed(image, addresses(lines, /string|buffer|image/));
  keep("linux.core", writeElfCore(sorted(regions), { pid: child.pid as number, name: "harmless" }));
}

async function mono(): Promise<void> {
  execFileSync("mcs", [`-out:${at("Harmless.exe.net")}`, join(source, "Harmless.cs")]);
  const { child } = await start("mono", [at("Harmless.exe.net"), "settings.bin"]);
  const image = core(child.pid as number, "mono-full.core");
  child.stdin?.end("\n");
  const needle = Buffer.from(managedSettings()[2] as string, "utf16le");
  const places = image.regions.flatMap((region) => {
    const found = Buffer.from(image.source.read(region.offset, region.size)).indexOf(needle);
    return found < 0 || region.protection?.includes("w") !== true ? [] : [region.address + BigInt(found)];
  });
  const regions = trimmed(image, places);
  keep("mono.core", writeElfCore(sorted(regions), { pid: child.pid as number, name: "mono" }));
}

function sorted(regions: readonly DumpRegion[]): DumpRegion[] {
  const seen = new Set<bigint>();
  return [...regions]
    .sort((a, b) => (a.address < b.address ? -1 : 1))
    .filter(({ address }) => !seen.has(address) && seen.add(address));
}

for (const carrier of allCarriers())
  if (IMAGES.includes(carrier.name)) writeFileSync(at(carrier.name), carrier.bytes);
writeFileSync(at("configs.bin"), nativeConfigs());
writeFileSync(
  at("settings.bin"),
  Buffer.concat(managedSettings().map((text) => encrypted(Buffer.from(text)))),
);
await linux();
await mono();
if (existsSync(WINE)) await windows();
else console.error("no wine64: the minidump is left out");

function encrypted(plain: Uint8Array): Uint8Array {
  const record = Buffer.alloc(4 + plain.length);
  record.writeUInt32LE(plain.length);
  plain.forEach((byte, i) => {
    record[4 + i] = byte ^ ((0xa7 + 13 * i) & 0xff);
  });
  return record;
}
