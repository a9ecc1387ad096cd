/** Runs the layout of one picture in a worker of its own. */
import type { Forces } from "./forces.ts";
import type { LayoutProgress, LayoutRequest } from "./layout-worker.ts";

/** `onPlaces` gets x and y of each node, in order, again and again. Returns how to stop it. */
export function runLayout(
  { nodes, edges }: Forces,
  order: number,
  onPlaces: (places: Float32Array, isDone: boolean) => void,
): () => void {
  const worker = new Worker(new URL("./layout-worker.ts", import.meta.url), { type: "module" });
  worker.onmessage = ({ data }: MessageEvent<LayoutProgress>) => {
    onPlaces(data.places, data.isDone);
    if (data.isDone) worker.terminate();
  };
  const request: LayoutRequest = { nodes, edges, order };
  worker.postMessage(request, [nodes.buffer as ArrayBuffer, edges.buffer as ArrayBuffer]);
  return () => worker.terminate();
}
