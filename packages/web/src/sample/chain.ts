/** How bytes were come by: from the sample through every artifact to the one that a value stands in. */
import type { Artifact } from "../api-types.ts";

export type Span = NonNullable<Artifact["from"]>[number];
export type Step = NonNullable<Artifact["steps"]>[number];

export interface ChainLink {
  readonly artifact: Artifact;
  /** What it was made from. */
  readonly from: readonly Span[];
  readonly steps: readonly Step[];
}

/** From the sample down to artifact `id`; empty when there is none. */
export function chainTo(artifacts: readonly Artifact[], id: number): ChainLink[] {
  const byId = new Map(artifacts.map((artifact) => [artifact.id, artifact]));
  const links: ChainLink[] = [];
  const seen = new Set<number>();
  for (let at = byId.get(id); at !== undefined && !seen.has(at.id); ) {
    seen.add(at.id);
    links.push({ artifact: at, from: at.from ?? [], steps: at.steps ?? [] });
    const parent: number | undefined = at.from?.[0]?.artifact;
    at = parent === undefined ? undefined : byId.get(parent);
  }
  return links.reverse();
}

export interface TreeNode {
  readonly artifact: Artifact;
  readonly depth: number;
  readonly children: number;
}

/** The artifacts as a tree, flattened in the order that it is drawn. Those without a parent stand at the top. */
export function treeOf(artifacts: readonly Artifact[]): TreeNode[] {
  const children = new Map<number | undefined, Artifact[]>();
  const ids = new Set(artifacts.map(({ id }) => id));
  for (const artifact of artifacts) {
    const parent = artifact.from?.[0]?.artifact;
    // A parent has the lower number; anything else would be no tree.
    const key = parent !== undefined && ids.has(parent) && parent < artifact.id ? parent : undefined;
    const known = children.get(key);
    if (known === undefined) children.set(key, [artifact]);
    else known.push(artifact);
  }
  const out: TreeNode[] = [];
  const open = (children.get(undefined) ?? []).map((artifact) => ({ artifact, depth: 0 })).reverse();
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { artifact, depth } = next;
    const below = children.get(artifact.id) ?? [];
    out.push({ artifact, depth, children: below.length });
    for (const child of [...below].reverse()) open.push({ artifact: child, depth: depth + 1 });
  }
  return out;
}

/** `#3 user string HOSTS`, `forum.exe`, `sample`. */
export function artifactTitle(artifact: Artifact): string {
  return artifact.label ?? artifact.name ?? artifact.kind;
}

export function stepText({ op, params }: Step): string {
  const given = Object.entries(params ?? {}).map(([name, value]) => `${name} ${value}`);
  return given.length === 0 ? op : `${op}, ${given.join(", ")}`;
}

export function hex(n: number): string {
  return `0x${n.toString(16)}`;
}

export function spanText({ offset, length }: Span): string {
  return `${hex(offset)} + ${length}`;
}

/** Spans that touch, as one: a string of many pieces is one place to look at. */
export function joined(spans: readonly Span[]): Span[] {
  const out: Span[] = [];
  for (const span of spans) {
    const last = out.at(-1);
    if (last !== undefined && last.artifact === span.artifact && last.offset + last.length === span.offset)
      out[out.length - 1] = { ...last, length: last.length + span.length };
    else out.push(span);
  }
  return out;
}
