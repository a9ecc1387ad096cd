/**
 * YARA-X over a set of rules. The native build (@litko/yara-x) where npm has one for this platform, else the
 * official WebAssembly build (@virustotal/yara-x), which costs 5–9 ms a scan and leaks some 77 KB each.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { RuleHit, RuleScanner } from "@assay/core/triage/ports";
import type { YaraX } from "@litko/yara-x";

/** Matches kept for each pattern: hints for extractors, who need few. */
const MAX_MATCHES_PER_PATTERN = 32;

const require = createRequire(import.meta.url);

/** The rules do not compile: the message is the compiler's, with line and column. */
export class RuleError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "RuleError";
  }
}

/** `auto` takes the native build when it loads. */
export type Engine = "auto" | "native" | "wasm";

/** Compiles each source on its own (so that equal rule names do not clash). Throws RuleError. */
export async function createScanner(
  sources: readonly string[],
  engine: Engine = "auto",
): Promise<RuleScanner> {
  const native = engine === "wasm" ? undefined : loadNative();
  if (native === undefined && engine === "native") throw new RuleError("no native YARA-X for this platform");
  const scanners =
    native === undefined
      ? await wasmScanners(sources)
      : sources.map((source) => nativeScanner(native, source));
  return { scan: (bytes) => scanners.flatMap((scanner) => scanner.scan(bytes)) };
}

type NativeModule = typeof import("@litko/yara-x");

function loadNative(): NativeModule | undefined {
  try {
    return require("@litko/yara-x") as NativeModule;
  } catch (error) {
    // The loader throws its own Error when no prebuilt binary fits; anything else is a broken install worth seeing.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

function nativeScanner(native: NativeModule, source: string): RuleScanner {
  const compiled = compileNative(native, source);
  compiled.setMaxMatchesPerPattern(MAX_MATCHES_PER_PATTERN);
  return {
    scan: (bytes) =>
      compiled.scan(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)).map(
        (match): RuleHit => ({
          rule: match.ruleIdentifier,
          family: familyOf(match.meta as Record<string, unknown>),
          matches: match.matches.map(({ identifier, offset, length }) => ({
            name: identifier,
            offset,
            length,
          })),
        }),
      ),
  };
}

function compileNative(native: NativeModule, source: string): YaraX {
  try {
    return native.compile(source);
  } catch (error) {
    throw new RuleError(error instanceof Error ? error.message : String(error));
  }
}

interface WasmMatch {
  readonly identifier: string;
  readonly metadata: readonly { readonly identifier: string; readonly value: unknown }[];
  readonly patterns: readonly {
    readonly identifier: string;
    readonly matches: readonly { readonly offset: number; readonly length: number }[];
  }[];
}

async function wasmScanners(sources: readonly string[]): Promise<RuleScanner[]> {
  const wasm = await import("@virustotal/yara-x");
  wasm.initSync({
    module: readFileSync(
      require.resolve("@virustotal/yara-x/package.json").replace(/package\.json$/, "pkg/yara_x_js_bg.wasm"),
    ),
  });
  return sources.map((source) => {
    const compiler = new wasm.Compiler();
    let rules: ReturnType<typeof compiler.build>;
    try {
      compiler.addSource(source);
      rules = compiler.build();
    } catch (error) {
      throw new RuleError(error instanceof Error ? error.message : String(error));
    }
    const scanner = rules.scanner();
    scanner.setMaxMatchesPerPattern(MAX_MATCHES_PER_PATTERN);
    return {
      scan: (bytes) =>
        (scanner.scan(bytes) as { matches: readonly WasmMatch[] }).matches.map(
          (match): RuleHit => ({
            rule: match.identifier,
            family: familyOf(
              Object.fromEntries(match.metadata.map(({ identifier, value }) => [identifier, value])),
            ),
            matches: match.patterns.flatMap((pattern) =>
              pattern.matches.map(({ offset, length }) => ({ name: pattern.identifier, offset, length })),
            ),
          }),
        ),
    };
  });
}

function familyOf(meta: Record<string, unknown>): string | undefined {
  return typeof meta.family === "string" ? meta.family : undefined;
}
