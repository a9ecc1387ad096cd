/** The engine that this program is: a result of another may differ. */
import { families, familyVersions } from "@assay/core/families/index";
import { ENGINE_VERSION } from "@assay/core/triage/report";
import type { Database } from "../store/database.ts";
import { keyOf } from "../store/keys.ts";
import type { Run } from "../store/seen.ts";
import { engines } from "./tables.ts";

export interface Engine {
  readonly id: string;
  readonly version: string;
  /** By Malpedia id. */
  readonly families: Readonly<Record<string, string>>;
}

export function thisEngine(): Engine {
  return engineOf(ENGINE_VERSION, familyVersions);
}

export function engineOf(version: string, versions: Readonly<Record<string, string>>): Engine {
  const sorted = Object.entries(versions).sort(([a], [b]) => (a < b ? -1 : 1));
  const id = keyOf("engine", version, ...sorted.flat());
  return { id, version, families: Object.fromEntries(sorted) };
}

export async function putEngine(db: Database, engine: Engine): Promise<void> {
  await db.insert(engines).values(engine).onConflictDoNothing();
}

/** Of results that this program gets from now on. */
export function thisRun(engine: Engine): Run {
  const ids = families.map(({ id }) => id);
  return { startedAt: new Date().toISOString(), engine: engine.version, families: ids };
}
