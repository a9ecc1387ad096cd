/** Which corpus a command speaks of, and its errors in words. */
import { Option } from "commander";
import type { Corpus } from "../store/corpus.ts";
import { UsageError } from "./options.ts";

export interface CorpusFlags {
  readonly corpus?: string;
  /** Of `corpus export`, also true: the samples too. */
  readonly blobs?: string | boolean;
}

/** What becomes of a folder without a corpus: a question to it is a mistake, something to keep makes one. */
export type Absent = "make" | "refuse";

export function corpusOption(): Option {
  return new Option("--corpus <dir>", "folder of the corpus").env("ASSAY_CORPUS");
}

/** Where samples are kept, for commands that read or write them; ASSAY_BLOBS says it to all. */
export function blobsOption(): Option {
  return new Option("--blobs <place>", "where samples are kept: s3://BUCKET/PREFIX, or a folder").env(
    "ASSAY_BLOBS",
  );
}

/** True when the flags and the environment name a place where samples can be kept. */
export function namesPlace({ corpus, blobs }: CorpusFlags): boolean {
  return corpus !== undefined || (blobs !== undefined && Boolean(process.env.DATABASE_URL));
}

/** Rows go to the server that DATABASE_URL names, if any; samples to ASSAY_BLOBS or --blobs, else into the folder. */
export async function openPlace(flags: CorpusFlags, absent: Absent): Promise<Corpus> {
  const server = process.env.DATABASE_URL;
  const hasServer = server !== undefined && server !== "";
  const blobs = typeof flags.blobs === "string" ? flags.blobs : process.env.ASSAY_BLOBS;
  if (flags.corpus === undefined && !hasServer)
    throw new UsageError("no corpus: --corpus DIR, or ASSAY_CORPUS or DATABASE_URL in the environment");
  const { openCorpus } = await import("../store/corpus.ts");
  return told(() =>
    openCorpus({
      ...(flags.corpus === undefined ? {} : { folder: flags.corpus }),
      ...(hasServer ? { server } : {}),
      ...(blobs ? { blobs } : {}),
      make: absent === "make",
    }),
  );
}

/** Runs what asks the database, its errors put into words. */
export async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { CorpusError, inWords } = await import("../store/corpus.ts");
    const plain = inWords(error);
    throw plain instanceof CorpusError ? new UsageError(plain.message) : plain;
  }
}

/** Runs `work` on the corpus and closes it whatever happens. */
export async function withCorpus<T>(
  flags: CorpusFlags,
  work: (corpus: Corpus) => Promise<T>,
  absent: Absent = "refuse",
): Promise<T> {
  const corpus = await openPlace(flags, absent);
  try {
    return await told(() => work(corpus));
  } finally {
    await corpus.close();
  }
}
