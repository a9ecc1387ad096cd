/** `tsx scripts/write-carriers.ts DIR [NAME…]`: writes the demo's carriers to a folder, for tools to wrap. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { demoBatch } from "../packages/carriers/src/demo.ts";

const [folder, ...names] = process.argv.slice(2);
if (folder === undefined) {
  console.error("usage: tsx scripts/write-carriers.ts DIR [NAME...]");
  process.exit(2);
}
mkdirSync(folder, { recursive: true });
for (const carrier of demoBatch()) {
  if (names.length === 0 || names.includes(carrier.name))
    writeFileSync(join(folder, carrier.name), carrier.bytes);
}
