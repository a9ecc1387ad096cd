/**
 * What CAPE knows of the files of an analysis: `files.json`, which its result server appends a JSON line a file to,
 * and the `CAPE`, `procdump` and `behavior` parts of report.json (modules/processing/CAPE.py, analyzer, resultserver.py).
 */
import type { ArtefactKind, MemoryHint } from "../batch/memory-hint.ts";
import { type JsonPath, JsonPicker } from "./json-pick.ts";
import {
  addressOf,
  flatten,
  integerOf,
  isObject,
  lastPart,
  listOf,
  objectOf,
  sha256Of,
  textOf,
} from "./json-value.ts";
import { describeHint, type Said, type SaidConfig } from "./sandbox.ts";

/** A file's hint, and CAPE's own word for what it is. */
export interface CapeFact {
  readonly process?: { readonly name?: string; readonly pid?: number };
  readonly base?: bigint;
  readonly what?: string;
  /** Path in the guest of a dropped file. */
  readonly guestPath?: string;
}

/** Fields of `metadata`, in which paths of the guest stand between. */
const SEPARATOR = ";?";

/** First field of the metadata of a payload: its type, as the monitor's cape.h numbers them. */
const TYPES: Readonly<Record<string, string>> = {
  2: "decompressed PE",
  3: "injected PE",
  4: "injected shellcode",
  8: "unpacked PE",
  9: "unpacked shellcode",
};
/** Types that were written into another process, which fields 3 and 4 name. */
const INJECTED = /^[34]$/;
/** Types whose field 3 is the virtual address. */
const UNPACKED = /^[89]$/;

/** The metadata of one line of files.json, with the pids that stand beside it. */
export function factOfMetadata(metadata: string, pids: readonly unknown[] = []): CapeFact {
  const [type = "", processPath = "", , third = "", fourth = ""] = metadata.split(SEPARATOR);
  const pid = pids.length === 1 ? integerOf(pids[0]) : undefined;
  const what = TYPES[type.trim()];
  const kind = what === undefined ? {} : { what };
  if (INJECTED.test(type)) {
    const process = processOf(lastPart(third) || lastPart(processPath), integerOf(fourth) ?? pid);
    return { ...process, ...kind };
  }
  const base = UNPACKED.test(type) ? addressOf(third) : undefined;
  return { ...processOf(lastPart(processPath), pid), ...kind, ...(base === undefined ? {} : { base }) };
}

function processOf(name: string | undefined, pid: number | undefined): Pick<CapeFact, "process"> {
  if ((name === undefined || name === "") && pid === undefined) return {};
  return { process: { ...(name ? { name } : {}), ...(pid === undefined ? {} : { pid }) } };
}

/** Lines of files.json that are read, and bytes of one of them. */
const MAX_LINES = 100_000;
const MAX_LINE = 64 * 1024;

