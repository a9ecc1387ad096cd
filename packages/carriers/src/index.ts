import type { Carrier } from "./carrier.ts";
import { lummaCarriers } from "./lumma.ts";
import { quasarCarriers } from "./quasar.ts";
import { redlineCarriers } from "./redline.ts";
import { remcosCarriers } from "./remcos.ts";
import { vidarCarriers } from "./vidar.ts";

export * from "./carrier.ts";
export * from "./demo.ts";
export * from "./dumps/index.ts";
export * from "./pe-writer.ts";

/** Carriers in which every text is encrypted or taken apart and the code is none that a rule knows. */
const RULELESS: ReadonlySet<string> = new Set([
  "lumma-l1-unreferenced.exe",
  "lumma-l2-unmarked.exe",
  "lumma-l3-shifted.exe",
  "lumma-l3-two.exe",
  "lumma-l3-unsigned.exe",
  "redline-arguments-chars.exe",
  "redline-arguments-junk.exe",
  "vidar-vb.exe",
  "vidar-vc.exe",
  "vidar-vd-cluster.exe",
  "vidar-vd-hidden-texts.exe",
  "vidar-vf-five.exe",
  "vidar-vf.exe",
]);

/** Every carrier of every family: at least one for each layout. */
export function allCarriers(): Carrier[] {
  const all = [
    ...lummaCarriers(),
    ...quasarCarriers(),
    ...redlineCarriers(),
    ...remcosCarriers(),
    ...vidarCarriers(),
  ];
  return all.map((carrier) => (RULELESS.has(carrier.name) ? { ...carrier, ruleless: true } : carrier));
}
