/** ForceAtlas2 beside the page, so that the page stays quick. Started once for each layout; ends by itself. */
import iterate from "graphology-layout-forceatlas2/iterate";
import { type Forces, placesOf, settingsFor, stepsFor } from "./forces.ts";

export interface LayoutRequest extends Forces {
  readonly order: number;
}
export interface LayoutProgress {
  readonly places: Float32Array;
  readonly isDone: boolean;
}

/** Time between two pictures (ms). */
const PICTURE_MS = 60;

const scope = self as unknown as {
  onmessage: ((event: MessageEvent<LayoutRequest>) => void) | null;
  postMessage(message: LayoutProgress, transfer: Transferable[]): void;
};

scope.onmessage = ({ data: { nodes, edges, order } }) => {
  const settings = settingsFor(order);
  const steps = stepsFor(order);
  let shownAt = performance.now();
  for (let step = 1; step <= steps; step++) {
    iterate(settings, nodes, edges);
    if (step < steps && performance.now() - shownAt < PICTURE_MS) continue;
    shownAt = performance.now();
    const places = placesOf(nodes);
    scope.postMessage({ places, isDone: step === steps }, [places.buffer as ArrayBuffer]);
  }
};
