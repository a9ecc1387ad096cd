import type { Carrier } from "./carrier.ts";
import { lummaCarriers } from "./lumma.ts";
import { quasarCarriers } from "./quasar.ts";
import { redlineCarriers } from "./redline.ts";
import { remcosCarriers } from "./remcos.ts";
import { vidarCarriers } from "./vidar.ts";

export * from "./carrier.ts";
export * from "./demo.ts";
export * from "./pe-writer.ts";

/** Every carrier of every family: at least one for each layout. */
export function allCarriers(): Carrier[] {
  return [
    ...lummaCarriers(),
    ...quasarCarriers(),
    ...redlineCarriers(),
    ...remcosCarriers(),
    ...vidarCarriers(),
  ];
}
