/**
 * `npm run demo`: builds ten harmless carriers, triages them with the command, and removes them again. With `--open` it
 * serves the pages with them instead.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { demoBatch } from "../packages/carriers/src/index.ts";
import { servePages } from "./demo-pages.ts";

const bin = fileURLToPath(new URL("../packages/app/bin/assay.cjs", import.meta.url));
if (process.argv.includes("--open")) process.exitCode = await servePages(bin, demoBatch());
else triage();

function triage(): void {
  const folder = mkdtempSync(join(tmpdir(), "assay-demo-"));
  try {
    const carriers = demoBatch();
    for (const carrier of carriers) writeFileSync(join(folder, carrier.name), carrier.bytes);
    console.error(
      `These ${carriers.length} files are carriers: harmless programs, built just now, that return at once and hold the config\n` +
        "structures of five families with the addresses of a published campaign. No malware is involved.\n\n" +
        `  assay triage --configs ${folder}\n`,
    );
    const { status } = spawnSync(
      process.execPath,
      [bin, "triage", "--configs", folder, ...process.argv.slice(2)],
      { stdio: "inherit" },
    );
    process.exitCode = status ?? 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
