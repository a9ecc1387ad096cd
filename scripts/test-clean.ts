/**
 * `npm run test:clean -- DIR…`: folders of clean programs (a Windows system folder, wine's DLLs, mono's assemblies)
 * and dumps of clean processes (minidumps, cores: known by their content, each is reported). No file may yield a
 * config; families that are named by a rule alone are listed.
 */
import { statSync } from "node:fs";
import { createAnalyser } from "../packages/app/src/analyser.ts";
import { collect } from "../packages/app/src/batch/collect.ts";

const analyser = await createAnalyser();
let files = 0;
let bytes = 0;
let wrong = 0;
let slowest = { name: "", ms: 0 };
const started = performance.now();
for (const input of collect(process.argv.slice(2))) {
  if (input.kind !== "file") continue;
  const { size } = statSync(input.path);
  const sample = await analyser.analyseFile(input.path, input.name);
  files++;
  bytes += size;
  if (sample.memory !== undefined) {
    const process = sample.memory.process?.name ?? "no process named";
    const cost = `${(size / 1e6).toFixed(0)} MB, ${(sample.elapsedMs / 1e3).toFixed(1)} s`;
    console.error(`${input.name}: ${sample.memory.kind} of ${process}, ${cost}: ${sample.outcome}`);
  }
  if (sample.elapsedMs > slowest.ms) slowest = { name: input.name, ms: sample.elapsedMs };
  for (const finding of sample.findings) {
    wrong++;
    console.error(`FAIL ${input.name}: ${finding.family} ${finding.layout} ${finding.c2.join(" ")}`);
  }
  if (sample.outcome === "identified")
    console.error(`note ${input.name}: identified as ${sample.families.join(", ")}`);
}
const seconds = (performance.now() - started) / 1000;
console.error(
  `${files} files, ${(bytes / 1e6).toFixed(0)} MB, ${seconds.toFixed(1)} s (${(bytes / 1e6 / seconds).toFixed(0)} MB/s); slowest ${slowest.name} ${slowest.ms.toFixed(0)} ms`,
);
console.error(`${files - wrong} passed, ${wrong} failed`);
if (wrong > 0) process.exitCode = 1;
