/** Opens a corpus: its lock, its database in the present form, its blobs. */
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { type BlobStore, FolderBlobs } from "./blobs.ts";
import { type Connection, type Database, openEmbedded, openServer } from "./database.ts";
import { CorpusError } from "./errors.ts";
import { type Lock, lockFolder } from "./lock.ts";
import { migrate } from "./migrations/index.ts";

export { CorpusError } from "./errors.ts";

export interface Place {
  /** Holds blobs/, and db/ unless there is a server. */
  readonly folder?: string;
  /** `postgres://…` */
  readonly server?: string;
  /** `s3://bucket/prefix` or a folder. Default: blobs/ in the folder. */
  readonly blobs?: string;
  /** False: a folder without a corpus is refused. Default: one is made. */
  readonly make?: boolean;
}

export interface Corpus {
  readonly db: Database;
  /** None when only a server is known. */
  readonly blobs: BlobStore | undefined;
  close(): Promise<void>;
}

/** Rejects with CorpusError. */
export async function openCorpus(place: Place): Promise<Corpus> {
  const folder = place.folder === undefined ? undefined : resolve(place.folder);
  if (folder === undefined && place.server === undefined) throw new RangeError("a folder or a server");
  if (
    folder !== undefined &&
    place.server === undefined &&
    place.make === false &&
    !existsSync(join(folder, "db"))
  )
    throw new CorpusError(`there is no corpus in ${folder}: assay triage --corpus makes one`);
  if (folder !== undefined) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const blobs = await openBlobs(place.blobs, folder);
  if (place.server !== undefined) return ready(await openServer(place.server), blobs, undefined);
  const root = folder as string;
  const lock = await lockFolder(root);
  try {
    return await ready(await openEmbedded(join(root, "db")), blobs, lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Undefined when neither is given. Nothing is asked of an S3 store before the first blob. */
async function openBlobs(
  where: string | undefined,
  folder: string | undefined,
): Promise<BlobStore | undefined> {
  if (where === undefined) return folder === undefined ? undefined : new FolderBlobs(join(folder, "blobs"));
  if (!/^[a-z0-9+]+:\/\//i.test(where)) return new FolderBlobs(resolve(where));
  const { openS3, parseS3Place } = await import("./blobs-s3.ts");
  const s3 = parseS3Place(where, process.env);
  if (s3 === undefined)
    throw new CorpusError(`${where} is no place for blobs: s3://BUCKET/PREFIX or a folder`);
  return openS3(s3);
}

async function ready(
  connection: Connection,
  blobs: BlobStore | undefined,
  lock: Lock | undefined,
): Promise<Corpus> {
  try {
    await migrate(connection.db);
  } catch (error) {
    await connection.close();
    throw inWords(error);
  }
  return {
    db: connection.db,
    blobs,
    close: async () => {
      await connection.close();
      blobs?.close?.();
      lock?.release();
    },
  };
}

/**
 * A database's error without the statement and its parameters, which may be whole samples and hostile text; CorpusError
 * for a server that is not there or lets nobody in. Any other error stays what it is.
 */
export function inWords(error: unknown): unknown {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown };
    if (typeof code !== "string") continue;
    const text = `the database cannot be used: ${at.message || code} (${code})`;
    // 28: authorisation, 3D: no such database, 42501: no privilege, 53: out of disk or connections, 57P: shut down.
    return /^(?:E[A-Z]+|28...|3D...|42501|53...|57P..)$/.test(code) ? new CorpusError(text) : new Error(text);
  }
  return error;
}
