/** Flags that several commands share, and how they become values. */
import { readFileSync } from "node:fs";
import { DEFAULT_LIMITS } from "@assay/core/layers/budget";
import { type Command, InvalidArgumentError, Option } from "commander";
import { attemptIo } from "../batch/collect.ts";
import { MAX_SAMPLE_BYTES } from "../batch/read.ts";
import { DEFAULT_MEMORY } from "../pool/memory.ts";
import type { PoolOptions } from "../pool/pool.ts";

/** Seconds that one sample may take. */
export const DEFAULT_TIMEOUT_S = 60;

export interface CommonFlags {
  readonly json?: boolean;
  readonly out?: string;
  readonly color: boolean;
  readonly evidence?: boolean;
  readonly rules: string[];
  readonly timeout: number;
  readonly jobs?: number;
  readonly maxSize: number;
  readonly password: string[];
  readonly stageTimeout?: number;
  readonly memory: number;
  readonly dump?: "raw" | "region";
  readonly base?: bigint;
  readonly maxDepth: number;
  readonly maxArtifacts: number;
  readonly maxUnpacked: number;
  readonly maxRatio: number;
}

/** What `--timeout` is about, where it is not the analysis of one sample. */
export interface TimeoutFlag {
  readonly seconds: number;
  readonly what: string;
}

const SAMPLE_TIMEOUT: TimeoutFlag = { seconds: DEFAULT_TIMEOUT_S, what: "time that one sample may take" };

export function withCommonFlags(command: Command, timeout: TimeoutFlag = SAMPLE_TIMEOUT): Command {
  return command
    .option("--json", "print the report as JSON on stdout and nothing else")
    .option("--out <file>", "write the output to FILE instead of stdout")
    .option("--no-color", "no colours")
    .option("--evidence", "embed the bytes behind every value in the JSON report")
    .option("--rules <file>", "further YARA rules (repeatable)", repeat, [])
    .option("--timeout <seconds>", timeout.what, positive, timeout.seconds)
    .option("--jobs <n>", "analysis processes (default: one a core)", positiveInteger)
    .option("--password <password>", "for archives, tried before the usual ones (repeatable)", repeat, [])
    .option(
      "--stage-timeout <seconds>",
      "time that one layer of one sample may take (default: the sample's)",
      positive,
    )
    .option("--memory <bytes>", "data that one analysis process may hold", size, DEFAULT_MEMORY)
    .option(
      "--max-size <bytes>",
      "larger files are hashed but not analysed (k, M, G allowed)",
      size,
      MAX_SAMPLE_BYTES,
    )
    .addOption(
      new Option(
        "--dump <kind>",
        "take files for memory: raw (of a whole machine) or a region of a process",
      ).choices(["raw", "region"]),
    )
    .option("--base <address>", "address of a region's first byte, in hex", address)
    .option("--max-depth <n>", "layers within layers", positiveInteger, DEFAULT_LIMITS.depth)
    .option("--max-artifacts <n>", "inner artifacts of one sample", positiveInteger, DEFAULT_LIMITS.artifacts)
    .option("--max-unpacked <bytes>", "bytes unpacked from one sample", size, DEFAULT_LIMITS.bytes)
    .option(
      "--max-ratio <n>",
      "bytes out for each byte in, of one step",
      positiveInteger,
      DEFAULT_LIMITS.ratio,
    );
}

function repeat(value: string, all: readonly string[]): string[] {
  return [...all, value];
}

/** What the flags say of how the analysis processes work. Throws UsageError for rules that cannot be read. */
export function poolOptions(flags: CommonFlags, readable: readonly string[]): Omit<PoolOptions, "size"> {
  return {
    timeoutMs: flags.timeout * 1000,
    ...(flags.stageTimeout === undefined ? {} : { stageTimeoutMs: flags.stageTimeout * 1000 }),
    memory: flags.memory,
    readable,
    analysis: {
      rules: readRules(flags.rules),
      evidence: flags.evidence ?? false,
      maxBytes: flags.maxSize,
      passwords: flags.password,
      memory: {
        ...(flags.dump === undefined ? {} : { kind: flags.dump }),
        ...(flags.base === undefined ? {} : { base: flags.base }),
      },
      limits: {
        depth: flags.maxDepth,
        artifacts: flags.maxArtifacts,
        bytes: flags.maxUnpacked,
        ratio: flags.maxRatio,
      },
    },
  };
}

export function positive(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError("a positive number is expected");
  return value;
}

export function positiveInteger(text: string): number {
  const value = positive(text);
  if (!Number.isInteger(value)) throw new InvalidArgumentError("a whole number is expected");
  return value;
}

function address(text: string): bigint {
  if (!/^(0x)?[0-9a-f]{1,16}$/i.test(text))
    throw new InvalidArgumentError("an address such as 0x400000 is expected");
  return BigInt(`0x${text.replace(/^0x/i, "")}`);
}

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

export function size(text: string): number {
  const match = /^(\d+)([kmg]?)i?b?$/i.exec(text);
  const unit = match?.[2] === undefined ? undefined : UNITS[match[2].toLowerCase()];
  if (match?.[1] === undefined || unit === undefined)
    throw new InvalidArgumentError("a size such as 300M is expected");
  return Number(match[1]) * unit;
}

/** Wrong usage: the message goes to stderr, the exit status is 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}

/** Texts of the user's rule files. */
export function readRules(files: readonly string[]): string[] {
  return files.map((file) => {
    const text = attemptIo(() => readFileSync(file, "utf8"));
    if ("code" in text) throw new UsageError(`rules ${file}: ${text.text}`);
    return text.value;
  });
}
