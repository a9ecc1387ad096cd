import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { demoBatch } from "@assay/carriers/demo";
import { afterAll, describe, expect, it } from "vitest";

const bin = fileURLToPath(new URL("../bin/assay.cjs", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "assay-bundle-"));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Makes the native rule engine fail to load, as it does where no binary of it fits. */
const WITHOUT_NATIVE = `
const Module = require("node:module");
const load = Module._load;
Module._load = function (name, ...rest) {
  if (name === "@litko/yara-x") throw new Error("no binary for this platform");
  return load.call(this, name, ...rest);
};
`;

describe("the bundled command", () => {
  it("falls back to the WebAssembly rules where the native ones do not load", () => {
    const stub = join(folder, "without-native.cjs");
    writeFileSync(stub, WITHOUT_NATIVE);
    const [carrier] = demoBatch();
    if (carrier === undefined) throw new Error("no carrier");
    const path = join(folder, "sample.exe");
    writeFileSync(path, carrier.bytes);
    const report = JSON.parse(
      execFileSync(process.execPath, ["--require", stub, bin, "extract", path], { encoding: "utf8" }),
    ) as { outcome: string; families: string[] };
    expect(report.outcome).toBe("config");
    expect(report.families).toEqual([carrier.family]);
  });
});
