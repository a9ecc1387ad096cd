import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { families, familyVersions } from "@assay/core/families/index";
import { afterAll, describe, expect, it } from "vitest";
import { familyVersion } from "./family-versions.ts";

const source = fileURLToPath(new URL("../packages/core/src/families", import.meta.url));

describe("a family's version", () => {
  const root = mkdtempSync(join(tmpdir(), "assay-versions-"));
  const copy = join(root, "families");
  cpSync(source, copy, { recursive: true });
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  const append = (file: string) => writeFileSync(join(copy, file), "\n// other\n", { flag: "a" });

  it("is the one that the sources have, for each family (npm run generate)", () => {
    for (const { id } of families) {
      const [folder = ""] = Object.entries(FOLDERS).find(([, own]) => own === id) ?? [];
      expect(familyVersions[id], id).toBe(familyVersion(source, folder));
    }
  });

  it("changes with its sources, its rules and the engines it uses, and with nothing else", () => {
    const before = familyVersion(copy, "quasar");
    append("lumma/lumma.ts");
    append("quasar/quasar.test.ts");
    expect(familyVersion(copy, "quasar")).toBe(before);
    append("quasar/quasar.yar");
    const rules = familyVersion(copy, "quasar");
    expect(rules).not.toBe(before);
    append("engines/dotnet-settings-crypto.ts");
    expect(familyVersion(copy, "quasar")).not.toBe(rules);
  });
});

const FOLDERS: Readonly<Record<string, string>> = {
  lumma: "win.lumma",
  quasar: "win.quasar_rat",
  redline: "win.redline_stealer",
  remcos: "win.remcos",
  vidar: "win.vidar",
};
