/** Jobs whose worker was not heard of: pg-boss has put them back into its queue, and this says so. */
import { and, asc, eq, inArray, sql } from "drizzle-orm";
import type { Database } from "../store/database.ts";
import { ANALYSE, type Boss, jobTable } from "./boss.ts";
import { tellBatches } from "./events.ts";
import { tasks } from "./tables.ts";
import { transact } from "./transaction.ts";

const REASON = "its worker was not heard of: killed, or cut off";

/** What came back goes before its like, not behind all that waits; how many did. */
export async function noteLost(db: Database, { pgBoss }: Boss): Promise<number> {
  await pgBoss.supervise();
  // By itself: a claim takes jobs and then their tasks, so nobody takes both the other way round.
  await db.execute(
    sql`update ${jobTable} set priority = priority + 1 where name = ${ANALYSE} and id in (
          select j.id from ${jobTable} j join ${tasks} on ${tasks.job} = j.id
            where j.name = ${ANALYSE} and j.state = 'retry' and ${tasks.state} = 'active' for update of j skip locked)`,
  );
  return transact(db, async (tx) => {
    const wasLost = and(
      eq(tasks.state, "active"),
      sql`exists (select from ${jobTable} j where j.id = ${tasks.job} and j.name = ${ANALYSE} and j.state = 'retry')`,
    );
    const locked = await tx
      .select({ id: tasks.id })
      .from(tasks)
      .where(wasLost)
      .orderBy(asc(tasks.id))
      .for("update");
    if (locked.length === 0) return 0;
    const at = new Date().toISOString();
    const why = { state: "queued" as const, stage: "queue", reason: REASON };
    // Asked again: until the lock was ours, another may have taken it up.
    const lost = await tx
      .update(tasks)
      .set({ ...why, changedAt: at })
      .where(
        and(
          inArray(
            tasks.id,
            locked.map(({ id }) => id),
          ),
          wasLost,
        ),
      )
      .returning({ task: tasks.id });
    await tellBatches(
      tx,
      lost.map(({ task }) => ({ task, ...why })),
      at,
    );
    return lost.length;
  });
}
