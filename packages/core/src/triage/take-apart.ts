/** From an artifact to all that is inside it: identify → match → extract → peel, until nothing is left. */
import type { ArtifactId } from "../bytes/index.ts";
import type { Reason } from "../model/index.ts";
import { type Identified, identify, type Looked, look } from "./look.ts";
import { imageReasons } from "./outcome.ts";
import { nearbyText, open, peel } from "./peel.ts";
import type { Ports } from "./ports.ts";
import { type AnalyseOptions, type Item, type Kit, type State, sha256Of } from "./state.ts";

const HOLDS_ITSELF: Reason = {
  stage: "peel",
  code: "holds-itself",
  text: "unpacks to its own bytes again, and is not followed",
};

/** Works through `queue` and what comes out of it. `known`: hashes of what was looked at. `onFinding`: after each item that gave one. */
export async function drain(
  queue: Item[],
  known: Set<string>,
  state: State,
  kit: Kit,
  ports: Ports,
  options: AnalyseOptions,
  onFinding: () => void,
): Promise<void> {
  for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
    const before = state.findings.length;
    for (const inner of await takeApart(item, state, kit, ports, options)) {
      const view = state.ledger.entries[inner.id]?.view;
      const hash = view === undefined ? "" : sha256Of(inner.id, view.bytes, state, ports);
      if (hash === state.hashes.get(item.id)) state.reasons.push(HOLDS_ITSELF);
      // The same bytes again: nothing new can come of them.
      if (known.has(hash)) continue;
      known.add(hash);
      queue.push(inner);
    }
    if (state.findings.length > before) onFinding();
  }
}

/**
 * Looks at one artifact, keeps what it shows, and gives what is inside it. An archive is its members: once they are
 * out, its bytes are not searched for what they hold anyway.
 */
async function takeApart(
  item: Item,
  state: State,
  kit: Kit,
  ports: Ports,
  options: AnalyseOptions,
): Promise<Item[]> {
  const { ledger, budget } = state;
  const entry = ledger.entries[item.id];
  if (entry === undefined) throw new Error(`no artifact ${item.id}`);
  const what = [...ledger.chain(item.id), item.name ?? item.kind].join(" → ");
  options.onStage?.(`identifying ${what}`);
  const identified = identify(entry.view, item.hint);
  const { image, format } = identified;
  state.seen.set(item.id, { format, layout: image.layout, base: image.base, name: item.name });
  const input = { image, format, name: item.name, ledger, budget };
  const words = { given: options.passwords ?? [], nearby: item.nearby };
  options.onStage?.(`opening ${what}`);
  let peeled = await open(identified, input, ports, words);
  state.reasons.push(...peeled.reasons);
  if (peeled.inner.length === 0) {
    options.onStage?.(`looking at ${what}`);
    search(item, identified, state, kit, ports);
    options.onStage?.(`peeling ${what}`);
    peeled = peel(input, kit.layers);
    state.reasons.push(...peeled.reasons);
  }
  if (peeled.inner.length === 0) return [];
  if (item.depth >= budget.limits.depth) {
    budget.cut("depth");
    return [];
  }
  state.opened = true;
  const hasFiles = peeled.inner.some((inner) => inner.kind === "member");
  const nearby = hasFiles ? nearbyText(identified, peeled.inner) : item.nearby;
  return peeled.inner.map((inner) => ({
    id: inner.view.artifact,
    depth: item.depth + 1,
    kind: inner.kind,
    name: inner.name,
    hint: inner.hint,
    nearby,
    subject: inner.kind === "member" ? inner.view.artifact : item.subject,
  }));
}

/** Rules and families on one artifact. */
function search(item: Item, identified: Identified, state: State, kit: Kit, ports: Ports): void {
  record(look(identified, kit.families, state.ledger, ports), item.subject, state);
  if (item.depth === 0)
    state.reasons.push(
      ...imageReasons(identified.image, identified.format, identified.container !== undefined),
    );
}

/** Keeps what looking at something showed. */
export function record(looked: Looked, subject: ArtifactId, state: State): void {
  for (const hit of looked.hits) state.rules.add(hit.rule);
  for (const family of looked.identified) state.identified.add(family);
  state.findings.push(...looked.findings.map((finding) => ({ ...finding, subject })));
  state.reasons.push(...looked.reasons);
}
