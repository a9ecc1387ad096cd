/** Flags that several commands share, and how they become values. */
import { readFileSync } from "node:fs";
import { type Command, InvalidArgumentError } from "commander";
import { attemptIo } from "../batch/collect.ts";
import { MAX_SAMPLE_BYTES } from "../batch/read.ts";

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
}

export function withCommonFlags(command: Command): Command {
  return command
    .option("--json", "print the report as JSON on stdout and nothing else")
    .option("--out <file>", "write the output to FILE instead of stdout")
    .option("--no-color", "no colours")
    .option("--evidence", "embed the bytes behind every value in the JSON report")
    .option(
      "--rules <file>",
      "further YARA rules (repeatable)",
      (file: string, all: string[]) => [...all, file],
      [],
    )
    .option("--timeout <seconds>", "time that one sample may take", positive, DEFAULT_TIMEOUT_S)
    .option("--jobs <n>", "analysis processes (default: one a core)", positiveInteger)
    .option(
      "--max-size <bytes>",
      "larger files are hashed but not analysed (k, M, G allowed)",
      size,
      MAX_SAMPLE_BYTES,
    );
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError("a positive number is expected");
  return value;
}

export function positiveInteger(text: string): number {
  const value = positive(text);
  if (!Number.isInteger(value)) throw new InvalidArgumentError("a whole number is expected");
  return value;
}

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

function size(text: string): number {
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
