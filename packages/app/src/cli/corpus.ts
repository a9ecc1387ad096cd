/** `assay corpus …`: what keeps a corpus in order. */
import { printable } from "@assay/core/export/escape";
import type { Command } from "commander";
import { blobsOption, type CorpusFlags, corpusOption, withCorpus } from "./corpus-place.ts";
import { UsageError } from "./options.ts";
import { emit, json } from "./output.ts";

interface ShowFlags extends CorpusFlags {
  readonly json?: boolean;
  readonly color: boolean;
}

/** Damage was found. */
const DAMAGED_STATUS = 1;

export function corpusCommand(program: Command): void {
  const corpus = program.command("corpus").description("the corpus itself: stats, check, export, import, …");
  shown(corpus.command("stats").description("how much there is, by family and outcome")).action(
    async (flags: ShowFlags) => {
      const { stats } = await import("../store/stats.ts");
      const found = await withCorpus(flags, ({ db }) => stats(db));
      await show(flags, found, async () => (await import("../render/corpus-state.ts")).statsText);
    },
  );
  shown(
    corpus
      .command("check")
      .description("read all that is kept and tell what is missing or damaged (status 1)")
      .addOption(blobsOption()),
  ).action(async (flags: ShowFlags) => {
    const { check } = await import("../store/check.ts");
    const found = await withCorpus(flags, check);
    await show(flags, found, async () => (await import("../render/corpus-state.ts")).checkText);
    if (found.problems.some(({ damage }) => damage)) process.exitCode = DAMAGED_STATUS;
  });
  shown(corpus.command("clusters").description("samples that belong together, over the whole corpus")).action(
    async (flags: ShowFlags) => {
      const { clusters } = await import("../store/clusters.ts");
      const found = await withCorpus(flags, ({ db }) => clusters(db));
      await show(flags, found, async () => (await import("../render/corpus-state.ts")).clustersText);
    },
  );
  corpus
    .command("export")
    .description("write the corpus as JSON lines, the same bytes for the same content")
    .argument("<file>", "- for standard output")
    .option(
      "--blobs [place]",
      "the samples too, as CaRT; from ASSAY_BLOBS, the folder of the corpus, or PLACE",
    )
    .addOption(corpusOption())
    .action(async (file: string, flags: CorpusFlags) => {
      const { exportTo } = await import("./corpus-transfer.ts");
      await exportTo(file, flags);
    });
  corpus
    .command("import")
    .description("add what another corpus exported; doing it twice changes nothing")
    .argument("<file>", "- for standard input")
    .addOption(corpusOption())
    .addOption(blobsOption())
    .action(async (file: string, flags: CorpusFlags) => {
      const { importFrom } = await import("./corpus-transfer.ts");
      await importFrom(file, flags);
    });
  excludeCommand(corpus);
  correlateCommand(corpus);
  retainCommand(corpus);
}

function correlateCommand(corpus: Command): void {
  shown(
    corpus
      .command("correlate")
      .description("work off what storing left: lost ties, look-alikes, communities; to the end")
      .option("--anew", "every cluster from the beginning; names stay"),
  ).action(async (flags: ShowFlags & { readonly anew?: boolean }) => {
    const { correlate } = await import("../store/correlate.ts");
    const options = {
      budget: Number.MAX_SAFE_INTEGER,
      timeMs: Number.POSITIVE_INFINITY,
      anew: flags.anew ?? false,
    };
    const done = await withCorpus(flags, ({ db }) => correlate(db, options));
    await show(flags, done, async () => (await import("../render/corpus-state.ts")).correlatedText);
  });
}

interface RetainFlags extends ShowFlags {
  readonly keep?: number;
  readonly maxSize?: number;
  readonly outcome?: readonly string[];
  readonly grace?: number;
  readonly dryRun?: boolean;
}

/** Between a blob's row and its bytes, where other processes may be about to name it (ms). */
const SHARED_GRACE_MS = 3_600_000;

