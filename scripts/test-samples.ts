/**
 * `npm run test:samples -- DIR`: the goldens, by SHA-256, on a folder of real samples kept outside the repository.
 * Every golden that is there must come out exactly, from the file and from each of its forms in memory (memory-forms.ts);
 * a file without a golden must yield no config (`--allow-unknown` lists such findings instead of failing on them), nor
 * must its bytes as a region of memory. Says how many goldens were absent.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createAnalyser } from "../packages/app/src/analyser.ts";
import type { Finding } from "../packages/core/src/model/index.ts";
import { extractAll, formsOf } from "./memory-forms.ts";

interface Golden {
  readonly sha256: string;
  readonly family: string;
  readonly layout: string;
  readonly confidence: string;
  readonly c2: readonly string[];
  /** Expected values by JSON Pointer within the finding. */
  readonly values: Readonly<Record<string, unknown>>;
}

function walk(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function goldens(): Map<string, Golden> {
  const families = fileURLToPath(new URL("../packages/core/src/families", import.meta.url));
  const files = walk(families).filter((file) => /golden[\\/][0-9a-f]{64}\.json$/.test(file));
  const all = files.map((file) => JSON.parse(readFileSync(file, "utf8")) as Golden);
  return new Map(all.map((golden) => [golden.sha256, golden]));
}

function at(finding: Finding, pointer: string): unknown {
  return pointer
    .split("/")
    .slice(1)
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], finding);
}

/** Where a program in memory does not give what its file gives. */
function differencesInMemory(golden: Golden, bytes: Uint8Array): string[] {
  return formsOf(bytes).flatMap(({ name, bytes: form, hint }) =>
    differences(golden, extractAll(form, hint)).map((line) => `${name}: ${line}`),
  );
}

function differences(golden: Golden, findings: readonly Finding[]): string[] {
  const finding = findings.find((candidate) => candidate.family === golden.family);
  if (finding === undefined) return [`no ${golden.family} config`];
  const pairs: [string, unknown, unknown][] = [
    ["findings", 1, findings.length],
    ["layout", golden.layout, finding.layout],
    ["confidence", golden.confidence, finding.confidence],
    ["c2", golden.c2, finding.c2],
    ...Object.entries(golden.values).map(([pointer, value]): [string, unknown, unknown] => [
      pointer,
      value,
      at(finding, pointer),
    ]),
  ];
  return pairs
    .filter(([, expected, got]) => JSON.stringify(expected) !== JSON.stringify(got))
    .map(
      ([name, expected, got]) => `${name}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`,
    );
}

const allowUnknown = process.argv.includes("--allow-unknown");
const folder = process.argv.slice(2).find((argument) => !argument.startsWith("--"));
if (folder === undefined || statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
  console.error("usage: npm run test:samples -- DIR [--allow-unknown]");
  process.exit(2);
}

const expected = goldens();
const present = new Set<string>();
let passed = 0;
let failed = 0;
let others = 0;
const analyser = await createAnalyser();
for (const file of walk(folder)) {
  const bytes = readFileSync(file);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const golden = expected.get(sha256);
  const { findings } = await analyser.analyseBytes(bytes, file);
  let wrong: string[];
  if (golden === undefined) {
    others++;
    const inMemory = extractAll(bytes, { layout: "raw" });
    wrong = [...findings, ...inMemory].map(
      (finding) => `unexpected ${finding.family} ${finding.layout} config: ${finding.c2.join(" ")}`,
    );
    for (const line of wrong) console.error(`${allowUnknown ? "note" : "FAIL"} ${sha256}: ${line}`);
    if (wrong.length > 0 && !allowUnknown) failed++;
    continue;
  }
  present.add(sha256);
  wrong = [...differences(golden, findings), ...differencesInMemory(golden, bytes)];
  for (const line of wrong) console.error(`FAIL ${sha256}: ${line}`);
  if (wrong.length > 0) failed++;
  else {
    passed++;
    const forms = formsOf(bytes).length;
    console.error(`ok   ${sha256} ${golden.family} ${golden.layout}, file and ${forms} forms in memory`);
  }
}
console.error(
  `${others} files without a golden; ${expected.size - present.size} of ${expected.size} goldens absent`,
);
console.error(`${passed} passed, ${failed} failed`);
if (failed > 0) process.exitCode = 1;
