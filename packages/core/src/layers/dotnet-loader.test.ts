import { dotnetLoader as carry, LOADER_WAYS, type LoaderWay } from "@assay/carriers/dotnet-loader";
import { remcosCarriers } from "@assay/carriers/remcos";
import { describe, expect, it } from "vitest";
import { equalBytes, latin1Bytes } from "../bytes/index.ts";
import { openImage } from "../formats/index.ts";
import { Ledger } from "../model/index.ts";
import { Budget } from "./budget.ts";
import { dotnetLoader } from "./dotnet-loader.ts";
import type { LayerOutput } from "./layer.ts";

function peel(bytes: Uint8Array, budget = new Budget()): LayerOutput & { ledger: Ledger } {
  const ledger = new Ledger(bytes);
  const image = openImage(ledger.sample);
  return { ...dotnetLoader.peel({ image, format: image.format, name: undefined, ledger, budget }), ledger };
}

const [carrier] = remcosCarriers();
const PAYLOAD = carrier?.bytes ?? new Uint8Array();
const WAYS = Object.keys(LOADER_WAYS) as LoaderWay[];
const SCRIPT = latin1Bytes(
  `@echo off\r\n${Array.from({ length: 90 }, (_, i) => `rem line ${i * i * 7919} that nobody reads\r\n`).join("")}exit /b\r\n`,
);

describe("the layer of .NET loaders", () => {
  it.each(WAYS)("finds a program held as: %s", (way) => {
    const { inner, reasons } = peel(carry(way, PAYLOAD));
    expect(inner.length).toBe(1);
    expect(inner.some(({ view }) => equalBytes(view.bytes, PAYLOAD))).toBe(true);
    expect(reasons).toEqual([]);
  });

  it.each(["raw resource", "base64", "AES-CBC, key and IV in .cctor", "gzip resource"] as const)(
    "finds a script held as: %s",
    (way) => {
      const { inner } = peel(carry(way, SCRIPT));
      expect(inner.map(({ kind, view }) => [kind, equalBytes(view.bytes, SCRIPT)])).toEqual([
        ["script", true],
      ]);
    },
  );
});