function retainCommand(corpus: Command): void {
  shown(
    corpus
      .command("retain")
      .description("let go of samples by a policy; their results stay")
      .option("--keep <time>", "samples last seen longer ago may go: 90d, 12h", duration)
      .option(
        "--max-size <size>",
        "when they have more bytes, those last seen first go: 500GB, 20MB",
        byteSize,
      )
      .option(
        "--outcome <outcome...>",
        "only samples with this outcome may go: unknown, identified, config, …",
      )
      .option(
        "--grace <time>",
        "bytes go this long after their row, at the next run (server: 1h, folder: 0s)",
        duration,
      )
      .option("--dry-run", "only say what would go")
      .addOption(blobsOption()),
  ).action(async (flags: RetainFlags) => {
    const { keep, maxSize, outcome, grace, dryRun = false } = flags;
    if (keep === undefined && maxSize === undefined) throw new UsageError("say --keep, --max-size, or both");
    const { retain } = await import("../store/retention.ts");
    const policy = {
      ...(keep === undefined ? {} : { keepMs: keep }),
      ...(maxSize === undefined ? {} : { maxBytes: maxSize }),
      ...(outcome === undefined ? {} : { outcomes: outcome }),
      graceMs: grace ?? (process.env.DATABASE_URL ? SHARED_GRACE_MS : 0),
    };
    const done = await withCorpus(flags, (open) => retain(open, policy, new Date(), { dryRun }));
    const told = { ...done, dryRun };
    await show(flags, told, async () => (await import("../render/corpus-state.ts")).retainedText);
  });
}

const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const UNITS: Readonly<Record<string, number>> = { "": 1, K: 1e3, M: 1e6, G: 1e9, T: 1e12 };

function duration(text: string): number {
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)([smhdw])$/.exec(text.trim()) ?? [];
  if (number === undefined) throw new UsageError(`${printable(text)} is no time: 90d, 12h, 30m`);
  return Number(number) * (UNITS_MS[unit] as number);
}

function byteSize(text: string): number {
  const [, number, unit = "", binary = ""] = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?$/i.exec(text.trim()) ?? [];
  if (number === undefined) throw new UsageError(`${printable(text)} is no size: 500GB, 20MB, 1GiB`);
  const decimal = UNITS[unit.toUpperCase()] as number;
  return Number(number) * (binary === "" ? decimal : 1024 ** Math.round(Math.log10(decimal) / 3));
}

function excludeCommand(corpus: Command): void {
  const exclude = corpus
    .command("exclude")
    .description("what may tie no samples together: shared hosts, sinkholes, names that mean nothing");
  exclude
    .command("add")
    .argument("<entry>", "a domain with all under it, address, range, socket, URL, or TYPE:VALUE")
    .addOption(corpusOption())
    .action(async (entry: string, flags: CorpusFlags) => {
      const { addExclusion } = await import("../store/exclusions.ts");
      if (!(await withCorpus(flags, ({ db }) => addExclusion(db, entry, new Date().toISOString()), "make")))
        throw new UsageError(`${printable(entry)} is no domain, address, range, socket, URL or TYPE:VALUE`);
    });
  shown(exclude.command("list")).action(async (flags: ShowFlags) => {
    const { listExclusions } = await import("../store/exclusions.ts");
    const rows = await withCorpus(flags, ({ db }) => listExclusions(db));
    await show(flags, rows, async () => (await import("../render/corpus-state.ts")).exclusionsText);
  });
  exclude
    .command("remove")
    .argument("<entry>", "as it was added")
    .addOption(corpusOption())
    .action(async (entry: string, flags: CorpusFlags) => {
      const { removeExclusion } = await import("../store/exclusions.ts");
      if (!(await withCorpus(flags, ({ db }) => removeExclusion(db, entry))))
        throw new UsageError(`${printable(entry)} is not on the list`);
    });
}

function shown(command: Command): Command {
  return command.addOption(corpusOption()).option("--json", "as JSON").option("--no-color", "no colours");
}

type Render<T> = (value: T, style: import("../render/style.ts").Style) => string;

async function show<T>(flags: ShowFlags, value: T, render: () => Promise<Render<T>>): Promise<void> {
  if (flags.json) return emit(json(value), undefined);
  const { outputStyle } = await import("../render/style.ts");
  emit((await render())(value, outputStyle(flags.color)), undefined);
}
