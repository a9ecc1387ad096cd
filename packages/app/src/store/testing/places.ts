/** The places that a corpus can be in, each made anew for a test. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Place } from "../corpus.ts";
import { startServer, type TestServer } from "./server.ts";

export interface TestPlaces {
  /** An empty one. */
  place(): Promise<Place>;
  stop(): Promise<void>;
}

export const KINDS = ["PGlite in a folder", "PostgreSQL"] as const;

/** Undefined for a server where there is none to run. */
export async function testPlaces(kind: (typeof KINDS)[number]): Promise<TestPlaces | undefined> {
  const root = mkdtempSync(join(tmpdir(), "assay-corpus-"));
  const server: TestServer | undefined = kind === "PostgreSQL" ? await startServer() : undefined;
  if (kind === "PostgreSQL" && server === undefined) {
    rmSync(root, { recursive: true, force: true });
    return undefined;
  }
  let count = 0;
  return {
    place: async () => {
      const folder = join(root, String(++count));
      return server === undefined ? { folder } : { folder, server: await server.database() };
    },
    stop: async () => {
      await server?.stop();
      rmSync(root, { recursive: true, force: true });
    },
  };
}
