/**
 * What pe-sieve leaves of one process, and hollows_hunter in `process_<pid>` for each (hasherezade/pe-sieve,
 * postprocessors/results_dumper.cpp, dump_report.cpp): `<base>.<name>` or `<base>.exe|dll|shc`, base in hex, with
 * dump_report.json and scan_report.json beside them.
 */
import type { FileInput } from "../batch/collect.ts";
import type { MemoryHint } from "../batch/memory-hint.ts";
import { Inside, type InsideFile } from "./inside.ts";
import { addressOf, integerOf, lastPart, listOf, objectOf, textOf } from "./json-value.ts";

const MAX_REPORT = 64 * 1024 * 1024;
/** What is no memory: lists of hooks and imports, and the reports. */
const BYPRODUCT = /\.(?:tag|txt|json|log)$/i;

/** How `dump_mode` names the form that a module was written in. */
const LAYOUTS: Readonly<Record<string, MemoryHint["layout"]>> = {
  VIRTUAL: "mapped",
  UNMAPPED: "file",
  REALIGNED: "file",
};

/** The dumps of one process, each with what the reports say of it. Reports may be missing, or lie. */
export function readPeSieveFolder(path: string): FileInput[] {
  const inside = Inside.open(path);
  if (inside === undefined) return [];
  const dumped = objectOf(inside.json("dump_report.json", MAX_REPORT));
  const scanned = objectOf(inside.json("scan_report.json", MAX_REPORT));
  const pid =
    integerOf(dumped.pid) ??
    integerOf(scanned.pid) ??
    integerOf(/^process_(\d+)$/.exec(lastPart(inside.root))?.[1]);
  const image = textOf(scanned.main_image_path);
  const process = {
    ...(image === undefined ? {} : { name: lastPart(image) }),
    ...(pid === undefined ? {} : { pid }),
  };
  const known = new Map(
    listOf(dumped.dumps)
      .map(objectOf)
      .map((dump) => [lastPart(textOf(dump.dump_file) ?? ""), dump] as const),
  );
  const minidump = lastPart(textOf(dumped.minidump_path) ?? "");
  return inside
    .files("")
    .filter(({ name, size }) => size > 0 && !BYPRODUCT.test(name))
    .flatMap((file) => inputOf(path, file, known.get(file.name), process, minidump) ?? []);
}

function inputOf(
  folder: string,
  file: InsideFile,
  dump: Readonly<Record<string, unknown>> | undefined,
  process: MemoryHint["process"] & object,
  minidump: string,
): FileInput | undefined {
  const input = {
    kind: "file",
    path: Buffer.from(file.path),
    name: `${folder}/${file.name}`,
    size: file.size,
  } as const;
  const owner = Object.keys(process).length === 0 ? {} : { process };
  if (file.name === minidump || /\.dmp$/i.test(file.name))
    return { ...input, memory: { kind: "memory", ...owner } };
  // The address in the report, then that in the name; a file with neither was not written by pe-sieve.
  const base =
    addressOf(dump?.dump_base) ??
    addressOf(dump?.module) ??
    addressOf(/^([0-9a-f]{1,16})\./i.exec(file.name)?.[1]);
  if (base === undefined) return undefined;
  const shellcode = dump?.is_shellcode === 1 || /\.shc$/i.test(file.name);
  const layout = shellcode ? ("raw" as const) : LAYOUTS[textOf(dump?.dump_mode) ?? ""];
  return {
    ...input,
    memory: { kind: "payload", ...owner, base, ...(layout === undefined ? {} : { layout }) },
  };
}
