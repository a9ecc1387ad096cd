/** The layers around a PE, in the order in which they are asked. */
import { carve } from "../carve/carve.ts";
import type { Layer } from "../layer.ts";
import { certificateTable } from "./certificate-table.ts";
import { inflated } from "./inflated.ts";
import { overlay } from "./overlay.ts";
import { resources } from "./resources.ts";

export const AROUND_PE: readonly Layer[] = [inflated, certificateTable, overlay, resources, carve];
