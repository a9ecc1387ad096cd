/**
 * 7-Zip (7z-wasm, 7-Zip 24.09) over bytes in memory, in a WebAssembly instance.
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

/** An instance, and who takes what it prints. */
interface Reader {
  readonly module: SevenZipModule;
  readonly sinks: { out: Run["out"]; log: Run["log"] };
  readonly heap: Heap;
  runs: number;
}

/** What is used of the instance itself. */
interface Heap {
  readonly memory: Memory;
  readonly stack: { current(): number; restore(at: number): void };
}

/** Runs after which an instance is not kept: what 7-Zip leaks stays small. */
const MAX_RUNS = 1000;
/** Heap beyond which an instance is not kept, so that a process at rest is small. */
const MAX_IDLE_HEAP = 32 * 1024 * 1024;

/** The instance that the last archive left. One is enough: a process opens one archive at a time. */
let spare: Reader | undefined;

/**
 * 7-Zip over one archive, until `close`. Making an instance costs ten times what a small archive does, and a kept one
 * knows the keys of passwords that it has derived (a 7z has no salt), so the next archive gets the last one's instance,
 * unless that one was stopped, crashed or grew. What is kept is code and heap of a sandbox without files
 * or names; the archive itself is taken out of it.
 */
export class SevenZipSession {
  readonly #input: Uint8Array;
  #reader: Reader | undefined;

  constructor(input: Uint8Array) {
    this.#input = input;
  }

  async run(run: Run): Promise<Exit> {
    this.#reader ??= await this.#start();
    const reader = this.#reader;
    const { module, sinks, heap } = reader;
    if (run.selection !== undefined) module.FS.writeFile(SELECTION_FILE, `${run.selection.join("\n")}\n`);
    sinks.out = run.out;
    sinks.log = run.log;
    reader.runs++;
    // The glue puts the arguments on the stack and leaves them there.
    const top = heap.stack.current();
    const exit = call(module, [...run.args, INPUT]);
    heap.stack.restore(top);
    if (exit !== "ended") this.#reader = undefined;
    return exit;
  }

  /** Gives up the archive; a later run would start over. */
  close(): void {
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader === undefined || reader.runs > MAX_RUNS) return;
    if (reader.heap.memory.buffer.byteLength > MAX_IDLE_HEAP) return;
    reader.module.FS.unlink(INPUT);
    reader.sinks.out = reader.sinks.log = () => false;
    spare = reader;
  }

  async #start(): Promise<Reader> {
    const reader = spare ?? (await instantiate());
    spare = undefined;
    const { FS } = reader.module;
    const file = FS.open(INPUT, "w");
    // Owned, not copied: 7-Zip opens it for reading only.
    FS.write(file, this.#input, 0, this.#input.length, 0, true);
    FS.close(file);
    return reader;
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

async function instantiate(): Promise<Reader> {
  let heap: Heap | undefined;
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
      heap = limitHeap(instance);
      done(instance, module);
      return instance.exports;
    },
  };
  const module = await withoutBinding(() => SevenZip(options));
  if (heap === undefined) throw new Error("7-Zip exports no memory");
  const sinks: Reader["sinks"] = { out: () => true, log: () => true };
  redirect(module, 1, (bytes) => sinks.out(bytes));
  redirect(module, 2, (bytes) => sinks.log(bytes));
  return { module, sinks, heap, runs: 0 };
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
function limitHeap({ exports }: Instance): Heap | undefined {
  const memory = Object.values(exports).find((value): value is Memory => value instanceof wasm.Memory);
  const { emscripten_stack_get_current: current, _emscripten_stack_restore: restore } = exports;
  if (memory === undefined || typeof current !== "function" || typeof restore !== "function")
    return undefined;
  const grow = memory.grow.bind(memory);
  memory.grow = (pages) => {
    if (memory.buffer.byteLength + pages * PAGE > HEAP_LIMIT) throw new RangeError("heap limit");
    return grow(pages);
  };
  return { memory, stack: { current: () => current() as number, restore: (at) => restore(at) } };
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
