/** From one artifact to those inside it: the static layers first, then archives through the platform's port. */
import { latin1 } from "../bytes/index.ts";
import { classify } from "../formats/index.ts";
import type { Budget } from "../layers/budget.ts";
import type { Inner, Layer, LayerInput } from "../layers/layer.ts";
import { mailText } from "../layers/mail.ts";
import { msgText } from "../layers/msg.ts";
import { passwordCandidates } from "../layers/passwords.ts";
import type { Reason } from "../model/index.ts";
import type { Looked } from "./look.ts";
import type { Ports } from "./ports.ts";

export interface Peeled {
  readonly inner: readonly Inner[];
  readonly reasons: readonly Reason[];
}

/** Where passwords may come from. */
export interface Words {
  /** The user's own. */
  readonly given: readonly string[];
  /** Text that came with the archive: the mail it was attached to, a note beside it. */
  readonly nearby: string;
}

/** Characters of text that are kept for the archives beside it. */
const MAX_NEARBY = 64 * 1024;

/** What the artifact itself and the short texts inside it say to whoever opens its archives. */
export function nearbyText(looked: Looked, inner: readonly Inner[]): string {
  const { view } = looked.image;
  const texts = [mailText(view), msgText(view)];
  for (const one of inner) {
    if (one.kind === "member" && one.view.length <= MAX_NEARBY && classify(one.view) === "text") {
      texts.push(latin1(one.view.bytes));
    }
  }
  return texts.join("\n").slice(0, MAX_NEARBY);
}

/**
 * An archive is its members: once they are out, its bytes are not searched for what they hold anyway. All other
 * artifacts go through every layer.
 */
export async function peel(
  looked: Looked,
  input: LayerInput,
  layers: readonly Layer[],
  ports: Ports,
  words: Words,
): Promise<Peeled> {
  const inner: Inner[] = [];
  const reasons: Reason[] = [];
  if (looked.container !== undefined && ports.openContainer !== undefined) {
    const opened = await openContainer(looked, input, ports.openContainer, words);
    inner.push(...opened.inner);
    reasons.push(...opened.reasons);
  }
  for (const layer of layers) {
    if (inner.some((one) => one.kind === "member")) break;
    const output = layer.peel(input);
    inner.push(...output.inner);
    reasons.push(...output.reasons);
  }
  return { inner, reasons };
}

async function openContainer(
  looked: Looked,
  { name, ledger, budget }: LayerInput,
  open: NonNullable<Ports["openContainer"]>,
  words: Words,
): Promise<{ inner: Inner[]; reasons: Reason[] }> {
  const { view } = looked.image;
  const result = await open({
    bytes: view.bytes,
    format: looked.format,
    ...(name === undefined ? {} : { name }),
    passwords: passwordCandidates(words.given, name, words.nearby),
    limits: { bytes: budget.allowance(view.length), members: budget.left },
  });
  const inner: Inner[] = [];
  for (const member of result.members) {
    if (!budget.take(member.bytes.length)) break;
    const source = `${looked.format} member ${member.name}`;
    inner.push({
      view: ledger.adopt(member.bytes, [view.span()], [member.step], source, "member"),
      kind: "member",
      name: member.name,
    });
  }
  const stage = `layer/${looked.format}`;
  for (const { code } of result.reasons) noteCut(code, budget);
  return {
    inner,
    reasons: result.reasons.map(({ code, text }) => ({ stage, code, text, at: [view.span()] })),
  };
}

function noteCut(code: string, budget: Budget): void {
  if (code === "too-many-members") budget.cut("artifacts");
  if (code === "over-budget" || code === "cut") budget.cut("bytes");
}
