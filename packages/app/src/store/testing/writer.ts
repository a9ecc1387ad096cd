/** Stores samples until it is killed, and says of each on stdout when it is there to stay. */
import { mkdtempSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { openCorpus } from "../corpus.ts";
import { CorpusWriter } from "../writer.ts";
import { made } from "./samples.ts";

const [folder = "", prefix = ""] = process.argv.slice(2);
const scratch = mkdtempSync(join(folder, "writer-"));
const corpus = await openCorpus({ folder });
const run = { startedAt: "2026-01-02T03:04:05.678Z", engine: "0.1.0", families: [] };
for (let i = 0; ; i++) {
  const name = `${prefix}-${i}`;
  const file = join(scratch, "sample");
  writeFileSync(file, name);
  const writer = new CorpusWriter(corpus, run, 1024 ** 2);
  await writer.add(made(name, { c2: [`${name}.example`] }), Buffer.from(file));
  await writer.end();
  writeSync(1, `${name}\n`);
}
