/**
 * Remcos in memory: once it has decrypted its resource, the whole text of fields lies in a heap buffer, without the key.
 * A C2 list and behind it at least twenty fields between one separator, which read as what their index says, are a
 * config; that it is the running program's own no key proves, so it is heuristic.
 */
import type { Span, View } from "../../bytes/index.ts";
import { type Finding, FindingBuilder, type Ledger } from "../../model/index.ts";
import { hostKind } from "../engines/trace-hosts.ts";
import type { TraceInput, Traces } from "../family.ts";
import { MAX_BLOB } from "./blob.ts";
import type { C2Entry } from "./c2.ts";
import { BLOCK_ANCHORS, type BlockAnchor, blockAround, type ClearBlock } from "./clear-block.ts";
import { IDENTITY } from "./identity.ts";
import { reportC2, reportFields } from "./report.ts";

/** Different configs of one window: a process has one, a panel's or an analyst's program may have more. */
const MAX_FINDINGS = 16;
/** Bytes that may be looked at, in windows: what is made against us repeats anchors without end. */
const EFFORT = 2;
const MIN_EFFORT = 1 << 20;

const SEPARATOR_NAMES = { R3: "7C 1E 1E 1F 7C", R2: "1E", R1: "@@" } as const;

/**
 * Heap buffers start at multiples of 8; that of a reference-counted string 12 bytes later. A block's header may end in
 * bytes that read as the start of a host name, so a zero before the text alone does not tell.
 */
const ALIGNMENT = 4;

function read(input: TraceInput): readonly Finding[] {
  const { view, ledger } = input;
  let left = Math.max(EFFORT * view.length, MIN_EFFORT);
  const spend = (bytes: number): boolean => {
    left -= bytes;
    return left > 0;
  };
  /** By its text: a config lies there more than once when a string was copied. */
  const blocks = new Map<string, { readonly block: ClearBlock; readonly copies: Span[] }>();
  for (const places of hitsBySeparator(input.hits)) {
    let passed = 0;
    for (const { hit, anchor } of places) {
      if (hit < passed) continue;
      const block = blockAround(view, anchor, hit, passed, spend);
      passed = block === undefined ? hit : block.start + block.plain.length;
      if (block === undefined) continue;
      const key = block.c2.entries.map(({ host, port }) => `${host}:${port}`).join(" ");
      const known = blocks.get(key);
      if (known !== undefined) known.copies.push(block.plain.span());
      else if (blocks.size < MAX_FINDINGS) blocks.set(key, { block, copies: [] });
    }
  }
  return [...blocks.values()].flatMap(({ block, copies }) => {
    const sure = startsSharply(input, block.start);
    return report(view, block, sure, copies, ledger) ?? [];
  });
}

interface Place {
  readonly hit: number;
  readonly anchor: BlockAnchor;
}

/** Ascending places of the anchors, apart for each separator. */
function hitsBySeparator(hits: TraceInput["hits"]): readonly Place[][] {
  const groups = new Map<Uint8Array, Place[]>();
  BLOCK_ANCHORS.forEach((anchor, i) => {
    const group = groups.get(anchor.separator) ?? [];
    groups.set(anchor.separator, group);
    for (const hit of hits[i] ?? []) group.push({ hit, anchor });
  });
  return [...groups.values()].map((group) => group.sort((a, b) => a.hit - b.hit));
}

/** False where the first host may be longer than what is seen of it, or shorter. */
function startsSharply({ view, address, opens }: TraceInput, start: number): boolean {
  if (start === 0) return opens === true;
  return ((address ?? view.base) + start) % ALIGNMENT === 0;
}

/** Undefined when no entry of the list may be called a C2. */
function report(
  view: View,
  { layout, plain, ranges, c2, fields }: ClearBlock,
  sure: boolean,
  copies: readonly Span[],
  ledger: Ledger,
): Finding | undefined {
  const builder = new FindingBuilder(IDENTITY, "memory", view.artifact);
  const taken: C2Entry[] = [];
  c2.entries.forEach((entry, i) => {
    const kind = hostKind(entry.host);
    const at = [plain.span(entry.offset, entry.length)];
    if (i === 0 && !sure)
      builder.reason(
        "start-unknown",
        "The C2 list's first entry is left out: where it begins is not sure",
        at,
      );
    else if (kind !== "public")
      builder.reason("host-not-taken", `${entry.host} is no C2 that memory alone can tell: ${kind}`, at);
    else taken.push(entry);
  });
  if (taken.length === 0) return undefined;
  reportC2(builder, plain, { entries: taken, rejected: c2.rejected });
  reportFields(builder, fields);
  builder.other("settings_layout", { value: layout, at: [plain.span()] }, { as: "code" });
  builder.reason(
    "memory-block",
    `A C2 list and ${ranges.length - 1} fields between ${SEPARATOR_NAMES[layout]}; ` +
      `${fields.known.size} of them read as what stands at their index. No key proves them`,
    [plain.span()],
  );
  if (copies.length > 0)
    builder.reason("copies", `The same list of C2s lies there ${copies.length} more times`, copies);
  return builder.build("heuristic", ledger);
}

export const traces: Traces = {
  anchors: BLOCK_ANCHORS.map(({ bytes }) => bytes),
  reach: 2 * MAX_BLOB,
  read,
};
