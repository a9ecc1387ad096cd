/** `assay triage PATH…` */
import type { Report, Sample } from "@assay/core/model/index";
import { type Command, Option } from "commander";
import { paintFor } from "../render/paint.ts";
import { progressLine } from "../render/progress.ts";
import { blobsOption, type CorpusFlags, corpusOption, namesPlace } from "./corpus-place.ts";
import { exitStatus } from "./exit-status.ts";
import { type CommonFlags, poolOptions, withCommonFlags } from "./options.ts";
import { emit, json } from "./output.ts";

/** Progress lines on a terminal are redrawn at most this often (ms). */
const REDRAW_MS = 80;
const DEFAULT_COLUMNS = 120;
/** A pipe or a file has no width: lines are as long as they need to be, up to this. */
const PIPE_COLUMNS = 240;

interface TriageFlags extends CommonFlags, CorpusFlags {
  readonly format: "text" | "json" | "md" | "html";
  readonly configs?: boolean;
}

export function triageCommand(program: Command): void {
  withCommonFlags(
    program
      .command("triage")
      .description("analyse everything under PATH: families, configs, what they share, indicators")
      .argument("<path...>", "files and folders"),
  )
    .addOption(
      new Option("--format <format>", "form of the output")
        .choices(["text", "json", "md", "html"])
        .default("text"),
    )
    .addOption(corpusOption())
    .addOption(blobsOption())
    .option("--configs", "show every field of every config with where it was found")
    .action(async (paths: string[], flags: TriageFlags) => {
      const progress = flags.json || !process.stderr.isTTY ? undefined : new Progress();
      const { triage } = await import("../batch/triage.ts");
      const keeper = namesPlace(flags)
        ? await (await import("./keep.ts")).keepIn(flags, flags.maxSize)
        : undefined;
      const pending = triage(paths, {
        ...(flags.jobs === undefined ? {} : { jobs: flags.jobs }),
        ...poolOptions(flags, paths),
        onProgress: (done, total, sample) => progress?.show(done, total, sample),
        ...(keeper === undefined ? {} : { onSample: keeper.take }),
      });
      const render = rendererFor(flags);
      const report = await (keeper === undefined ? pending : pending.finally(keeper.close));
      progress?.clear();
      emit((await render)(report), flags.out);
      keeper?.tell();
      process.exitCode = exitStatus(report.samples);
    });
}

/** Each form is loaded when it is asked for, while the samples are under way: JSON, which programs ask for, needs none. */
async function rendererFor(flags: TriageFlags): Promise<(report: Report) => string> {
  if (flags.json || flags.format === "json") return json;
  if (flags.format === "md") return (await import("@assay/core/export/markdown")).toMarkdown;
  if (flags.format === "html") return (await import("@assay/core/export/html")).toHtml;
  const { toText } = await import("../render/text.ts");
  const stream = flags.out === undefined ? process.stdout : {};
  const width = flags.out === undefined ? (process.stdout.columns ?? PIPE_COLUMNS) : PIPE_COLUMNS;
  return (report) =>
    toText(report, { paint: paintFor(stream, flags.color), width, configs: flags.configs ?? false });
}

class Progress {
  #last = 0;

  show(done: number, total: number, sample: Sample): void {
    const now = performance.now();
    if (now - this.#last < REDRAW_MS && done < total) return;
    this.#last = now;
    process.stderr.write(
      `\r\x1b[K${progressLine(done, total, sample.names[0] ?? "", process.stderr.columns ?? DEFAULT_COLUMNS)}`,
    );
  }

  clear(): void {
    process.stderr.write("\r\x1b[K");
  }
}