/** Facts by `path`, which is relative to the analysis: `CAPE/<sha256>`. A line that is no JSON is left out. */
export function factsOfFilesJson(text: string): Map<string, CapeFact> {
  const facts = new Map<string, CapeFact>();
  let from = 0;
  for (let line = 0; line < MAX_LINES && from < text.length; line++) {
    const newline = text.indexOf("\n", from);
    const to = newline < 0 ? text.length : newline;
    const entry = to - from <= MAX_LINE ? objectOf(parse(text.slice(from, to))) : {};
    from = to + 1;
    const path = textOf(entry.path);
    if (path === undefined || facts.has(path)) continue;
    const guestPath = textOf(entry.filepath);
    facts.set(path, {
      ...factOfMetadata(textOf(entry.metadata) ?? "", listOf(entry.pids)),
      ...(guestPath === undefined ? {} : { guestPath }),
    });
  }
  return facts;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const REPORT_PATHS: readonly JsonPath[] = [
  ["CAPE", "configs"],
  ["CAPE", "payloads", "*"],
  ["procdump", "*"],
  ["detections"],
  ["malfamily"],
  ["behavior", "processes", "*", "process_id"],
  ["behavior", "processes", "*", "process_name"],
  ["target", "file", "sha256"],
  ["target", "file", "name"],
  ["info", "id"],
  ["dropped", "*", "sha256"],
];

/** What a report.json holds for us. */
export interface CapeReport {
  readonly said: Said;
  /** By SHA-256. */
  readonly facts: ReadonlyMap<string, CapeFact>;
  readonly processes: ReadonlyMap<number, string>;
  readonly sha256?: string;
  readonly name?: string;
  readonly task?: string;
  readonly notes: readonly string[];
}

export const NO_REPORT: CapeReport = {
  said: { families: [], configs: [] },
  facts: new Map(),
  processes: new Map(),
  notes: [],
};

/** Reads a report.json as its bytes come, however large it is. */
export async function readCapeReport(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<CapeReport> {
  const picker = new JsonPicker(REPORT_PATHS);
  for await (const chunk of chunks) if (!picker.take(chunk)) break;
  picker.end();
  const facts = new Map<string, CapeFact>();
  const processes = new Map<number, string>();
  const families = new Set<string>();
  const configs: SaidConfig[] = [];
  const own: { sha256?: string; name?: string; task?: string } = {};
  let pid: number | undefined;
  for (const { path, value } of picker.picked) {
    const [top, , last] = [REPORT_PATHS[path]?.[0], undefined, REPORT_PATHS[path]?.at(-1)];
    if (top === "CAPE" && last === "configs") configs.push(...configsOf(value));
    else if (top === "CAPE" || top === "procdump") addFact(facts, value);
    else if (top === "detections" || top === "malfamily")
      for (const family of familiesOf(value)) families.add(family);
    else if (last === "process_id") pid = integerOf(value);
    else if (last === "process_name" && pid !== undefined) processes.set(pid, textOf(value) ?? "");
    else if (top === "target" && last === "sha256") own.sha256 = sha256Of(value) ?? own.sha256 ?? "";
    else if (top === "target" && last === "name") own.name = textOf(value) ?? "";
    else if (top === "info") own.task = String(value);
  }
  nameProcesses(processes, facts.values());
  if (own.sha256 === "") delete own.sha256;
  if (own.name === "") delete own.name;
  return { said: { families: [...families], configs }, facts, processes, ...own, notes: picker.notes };
}

/** Adds the names that files' facts have for a pid. */
export function nameProcesses(processes: Map<number, string>, facts: Iterable<CapeFact>): void {
  for (const { process } of facts)
    if (process?.pid !== undefined && process.name !== undefined && !processes.has(process.pid))
      processes.set(process.pid, process.name);
}

/** An entry of CAPE.payloads or procdump. */
function addFact(facts: Map<string, CapeFact>, value: unknown): void {
  const entry = objectOf(value);
  const sha256 = sha256Of(entry.sha256);
  if (sha256 === undefined || facts.has(sha256)) return;
  const process = textOf(entry.target_process) ?? textOf(entry.process_name);
  const base = addressOf(entry.virtual_address);
  const what = textOf(entry.cape_type);
  facts.set(sha256, {
    ...processOf(process, integerOf(entry.target_pid) ?? integerOf(entry.pid)),
    ...(base === undefined ? {} : { base }),
    ...(what === undefined ? {} : { what }),
  });
}

/** `[{Family: {field: values}, _associated_…}]`; older versions have one object of families. */
export function configsOf(value: unknown): SaidConfig[] {
  return (Array.isArray(value) ? value : [value]).flatMap((config: unknown) =>
    Object.entries(objectOf(config))
      .filter(([family, fields]) => !family.startsWith("_") && typeof fields === "object")
      .map(([family, fields]) => ({ family, values: flatten(fields) })),
  );
}

/** `detections` is a list of `{family}`, in older versions a text, as `malfamily` is. */
function familiesOf(value: unknown): string[] {
  if (typeof value === "string") return value === "" ? [] : [value];
  return listOf(value).flatMap((entry) =>
    isObject(entry) ? (textOf(entry.family) ?? []) : (textOf(entry) ?? []),
  );
}

/** Folders of an analysis and what is in them; archives of the API use the same names. */
export const CAPE_FOLDERS: Readonly<Record<string, ArtefactKind>> = {
  CAPE: "payload",
  procdump: "procdump",
  memory: "memory",
  files: "dropped",
  selfextracted: "selfextracted",
};

/** A process dump's pid, and the address of a PE that CAPE cut out of one: `4711.dmp`, `4711_0x400000`. */
const MEMORY_NAME = /^(\d{1,10})(?:\.dmp|_((?:0x)?[0-9a-f]{1,16}))$/i;

/** Files beside the dumps that hold no memory. */
export function isByproduct(kind: ArtefactKind, name: string): boolean {
  return kind === "memory" && /\.(?:strings|zip|7z|json)$/i.test(name);
}

/** All that is known of a file, from what CAPE says of it and from its name. */
export function hintOf(
  kind: ArtefactKind,
  name: string,
  fact: CapeFact | undefined,
  processes: ReadonlyMap<number, string>,
): { hint: MemoryHint; description: string } {
  const match = kind === "memory" ? MEMORY_NAME.exec(name) : null;
  const pid = fact?.process?.pid ?? integerOf(match?.[1]);
  const process = fact?.process?.name ?? (pid === undefined ? undefined : processes.get(pid));
  const base = fact?.base ?? addressOf(match?.[2]);
  const hint: MemoryHint = {
    kind,
    ...processOf(process, pid),
    ...(base === undefined ? {} : { base }),
  };
  const dropped =
    kind === "dropped" && fact?.guestPath !== undefined ? `dropped as ${fact.guestPath}` : undefined;
  return { hint, description: dropped ?? describeHint(hint, fact?.what) };
}
