/** `assay serve` */
import { availableParallelism } from "node:os";
import { type Command, InvalidArgumentError, Option } from "commander";
import { type CorpusFlags, corpusOption, openPlace, told } from "./corpus-place.ts";
import { positiveInteger, size } from "./options.ts";

interface ServeFlags extends CorpusFlags {
  readonly host: string;
  readonly port: number;
  readonly jobs?: number;
  readonly allowHost: string[];
  readonly requireToken?: boolean;
  readonly log: string;
  readonly maxFile?: number;
  readonly maxUpload?: number;
  readonly rate?: number;
}

const DEFAULT_PORT = 8571;
const MAX_PORT = 65_535;
const LEVELS = ["silent", "error", "warn", "info", "debug"];

export function serveCommand(program: Command): void {
  program
    .command("serve")
    .description("the API and the pages on a corpus, with a worker in the same process")
    .addOption(corpusOption())
    .option("--host <address>", "where to listen; beyond this machine a token is needed", "127.0.0.1")
    .option("--port <n>", "0: any that is free", port, DEFAULT_PORT)
    .option(
      "--jobs <n>",
      "analyses at once in this process; 0: others do the work (default: one a core)",
      count,
    )
    .option(
      "--allow-host <name>",
      "a further name that it answers to, as behind a proxy; then a token is needed (repeatable)",
      repeat,
      [],
    )
    .option("--require-token", "ask for a token on this machine too")
    .option("--max-file <bytes>", "of one uploaded file (default: 512M)", size)
    .option("--max-upload <bytes>", "of one request (default: 2G)", size)
    .option("--rate <n>", "requests a minute of one client (default: 1200)", positiveInteger)
    .addOption(new Option("--log <level>", "lines of JSON on stderr").choices(LEVELS).default("info"))
    .action(async (flags: ServeFlags) => {
      const corpus = await openPlace(flags, "make");
      try {
        await told(() => run(corpus, flags));
      } finally {
        await corpus.close();
      }
    });
}

async function run(corpus: Awaited<ReturnType<typeof openPlace>>, flags: ServeFlags): Promise<void> {
  const { serve } = await import("../api/serve.ts");
  const limits = {
    ...(flags.maxFile === undefined ? {} : { fileBytes: flags.maxFile }),
    ...(flags.maxUpload === undefined ? {} : { requestBytes: flags.maxUpload }),
    ...(flags.rate === undefined ? {} : { perMinute: flags.rate }),
  };
  const stream = { write: (line: string) => void process.stderr.write(line) };
  const serving = await serve(corpus, {
    host: flags.host,
    port: flags.port,
    jobs: flags.jobs ?? availableParallelism(),
    names: flags.allowHost,
    requireToken: flags.requireToken ?? false,
    log: flags.log === "silent" ? undefined : { level: flags.log, stream },
    limits,
  });
  console.error(`assay: serving on ${serving.url}`);
  const ended = await Promise.race([signalled(), serving.broken.then((error) => ({ error }))]);
  await serving.stop();
  if (ended !== undefined) throw ended.error ?? new Error("the worker ended by itself");
}

/** The first asks for an orderly end; the second is not asked twice. */
function signalled(): Promise<undefined> {
  return new Promise((resolve) => {
    let asked = false;
    for (const signal of ["SIGTERM", "SIGINT"] as const)
      process.on(signal, () => {
        if (asked) process.exit(1);
        asked = true;
        resolve(undefined);
      });
  });
}

function repeat(value: string, all: readonly string[]): string[] {
  return [...all, value];
}

function count(text: string): number {
  return text === "0" ? 0 : positiveInteger(text);
}

function port(text: string): number {
  const value = count(text);
  if (value > MAX_PORT) throw new InvalidArgumentError(`a port up to ${MAX_PORT} is expected`);
  return value;
}
