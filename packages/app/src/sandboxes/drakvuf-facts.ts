/** What DRAKVUF Sandbox knows of its dumps: metadata.json and report.json (CERT-Polska/drakvuf-sandbox, process_dumps.py). */
import type { MemoryHint } from "../batch/memory-hint.ts";
import { addressOf, integerOf, lastPart, listOf, objectOf, sha256Of, textOf } from "./json-value.ts";

export interface DrakvufFacts {
  /** Hints by the dump's file name without folders. */
  readonly dumps: ReadonlyMap<string, Omit<MemoryHint, "kind">>;
  readonly sha256?: string;
  readonly name?: string;
}

/** Either may be missing: `dumps_metadata` of the first has bases, `memdumps` of the second processes too. */
export function drakvufFacts(metadata: unknown, report: unknown): DrakvufFacts {
  const dumps = new Map<string, Omit<MemoryHint, "kind">>();
  for (const entry of listOf(objectOf(metadata).dumps_metadata).map(objectOf)) {
    const name = textOf(entry.filename);
    const base = addressOf(entry.base_address);
    if (name !== undefined) dumps.set(lastPart(name), base === undefined ? {} : { base });
  }
  const processes = new Map<number, { readonly name?: string; readonly pid?: number }>();
  for (const entry of listOf(objectOf(report).processes).map(objectOf)) {
    const seqid = integerOf(entry.seqid);
    const path = textOf(entry.procname);
    const pid = integerOf(entry.pid);
    if (seqid === undefined) continue;
    processes.set(seqid, {
      ...(path === undefined ? {} : { name: lastPart(path) }),
      ...(pid === undefined ? {} : { pid }),
    });
  }
  for (const group of listOf(objectOf(report).memdumps).map(objectOf))
    for (const dump of listOf(group.dumps).map(objectOf)) {
      const name = textOf(dump.filename);
      const process = processes.get(integerOf(group.process_seqid) ?? -1);
      const base = addressOf(dump.address);
      if (name === undefined) continue;
      dumps.set(lastPart(name), {
        ...(base === undefined ? {} : { base }),
        ...dumps.get(lastPart(name)),
        ...(process === undefined ? {} : { process }),
      });
    }
  const file = objectOf(objectOf(metadata).file);
  const sha256 = sha256Of(file.sha256);
  const name = textOf(file.name);
  return { dumps, ...(sha256 === undefined ? {} : { sha256 }), ...(name === undefined ? {} : { name }) };
}

/** Names of dumps start with their address: `400000_1a2b3c4d5e6f7081`. */
export function drakvufHint(name: string, facts: DrakvufFacts): MemoryHint {
  const known = facts.dumps.get(name);
  const base = known?.base ?? addressOf(/^([0-9a-f]{3,16})_/i.exec(name)?.[1]);
  return { kind: "memory", ...known, ...(base === undefined ? {} : { base }) };
}

/** DRAKVUF writes a .metadata file beside each dump. */
export function isDump(name: string): boolean {
  return name !== "" && !/\.(?:metadata|json|log|txt)$/i.test(name);
}
