/** Makes the clusters follow the list of what may tie nothing. */
import { bind } from "./cluster-bind.ts";
import { dropTies } from "./cluster-join.ts";
import { sharedIndicators } from "./components.ts";
import type { Database } from "./database.ts";
import { exclusionList } from "./exclusions.ts";
import { correlation } from "./schema.ts";
import { holdersOf, lockClusters, scales } from "./ties.ts";

/** True when the list was another than the one that the ties follow. Lost ties leave suspects: see `settle`. */
export async function followExclusions(db: Database): Promise<boolean> {
  const [state] = await db.select().from(correlation);
  if (state === undefined || state.exclusions === (await exclusionList(db)).digest) return false;
  await db.transaction(async (tx) => {
    await lockClusters(tx);
    if (state.built) await follow(tx);
    await tx.update(correlation).set({ exclusions: (await exclusionList(tx)).digest });
  });
  return true;
}

/** Looks at every indicator that could tie: seconds in a corpus of millions, and the list seldom changes. */
async function follow(db: Database): Promise<void> {
  const { weigh } = await scales(db);
  for await (const page of sharedIndicators(db)) {
    const weighed = page.map((row) => ({
      ...weigh(row, row.cluster !== null),
      isTied: row.cluster !== null,
    }));
    const gone = weighed.filter((row) => row.isTied && row.strength !== "strong");
    await dropTies(
      db,
      gone.map(({ id }) => id),
    );
    const come = weighed.filter((row) => !row.isTied && row.strength === "strong");
    await bind(
      db,
      await holdersOf(
        db,
        come.map(({ id }) => id),
      ),
    );
  }
}
