/**
 * 7-Zip (7z-wasm, 7-Zip 24.09) over bytes in memory: a WebAssembly instance for each archive, dropped afterwards.
 *
 * Nothing in it reaches the machine: its files are emscripten's MEMFS, NODEFS is never mounted, stdin is at its end,
 * and members leave through standard output, so that no name in an archive is ever a name of a file.
 */
import { constants, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import SevenZip, { type FSStream, type SevenZipModule, type SevenZipModuleOptions } from "7z-wasm";

/** Heap of one run. LZMA dictionaries are the large part of it: 64 MiB in 7-Zip's own "ultra". */
export const HEAP_LIMIT = 384 * 1024 * 1024;

const PAGE = 65_536;
const INPUT = "/in";
/** Where the selection lies, for `-i@`. */
export const SELECTION_FILE = "/selection";

export type Exit =
  /** 7-Zip came to its end; it may have met errors. */
  | "ended"
  /** A sink had enough. */
  | "stopped"
  /** 7-Zip threw out of its own code: its catch blocks are not compiled in, so badly damaged input ends it. */
  | "crashed";

export interface Run {
  /** Command and switches, without the archive. */
  readonly args: readonly string[];
  /** Wildcards of names, for `-i@` followed by SELECTION_FILE. */
  readonly selection?: readonly string[];
  /** Takes standard output as it comes; the bytes are only valid during the call. False stops the run. */
  readonly out: (bytes: Uint8Array) => boolean;
  /** Takes standard error likewise. 7-Zip writes it unbuffered, so it is in step with standard output. */
  readonly log: (bytes: Uint8Array) => boolean;
}

/** Thrown through 7-Zip by a sink; emscripten hands on whatever is not its own error. */
class Stop extends Error {}

/** The part of WebAssembly's JavaScript interface that is used; without the DOM's types nothing declares it. */
interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}
interface Instance {
  readonly exports: Readonly<Record<string, unknown>>;
}
interface Wasm {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => Instance;
  readonly Memory: new (...never: never[]) => Memory;
  readonly RuntimeError: new (...never: never[]) => Error;
}
const wasm = (globalThis as unknown as { readonly WebAssembly: Wasm }).WebAssembly;

/** What the package's own types leave out. */
interface Options extends Partial<SevenZipModuleOptions> {
  instantiateWasm(imports: object, done: (instance: Instance, module: object) => void): object;
}

interface Devices {
  readonly streams: (FSStream | null)[];
  makedev(major: number, minor: number): number;
  registerDevice(device: number, operations: object): void;
}

let compiled: object | undefined;

/** Compiled once a process; instances share nothing but the code. */
function wasmModule(): object {
  compiled ??= new wasm.Module(readFileSync(createRequire(import.meta.url).resolve("7z-wasm/7zz.wasm")));
  return compiled;
}

/**
 * 7-Zip over one archive. Runs share an instance, whose key cache saves the second derivation of a password's key;
 * a run that is stopped or crashes takes its instance with it.
 */
export class SevenZipSession {
  readonly #input: Uint8Array;
  #module: SevenZipModule | undefined;
  #out: Run["out"] = () => true;
  #log: Run["log"] = () => true;

  constructor(input: Uint8Array) {
    this.#input = input;
  }

  async run(run: Run): Promise<Exit> {
    this.#module ??= await this.#start();
    const module = this.#module;
    if (run.selection !== undefined) module.FS.writeFile(SELECTION_FILE, `${run.selection.join("\n")}\n`);
    this.#out = run.out;
    this.#log = run.log;
    const exit = call(module, [...run.args, INPUT]);
    if (exit !== "ended") this.#module = undefined;
    return exit;
  }

  async #start(): Promise<SevenZipModule> {
    const module = await instantiate();
    const { FS } = module;
    const file = FS.open(INPUT, "w");
    // Owned, not copied: 7-Zip opens it for reading only.
    FS.write(file, this.#input, 0, this.#input.length, 0, true);
    FS.close(file);
    redirect(module, 1, (bytes) => this.#out(bytes));
    redirect(module, 2, (bytes) => this.#log(bytes));
    return module;
  }
}

function call(module: SevenZipModule, args: string[]): Exit {
  const exitCode = process.exitCode;
  try {
    module.callMain(args);
    return "ended";
  } catch (error) {
    if (error instanceof Stop) return "stopped";
    // A C++ exception arrives as a number, a trap as a RuntimeError, a failed allocation in the glue as a RangeError.
    if (typeof error === "number" || error instanceof wasm.RuntimeError || error instanceof RangeError)
      return "crashed";
    if (isExit(error)) return "ended";
    throw error;
  } finally {
    process.exitCode = exitCode;
  }
}

function instantiate(): Promise<SevenZipModule> {
  const options: Options = {
    stdin: () => null as unknown as number,
    print: () => {},
    printErr: () => {},
    quit: (_code, status) => {
      throw status;
    },
    instantiateWasm: (imports, done) => {
      const module = wasmModule();
      const instance = new wasm.Instance(module, imports);
      limitHeap(instance);
      done(instance, module);
      return instance.exports;
    },
  };
  return withoutBinding(() => SevenZip(options));
}

/**
 * The glue asks node's retired `process.binding` for the flags of open(2), for the NODEFS that is never mounted. Node's
 * permission model denies that one to an analysis process; the same numbers are public elsewhere.
 */
function withoutBinding<T>(start: () => T): T {
  const own = Object.getOwnPropertyDescriptor(process, "binding");
  Object.defineProperty(process, "binding", { configurable: true, value: () => ({ fs: constants }) });
  try {
    return start();
  } finally {
    if (own === undefined) Reflect.deleteProperty(process, "binding");
    else Object.defineProperty(process, "binding", own);
  }
}

/** Past the limit growing fails as it does when memory has run out, and 7-Zip says that it cannot allocate. */
function limitHeap(instance: Instance): void {
  for (const memory of Object.values(instance.exports)) {
    if (!(memory instanceof wasm.Memory)) continue;
    const grow = memory.grow.bind(memory);
    memory.grow = (pages) => {
      if (memory.buffer.byteLength + pages * PAGE > HEAP_LIMIT) throw new RangeError("heap limit");
      return grow(pages);
    };
  }
}

/** Replaces one of the standard streams by a device of ours. */
function redirect({ FS }: SevenZipModule, fd: number, sink: (bytes: Uint8Array) => boolean): void {
  const devices = FS as unknown as Devices;
  const device = devices.makedev(64, fd);
  devices.registerDevice(device, {
    open: () => {},
    close: () => {},
    read: () => 0,
    write: (_stream: FSStream, buffer: Int8Array, offset: number, length: number): number => {
      if (length > 0 && !sink(new Uint8Array(buffer.buffer, buffer.byteOffset + offset, length)))
        throw new Stop();
      return length;
    },
  });
  const path = `/dev/sink${fd}`;
  FS.mkdev(path, 0o666, device);
  const standard = devices.streams[fd];
  if (standard) FS.close(standard);
  const opened = FS.open(path, "w");
  if (devices.streams[fd] !== opened) throw new Error(`stream ${fd} was not replaced`);
}

function isExit(error: unknown): boolean {
  return typeof error === "object" && error !== null && "status" in error;
}
