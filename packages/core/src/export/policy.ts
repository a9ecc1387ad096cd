/**
 * What may stand on a block list. The report says of each indicator whether it is blockable, and why not; that word is
 * weighed again here, since a report may come from an older engine or from a stranger, and a user's lists win over both.
 */
import {
  type Judgement,
  judgeHost,
  judgeSocket,
  judgeUrl,
  judgeUsage,
  normaliseHost,
  normaliseUrl,
  socketText,
} from "../indicators/index.ts";
import type { Relation } from "../model/index.ts";
import { type ExportOptions, Omissions } from "./form.ts";
import { type Gathered, NETWORK_TYPES } from "./gather.ts";

export const NO_ADDRESS = "no address in normal form";

/** Undefined when it may be blocked, else the reason why not. */
export function whyNotBlock(indicator: Gathered, { allow, deny }: ExportOptions): string | undefined {
  const { type, value } = indicator;
  if (!NETWORK_TYPES.has(type)) return "not something a network blocks";
  const judged = judgeAgain(indicator);
  if (judged === undefined) return NO_ADDRESS;
  const allowed = allow?.covers(type, value) ?? (isHost(type) ? allow?.within(value) : undefined);
  if (allowed !== undefined) return `on the allow list (${allowed})`;
  if (deny?.covers(type, value) !== undefined) return undefined;
  if (!indicator.blockable) return indicator.why ?? "marked as not blockable";
  return judged.blockable ? undefined : (judged.why ?? "not something a network blocks");
}

function isHost(type: Gathered["type"]): boolean {
  return type === "domain" || type === "ipv4" || type === "ipv6";
}

/** By the policy of today, in the worst of its usages. Undefined when the value is not what its type says. */
function judgeAgain({ type, value, usages }: Gathered): Judgement | undefined {
  const base = judgeValue(type, value);
  if (base === undefined) return undefined;
  const judged = usages.map((usage) => judgeUsage(type, usage, base));
  return judged.find((judgement) => !judgement.blockable) ?? base;
}

/** Whether a network indicator's value is what its type says, written as this engine writes it. */
export function isAddress(type: Gathered["type"], value: string): boolean {
  return judgeValue(type, value) !== undefined;
}

/** Undefined when the value is not in normal form. */
function judgeValue(type: Gathered["type"], value: string): Judgement | undefined {
  if (type === "url") {
    const url = normaliseUrl(value);
    return url === undefined || url.value !== value ? undefined : judgeUrl(url);
  }
  if (type === "socket") {
    const colon = value.lastIndexOf(":");
    const host = normaliseHost(value.slice(0, Math.max(colon, 0)));
    const same = host !== undefined && socketText(host, Number(value.slice(colon + 1))) === value;
    return same ? judgeSocket(host) : undefined;
  }
  const host = normaliseHost(value);
  return host === undefined || host.value !== value || host.type !== type ? undefined : judgeHost(host);
}

export interface Blocking {
  /** Best confidence first. */
  readonly block: readonly Gathered[];
  readonly omissions: Omissions;
  /** Pairs that one slip of a hand tells apart: both are in the config, one of them may be nobody's. */
  readonly notes: readonly string[];
}

/** Splits the network indicators of the wanted types into what may be blocked and what may not. */
export function blockingOf(
  gathered: Iterable<Gathered>,
  relations: readonly Relation[],
  options: ExportOptions,
  types: ReadonlySet<Gathered["type"]> = NETWORK_TYPES,
): Blocking {
  const omissions = new Omissions();
  const block: Gathered[] = [];
  for (const indicator of gathered) {
    if (!types.has(indicator.type)) continue;
    const why = whyNotBlock(indicator, options);
    if (why === undefined) block.push(indicator);
    else omissions.add(indicator.value, why);
  }
  return { block, omissions, notes: slips(relations, block) };
}

function slips(relations: readonly Relation[], block: readonly Gathered[]): string[] {
  const keys = new Set(block.map(({ type, value }) => `${type}:${value}`));
  return relations
    .filter(({ kind, from, to }) => kind === "near-duplicate" && keys.has(from) && keys.has(to))
    .map(({ from, to, why }) => {
      const [a, b] = [from, to].map((key) => key.slice(key.indexOf(":") + 1));
      return `look before you block: ${a} and ${b} are nearly the same (${why})`;
    });
}
