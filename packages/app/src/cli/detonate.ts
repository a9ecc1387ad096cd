/** `assay detonate FILE…` */
import { printable } from "@assay/core/export/escape";
import type { Sample } from "@assay/core/model/index";
import { type Command, InvalidArgumentError } from "commander";
import { paintFor } from "../render/paint.ts";
import { progressLine } from "../render/progress.ts";
import { sandboxSettings } from "../sandboxes/config.ts";
import { stateFolder } from "../sandboxes/state.ts";
import { exitStatus } from "./exit-status.ts";
import {
  type CommonFlags,
  DEFAULT_TIMEOUT_S,
  poolOptions,
  positive,
  UsageError,
  withCommonFlags,
} from "./options.ts";
import { emit, json } from "./output.ts";

/** Seconds that a run may take: minutes in the guest, and as long again in the queue and in processing. */
const DEFAULT_RUN_S = 3600;
/** What a shell gives a command that Ctrl-C ended. */
const INTERRUPTED = 130;
const DEFAULT_COLUMNS = 120;
const PIPE_COLUMNS = 240;

interface DetonateFlags extends CommonFlags {
  readonly sandbox?: string;
  readonly url?: string;
  readonly token?: string;
  readonly config?: string;
  readonly state?: string;
  readonly option: [string, string][];
  readonly wait: boolean;
  readonly resubmit?: boolean;
  readonly analysisTimeout: number;
  readonly configs?: boolean;
}

export function detonateCommand(program: Command): void {
  const command = program
    .command("detonate")
    .description(
      "have a sandbox run FILE, and find configs in what came out of memory\n(the file leaves this machine; a public sandbox shows it to others)",
    )
    .argument("<file...>", "files to submit")
    .option("--sandbox <name>", "cape, triage or drakvuf (or ASSAY_SANDBOX)")
    .option("--url <url>", "where it is (or ASSAY_SANDBOX_URL)")
    .option("--token <token>", "for its API (better: ASSAY_SANDBOX_TOKEN or the config file)")
    .option("--config <file>", "config file (default: ~/.config/assay/config.json)")
    .option("--option <name=value>", "an option of the sandbox, such as package=dll (repeatable)", pair, [])
    .option("--no-wait", "submit only; the same call without it fetches the run later")
    .option("--resubmit", "submit even if a run of this file is under way")
    .option("--state <dir>", "where tasks under way are remembered (default: ~/.local/state/assay/tasks)")
    .option(
      "--analysis-timeout <seconds>",
      "time that the analysis of one file may take",
      positive,
      DEFAULT_TIMEOUT_S,
    )
    .option("--configs", "show every field of every config with where it was found");
  withCommonFlags(command, {
    seconds: DEFAULT_RUN_S,
    what: "time that a run in the sandbox may take",
  }).action(async (paths: string[], flags: DetonateFlags) => {
    const settings = sandboxSettings(flags, process.env);
    if (!settings.ok) throw new UsageError(settings.error.text);
    for (const warning of settings.value.warnings) process.stderr.write(`assay: ${warning}\n`);
    const { detonate } = await import("../sandboxes/detonate.ts");
    const stop = interruptible();
    const progress = new Progress(process.stderr.isTTY);
    const { report, problems } = await detonate(paths, {
      ...poolOptions({ ...flags, timeout: flags.analysisTimeout }, paths),
      settings: settings.value,
      options: new Map(flags.option),
      passwords: flags.password,
      stateFolder: flags.state ?? stateFolder(process.env),
      runTimeoutMs: flags.timeout * 1000,
      wait: flags.wait,
      resubmit: flags.resubmit ?? false,
      ...(flags.jobs === undefined ? {} : { jobs: flags.jobs }),
      signal: stop.signal,
      onProgress: (file, text) => progress.show(file, text),
    });
    progress.clear();
    stop.end();
    for (const { name, problem } of problems) progress.line(name, problem.text);
    emit(flags.json ? json(report) : await text(report, flags), flags.out);
    process.exitCode = stop.signal.aborted ? INTERRUPTED : problems.length > 0 ? 1 : statusOf(report.samples);
  });
}

/** Parts of a run that did not come: not those that the server's owner keeps. */
const MISSING: ReadonlySet<string> = new Set([
  "wrong-password",
  "broken-archive",
  "half-sent",
  "server-error",
  "timeout",
  "too-large",
]);

/** As for triage; a file that has no static analysis is what a sandbox is for, and no failure. */
function statusOf(samples: readonly Sample[]): 0 | 1 {
  const missing = samples.some(({ reasons }) =>
    reasons.some(({ stage, code }) => stage === "sandbox" && MISSING.has(code)),
  );
  const seen = samples.map((sample) =>
    sample.outcome === "unsupported" ? { ...sample, outcome: "unknown" as const } : sample,
  );
  return missing ? 1 : exitStatus(seen);
}

async function text(
  report: Parameters<typeof import("../render/text.ts").toText>[0],
  flags: DetonateFlags,
): Promise<string> {
  const { toText } = await import("../render/text.ts");
  const stream = flags.out === undefined ? process.stdout : {};
  const width = flags.out === undefined ? (process.stdout.columns ?? PIPE_COLUMNS) : PIPE_COLUMNS;
  return toText(report, { paint: paintFor(stream, flags.color), width, configs: flags.configs ?? false });
}

function pair(value: string, all: readonly [string, string][]): [string, string][] {
  const at = value.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("name=value is expected");
  return [...all, [value.slice(0, at), value.slice(at + 1)]];
}

/** The first Ctrl-C ends the waiting and leaves the task; the second ends the command. */
function interruptible(): { readonly signal: AbortSignal; end(): void } {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(INTERRUPTED);
    controller.abort();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  return {
    signal: controller.signal,
    end: () => {
      process.off("SIGINT", stop);
      process.off("SIGTERM", stop);
    },
  };
}

/** On a terminal one line that changes; in a log a line for each change. */
class Progress {
  readonly #terminal: boolean;
  readonly #last = new Map<string, string>();

  constructor(terminal: boolean | undefined) {
    this.#terminal = terminal ?? false;
  }

  show(file: string, text: string): void {
    if (this.#last.get(file) === text) return;
    this.#last.set(file, text);
    if (!this.#terminal) {
      this.line(file, text);
      return;
    }
    const known = [...this.#last.keys()];
    const line = progressLine(
      known.indexOf(file) + 1,
      known.length,
      `${file}  ${text}`,
      process.stderr.columns ?? DEFAULT_COLUMNS,
    );
    process.stderr.write(`\r\x1b[K${line}`);
  }

  line(file: string, text: string): void {
    process.stderr.write(`${printable(`${file}: ${text}`)}\n`);
  }

  clear(): void {
    if (this.#terminal) process.stderr.write("\r\x1b[K");
  }
}
