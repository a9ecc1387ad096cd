/** One sample, through all its layers: identify → match → extract → peel, until nothing is left inside. */
import { Ledger, type Sample } from "../model/index.ts";
import type { Ports } from "./ports.ts";
import { type AnalyseOptions, finish, type Item, type Kit, newState } from "./state.ts";
import { drain } from "./take-apart.ts";

/** Analyses the bytes of one sample. `names`: every path that holds them. Throws only on a bug of ours. */
export async function analyse(
  bytes: Uint8Array,
  names: readonly string[],
  kit: Kit,
  ports: Ports,
  options: AnalyseOptions = {},
): Promise<Sample> {
  const started = ports.now();
  const sha256 = ports.digest("sha256", bytes);
  const head = {
    sha256,
    sha1: ports.digest("sha1", bytes),
    md5: ports.digest("md5", bytes),
    size: bytes.length,
    names: [...names],
  };
  const state = newState(new Ledger(bytes), sha256, options);
  const sample = (): Sample => finish(head, state, kit.families, ports, options, ports.now() - started);
  const queue: Item[] = [
    { id: 0, depth: 0, kind: "sample", name: names[0], hint: options.hint, nearby: "", subject: 0 },
  ];
  await drain(queue, new Set([sha256]), state, kit, ports, options, () => options.onPartial?.(sample()));
  const whole = sample();
  if (options.onArtifact !== undefined) {
    for (const entry of state.ledger.entries) options.onArtifact(entry.id, entry.view.bytes);
  }
  return whole;
}
