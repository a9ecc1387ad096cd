/** Core's triage with this platform's hands: native rules, native digests, native PBKDF2, archives by 7-Zip. */
import { createHash, pbkdf2Sync } from "node:crypto";
import { families, familyRules } from "@assay/core/families/index";
import type { Limits } from "@assay/core/layers/budget";
import { layers } from "@assay/core/layers/index";
import type { Sample } from "@assay/core/model/index";
import { type AnalyseOptions, analyse } from "@assay/core/triage/analyse";
import type { Ports } from "@assay/core/triage/ports";
import { unread } from "@assay/core/triage/unread";
import { displayName, type RawPath } from "./batch/collect.ts";
import { MAX_SAMPLE_BYTES, readSample } from "./batch/read.ts";
import { type Facts, factsOf } from "./facts.ts";
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
}

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
  inspectFile(path: RawPath, name: string, withBytes: boolean, watch?: Watch): Promise<Inspected>;
  analyseFile(path: RawPath, name?: string, watch?: Watch): Promise<Sample>;
  analyseBytes(bytes: Uint8Array, name: string, watch?: Watch): Promise<Sample>;
}

export async function createPorts(
  userRules: readonly string[] = [],
  engine: Engine = "auto",
): Promise<Ports> {
  return {
    rules: await createScanner([Object.values(familyRules).join("\n"), ...userRules], engine),
    pbkdf2Sha1: (password, salt, iterations, length) =>
      pbkdf2Sync(password, salt, iterations, length, "sha1"),
    digest: (algorithm, bytes) => createHash(algorithm).update(bytes).digest("hex"),
    now: () => performance.now(),
    // Loaded with the first archive: its WebAssembly costs more than all else that a start needs.
    openContainer: async (input) => (await import("./containers/open.ts")).openContainer(input),
  };
}

export const kit = { families, layers };

/** Throws RuleError when the user's rules do not compile. */
export async function createAnalyser(options: AnalyserOptions = {}): Promise<Analyser> {
  const { rules, engine, maxBytes, ...analysis } = options;
  const ports = await createPorts(rules, engine);
  const analyseBytes: Analyser["analyseBytes"] = (bytes, name, watch) =>
    analyse(bytes, [name], kit, ports, { ...analysis, ...watch });
  const read = (path: RawPath): ReturnType<typeof readSample> =>
    readSample(path, maxBytes ?? MAX_SAMPLE_BYTES);
  return {
    inspectFile: async (path, name, withBytes, watch) => {
      const content = read(path);
      const bytes = new Map<number, Uint8Array>();
      if (!("bytes" in content)) {
        return {
          sample: unread([name], content.outcome, content.reason, content.known),
          facts: undefined,
          bytes,
        };
      }
      const onArtifact = withBytes ? (id: number, own: Uint8Array) => bytes.set(id, own) : undefined;
      const options = {
        ...analysis,
        allArtifacts: true,
        ...watch,
        ...(onArtifact === undefined ? {} : { onArtifact }),
      };
      const sample = await analyse(content.bytes, [name], kit, ports, options);
      return { sample, facts: factsOf(content.bytes, ports.rules), bytes };
    },
    analyseBytes,
    analyseFile: async (path, name = displayName(path), watch) => {
      watch?.onStage?.("reading");
      const content = read(path);
      return "bytes" in content
        ? analyseBytes(content.bytes, name, watch)
        : unread([name], content.outcome, content.reason, content.known);
    },
  };
}
