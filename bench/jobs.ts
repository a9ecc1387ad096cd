/**
 * Samples from the queue to stored results, with 1, 2, 4 … workers of one analysis process each, against one PostgreSQL:
 * `npm run bench:jobs [-- CARRIERS [WORKERS…]]`, after `npm run build`. How many cores there are is said first: nothing
 * grows beyond them, and the database and its server want their part too.
 */
import { availableParallelism } from "node:os";
import { trial } from "../scripts/reliability.ts";

const [count = "600", ...wanted] = process.argv.slice(2);
const workers = wanted.length > 0 ? wanted.map(Number) : [1, 2, 4];

console.log(`${availableParallelism()} cores, Node ${process.version}, ${count} carriers`);
for (const hosts of workers) {
  const outcome = await trial({
    ...{ carriers: Number(count), hosts, killEveryMs: 1000, maxKills: 0, cutMs: 0, crash: false },
    namespaces: false,
  });
  if (outcome === undefined) throw new Error("there is no PostgreSQL for this machine");
  const { seconds, submitSeconds, right, wrong } = outcome;
  console.log(
    `${hosts} workers: ${(Number(count) / seconds).toFixed(1)} samples/s, ${seconds.toFixed(1)} s with their start; ` +
      `submitted in ${submitSeconds.toFixed(1)} s; ${right} right, ${wrong.length} wrong`,
  );
}
