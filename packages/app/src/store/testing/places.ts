/** The places that a corpus can be in, each made anew for a test. */
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openCorpus, type Place } from "../corpus.ts";
import { startS3 } from "./s3.ts";
import { startServer, type TestServer } from "./server.ts";

export interface TestPlaces {
  /** An empty one. */
  place(): Promise<Place>;
  stop(): Promise<void>;
}

/** One process with its folder, and what many hosts share: with PostgreSQL the blobs are in S3. */
export const KINDS = ["PGlite in a folder", "PostgreSQL"] as const;

/** Undefined for a server where there is none to run. */
export async function testPlaces(kind: (typeof KINDS)[number]): Promise<TestPlaces | undefined> {
  const root = mkdtempSync(join(tmpdir(), "assay-corpus-"));
  const server: TestServer | undefined = kind === "PostgreSQL" ? await startServer() : undefined;
  if (kind === "PostgreSQL" && server === undefined) {
    rmSync(root, { recursive: true, force: true });
    return undefined;
  }
  const s3 = server === undefined ? undefined : await startS3();
  let count = 0;
  return {
    place: async () => {
      const folder = join(root, String(++count));
      if (server !== undefined && s3 !== undefined)
        return { server: await server.database(), blobs: s3.place() };
      // An empty one is made once: a copy takes a tenth of the time.
      const empty = join(root, "empty");
      if (!existsSync(empty)) await (await openCorpus({ folder: empty })).close();
      cpSync(empty, folder, { recursive: true });
      return { folder };
    },
    stop: async () => {
      await server?.stop();
      await s3?.stop();
      rmSync(root, { recursive: true, force: true });
    },
  };
}
