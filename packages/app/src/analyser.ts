/** Core's triage with this platform's hands: native rules, native digests, native PBKDF2. */
import { createHash, pbkdf2Sync } from "node:crypto";
import { families, familyRules } from "@assay/core/families/index";
import type { Sample } from "@assay/core/model/index";
import { analyse, unread } from "@assay/core/triage/analyse";
import type { Ports } from "@assay/core/triage/ports";
import { displayName, type RawPath } from "./batch/collect.ts";
import { MAX_SAMPLE_BYTES, readSample } from "./batch/read.ts";
import { createScanner, type Engine } from "./rules/scanner.ts";

export interface AnalyserOptions {
  /** Text of the user's own rules. */
  readonly rules?: readonly string[];
  readonly evidence?: boolean;
  readonly maxBytes?: number;
  readonly engine?: Engine;
}

export interface Analyser {
  analyseFile(path: RawPath, name?: string): Sample;
  analyseBytes(bytes: Uint8Array, name: string): Sample;
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
  };
}

/** Throws RuleError when the user's rules do not compile. */
export async function createAnalyser(options: AnalyserOptions = {}): Promise<Analyser> {
  const ports = await createPorts(options.rules, options.engine);
  const analyseBytes = (bytes: Uint8Array, name: string): Sample =>
    analyse(bytes, [name], families, ports, { evidence: options.evidence ?? false });
  return {
    analyseBytes,
    analyseFile: (path, name = displayName(path)) => {
      const read = readSample(path, options.maxBytes ?? MAX_SAMPLE_BYTES);
      return "bytes" in read
        ? analyseBytes(read.bytes, name)
        : unread([name], read.outcome, read.reason, read.known);
    },
  };
}
