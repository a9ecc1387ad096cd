/**
 * Compares the UPX layer with UPX itself, by hand: `npx tsx scripts/test-upx.ts PATH_OF_UPX [FILE.exe …]`.
 *
 * Packs every carrier, every PE fixture and every given program with each method, unpacks it here and with `upx -d`,
 * and expects the same file, byte for byte; then damages the packed file as modified packers do (other section names,
 * wiped header, another magic) and expects the same again. Nothing is run but UPX.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { allCarriers } from "../packages/carriers/src/index.ts";
import { equalBytes, indexOf } from "../packages/core/src/bytes/index.ts";
import { openImage } from "../packages/core/src/formats/index.ts";
import { Budget } from "../packages/core/src/layers/budget.ts";
import { UPX_MAGIC } from "../packages/core/src/layers/upx/header.ts";
import { upx as layer } from "../packages/core/src/layers/upx/upx.ts";
import { Ledger } from "../packages/core/src/model/index.ts";

const FIXTURES = new URL("../packages/core/src/formats/pe/fixtures/", import.meta.url);
const VARIANTS: readonly (readonly string[])[] = [
  ["--nrv2b"],
  ["--nrv2d"],
  ["--nrv2e"],
  ["--lzma"],
  ["--nrv2e", "--all-filters"],
  ["--nrv2b", "--compress-resources=0"],
  ["--nrv2d", "--compress-icons=1"],
  ["--nrv2e", "--compress-icons=3", "--compress-exports=0"],
];

const [upx, ...files] = process.argv.slice(2);
if (upx === undefined) {
  console.error("usage: tsx scripts/test-upx.ts PATH_OF_UPX [FILE.exe …]");
  process.exit(2);
}

const programs = new Map<string, Uint8Array>();
for (const carrier of allCarriers()) programs.set(carrier.name, carrier.bytes);
for (const name of readdirSync(FIXTURES))
  if (/\.(?:exe|dll)$/.test(name)) programs.set(name, readFileSync(new URL(name, FIXTURES)));
for (const file of files) programs.set(basename(file), readFileSync(file));

const folder = mkdtempSync(join(tmpdir(), "assay-upx-"));
const count = { same: 0, refused: 0, "not unpacked by upx": 0, wrong: 0 };
try {
  for (const [name, bytes] of programs) for (const variant of VARIANTS) compare(name, bytes, variant);
} finally {
  rmSync(folder, { recursive: true });
}
console.log(count);
process.exit(count.wrong === 0 ? 0 : 1);

function compare(name: string, bytes: Uint8Array, variant: readonly string[]): void {
  const [input, packed, output] = ["input", "packed", "output"].map((file) => join(folder, file));
  if (input === undefined || packed === undefined || output === undefined) return;
  for (const file of [input, packed, output]) rmSync(file, { force: true });
  writeFileSync(input, bytes);
  // Carriers are smaller than what UPX thinks worth packing.
  if (!run(["-qqq", "--force", ...variant, "-o", packed, input])) {
    count.refused++;
    return;
  }
  const file = new Uint8Array(readFileSync(packed));
  const expected = run(["-qqq", "-d", "-o", output, packed])
    ? new Uint8Array(readFileSync(output))
    : undefined;
  if (expected === undefined) count["not unpacked by upx"]++;
  const label = `${name} ${variant.join(" ")}`;
  const whole = unpack(file);
  check(label, whole, expected ?? whole);
  for (const [damage, damaged] of damages(file)) check(`${label} (${damage})`, unpack(damaged), whole);
}

function check(label: string, actual: Uint8Array | undefined, expected: Uint8Array | undefined): void {
  if (actual !== undefined && expected !== undefined && equalBytes(actual, expected)) {
    count.same++;
    return;
  }
  count.wrong++;
  const at = actual?.findIndex((byte, i) => byte !== expected?.[i]);
  console.log(`${label}: ${actual === undefined ? "not unpacked" : `differs at ${at}`}`);
}

function damages(file: Uint8Array): [string, Uint8Array][] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const lfanew = view.getUint32(0x3c, true);
  const sections = lfanew + 24 + view.getUint16(lfanew + 20, true);
  const magic = indexOf(file, UPX_MAGIC);
  const renamed = file.slice();
  for (let i = 0; i < view.getUint16(lfanew + 6, true); i++)
    renamed.set([0x2e, 0x74, 0x65, 0x78, 0x30 + i, 0, 0, 0], sections + 40 * i);
  const wiped = renamed.slice();
  wiped.fill(0, magic - 8, magic + 32);
  const other = file.slice();
  other.set([0x58, 0x58, 0x58, 0x58], magic);
  return [
    ["renamed", renamed],
    ["wiped and renamed", wiped],
    ["other magic", other],
  ];
}

function unpack(file: Uint8Array): Uint8Array | undefined {
  const ledger = new Ledger(file);
  const image = openImage(ledger.sample);
  const input = { image, format: image.format, name: undefined, ledger, budget: new Budget() };
  return layer.peel(input).inner[0]?.view.bytes;
}

function run(options: readonly string[]): boolean {
  return spawnSync(upx as string, options, { stdio: "ignore" }).status === 0;
}
