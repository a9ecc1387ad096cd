/** As many carriers as are asked for, no two alike: to load a corpus and its workers with. */
import type { Carrier } from "./carrier.ts";
import { lummaL1 } from "./lumma.ts";
import { redlineArguments } from "./redline.ts";
import { remcosCarrier } from "./remcos.ts";

const REMCOS_PORT = 2404;
const REDLINE_PORT = 28105;

/** The `i`th; each has one C2 that is its own. */
export function numberedCarrier(i: number): Carrier {
  const host = `n${i}.load.example.com`;
  const number = String(i).padStart(6, "0");
  const kinds = [
    () => ({
      ...{ family: "win.lumma", layout: "L1", confidence: "structural" as const },
      bytes: lummaL1({ hosts: [host], userId: "c2CoW0", tag: number, seed: i % 0xffff }),
      c2: [`https://${host}`],
    }),
    () => ({
      ...{ family: "win.remcos", layout: "R3", confidence: "proved" as const },
      bytes: remcosCarrier({
        layout: "R3",
        c2s: [{ host, port: REMCOS_PORT, tls: true }],
        fields: { 1: number, 14: `Rmc-${number}` },
      }),
      c2: [`tcp://${host}:${REMCOS_PORT}`],
    }),
    () => ({
      ...{ family: "win.redline_stealer", layout: "arguments", confidence: "structural" as const },
      bytes: redlineArguments({ c2: [`${host}:${REDLINE_PORT}`], id: number, key: "Mullions" }),
      c2: [`tcp://${host}:${REDLINE_PORT}`],
    }),
  ];
  const kind = kinds[i % kinds.length] as (typeof kinds)[number];
  const { c2, confidence, ...rest } = kind();
  return { name: `carrier-${number}.exe`, ...rest, expected: { c2, confidence } };
}
