/** Every layer, in the order in which an artifact is tried on them. */
import type { Layer } from "./layer.ts";

export const layers: readonly Layer[] = [];
