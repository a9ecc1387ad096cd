import { pbkdf2Sync } from "node:crypto";
import { quasarCarriers, quasarClient } from "@assay/carriers/quasar";
import { describe, expect, it } from "vitest";
import { View } from "../../bytes/index.ts";
import type { Pbkdf2Sha1 } from "../../codecs/index.ts";
import type { ImageHint } from "../../formats/image.ts";
import { openImage } from "../../formats/open-image.ts";
import { type Finding, Ledger } from "../../model/index.ts";
import type { Extraction } from "../family.ts";
import { quasar } from "./quasar.ts";

function extract(
  bytes: Uint8Array,
  hint?: ImageHint,
): { result: Extraction; ledger: Ledger; derivations: number } {
  const ledger = new Ledger(bytes);
  let derivations = 0;
  const pbkdf2Sha1: Pbkdf2Sha1 = (password, salt, iterations, length) => {
    derivations++;
    return pbkdf2Sync(password, salt, iterations, length, "sha1");
  };
  const image = openImage(new View(bytes), hint);
  const result = quasar.extract({ image, rules: [], matches: [], ledger, pbkdf2Sha1 });
  return { result, ledger, derivations };
}

function findingOf(result: Extraction): Finding {
  if (result.status !== "config") throw new Error(`${result.status}: ${result.text}`);
  return result.finding;
}

function at(value: unknown, pointer: string): unknown {
  return pointer
    .split("/")
    .slice(1)
    .reduce((node, key) => (node as Record<string, unknown> | undefined)?.[key], value);
}

describe("carriers of every layout", () => {
  for (const carrier of quasarCarriers()) {
    it(carrier.name, () => {
      const { result, derivations } = extract(carrier.bytes);
      const finding = findingOf(result);
      expect(finding.layout).toBe(carrier.layout);
      expect(finding.confidence).toBe(carrier.expected.confidence);
      expect(finding.c2).toEqual(carrier.expected.c2);
      for (const [pointer, value] of Object.entries(carrier.expected.values ?? {}))
        expect(at(finding, pointer), pointer).toEqual(value);
      expect(derivations).toBeLessThanOrEqual(1);
    });
  }
});
