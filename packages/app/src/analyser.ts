/** Core's triage with this platform's hands: native rules, native digests, native PBKDF2, archives by 7-Zip. */
import { hash, pbkdf2Sync } from "node:crypto";
import { useNativeSearch } from "@assay/core/bytes/index";
import { useNativeInflate } from "@assay/core/codecs/inflate";
import { families, familyRules } from "@assay/core/families/index";
import type { ImageHint } from "@assay/core/formats/image";
import { type MemoryImage, openMemory } from "@assay/core/formats/memory/index";
import type { Limits } from "@assay/core/layers/budget";
import { layers } from "@assay/core/layers/index";
import type { Sample } from "@assay/core/model/index";
import { analyse } from "@assay/core/triage/analyse";
import { analyseMemory } from "@assay/core/triage/memory/analyse-memory";
import type { Ports } from "@assay/core/triage/ports";
import type { AnalyseOptions } from "@assay/core/triage/state";
import { unread } from "@assay/core/triage/unread";
import { displayName, type RawPath } from "./batch/collect.ts";
import { type MemoryFlags, type OpenedMemory, withMemory } from "./batch/memory-file.ts";
import type { MemoryHint } from "./batch/memory-hint.ts";
import { MAX_SAMPLE_BYTES, readSample } from "./batch/read.ts";
import { type Facts, factsOf, memoryFacts } from "./facts.ts";
import { nativeInflate } from "./native-inflate.ts";
import { createScanner, type Engine } from "./rules/scanner.ts";

/** What a user may say of how samples are analysed; plain data, since it travels to the analysis processes. */
export interface AnalyserOptions {
  /** Text of the user's own rules. */
  readonly rules?: readonly string[];
  readonly evidence?: boolean;
  readonly allArtifacts?: boolean;
  readonly maxBytes?: number;
  readonly limits?: Limits;
  readonly passwords?: readonly string[];
  readonly engine?: Engine;
  /** Files that nothing else tells are memory. */
  readonly memory?: MemoryFlags;
}

/** What differs from one file to the next: its own passwords, before those of all, and what it is when nothing tells. */
export type OwnOptions = Pick<AnalyserOptions, "passwords" | "memory">;

/** Who wants to know how an analysis goes. */
export type Watch = Pick<AnalyseOptions, "onStage" | "onPartial">;

/** What `assay inspect` shows beside the report. */
export interface Inspected {
  readonly sample: Sample;
  readonly facts: Facts | undefined;
  /** Bytes of the artifacts, by their number in the report, when asked for. */
  readonly bytes: ReadonlyMap<number, Uint8Array>;
}

export interface Analyser {
  inspectFile(
    path: RawPath,
    name: string,
    withBytes: boolean,
    watch?: Watch,
    own?: OwnOptions,
  ): Promise<Inspected>;
  /** `memory`: what is known from outside of a file that was cut out of a process. */
  analyseFile(
    path: RawPath,
    name?: string,
    watch?: Watch,
    memory?: MemoryHint,
    own?: OwnOptions,
  ): Promise<Sample>;
  analyseBytes(bytes: Uint8Array, name: string, watch?: Watch): Promise<Sample>;
}

useNativeSearch((bytes, needle, start) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(needle, start),
);

useNativeInflate(nativeInflate);

export async function createPorts(
  userRules: readonly string[] = [],
  engine: Engine = "auto",
): Promise<Ports> {
  return {
    rules: await createScanner([Object.values(familyRules).join("\n"), ...userRules], engine),
    pbkdf2Sha1: (password, salt, iterations, length) =>
      pbkdf2Sync(password, salt, iterations, length, "sha1"),
    digest: (algorithm, bytes) => hash(algorithm, bytes, "hex"),
    now: () => performance.now(),
    // Loaded with the first archive: its WebAssembly costs more than all else that a start needs.
    openContainer: async (input) => (await import("./containers/open.ts")).openContainer(input),
  };
}

export const kit = { families, layers };

/** Throws RuleError when the user's rules do not compile. */
export async function createAnalyser(options: AnalyserOptions = {}): Promise<Analyser> {
  const { rules, engine, maxBytes, memory: flags = {}, ...analysis } = options;
  const ports = await createPorts(rules, engine);
  const optionsFor = (own: OwnOptions | undefined) =>
    own?.passwords === undefined
      ? analysis
      : { ...analysis, passwords: [...own.passwords, ...(analysis.passwords ?? [])] };
  const analyseBytes: Analyser["analyseBytes"] = (bytes, name, watch) =>
    analyse(bytes, [name], kit, ports, { ...analysis, ...watch });
  const read = (path: RawPath): ReturnType<typeof readSample> =>
    readSample(path, maxBytes ?? MAX_SAMPLE_BYTES);
  return {
    inspectFile: async (path, name, withBytes, watch, own) => {
      const bytes = new Map<number, Uint8Array>();
      const onArtifact = withBytes ? (id: number, own: Uint8Array) => bytes.set(id, own) : undefined;
      const options = {
        ...optionsFor(own),
        allArtifacts: true,
        ...watch,
        ...(onArtifact === undefined ? {} : { onArtifact }),
      };
      const dump = await withMemory(path, name, own?.memory ?? flags, undefined, (opened) =>
        analyseDump(opened, name, undefined, ports, options),
      );
      if (dump !== undefined) {
        const { sample, image } = dump;
        return { sample, facts: image && memoryFacts(image), bytes };
      }
      const content = read(path);
      if (!("bytes" in content)) {
        const sample = unread([name], content.outcome, content.reason, content.known);
        return { sample, facts: undefined, bytes };
      }
      const sample = await analyse(content.bytes, [name], kit, ports, options);
      return { sample, facts: factsOf(content.bytes, ports.rules), bytes };
    },
    analyseBytes,
    analyseFile: async (path, name = displayName(path), watch, memory, own) => {
      watch?.onStage?.("reading");
      const options = { ...optionsFor(own), ...watch };
      const dump = await withMemory(path, name, own?.memory ?? flags, memory, (opened) =>
        analyseDump(opened, name, memory, ports, options),
      );
      if (dump !== undefined) return dump.sample;
      const content = read(path);
      if (!("bytes" in content)) return unread([name], content.outcome, content.reason, content.known);
      const hint = memory === undefined ? {} : { hint: imageHint(memory) };
      return analyse(content.bytes, [name], kit, ports, { ...options, ...hint });
    },
  };
}

/** What a memory image holds, or why it is none after all; then without `image`. */
async function analyseDump(
  { source, hint }: OpenedMemory,
  name: string,
  known: MemoryHint | undefined,
  ports: Ports,
  options: AnalyseOptions,
): Promise<{ readonly sample: Sample; readonly image?: MemoryImage }> {
  options.onStage?.("hashing");
  const file = { sha256: source.sha256(), size: source.size, names: [name] };
  const opened = openMemory(source, hint);
  if (!opened.ok) {
    const { code, field } = opened.error;
    const text = `${hint.kind ?? "memory image"} that cannot be read (${code}: ${field})`;
    return { sample: unread([name], "failed", { stage: "memory", code: "damaged", text }, file) };
  }
  const image = opened.value;
  const of = { ...file, ...(known?.process === undefined ? {} : { process: known.process }) };
  return { sample: await analyseMemory(image, of, kit, ports, options), image };
}

function imageHint({ base, layout }: MemoryHint): ImageHint {
  return {
    ...(base === undefined || base > BigInt(Number.MAX_SAFE_INTEGER) ? {} : { base: Number(base) }),
    ...(layout === undefined ? {} : { layout }),
  };
}
