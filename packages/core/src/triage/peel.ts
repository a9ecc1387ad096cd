/** From one artifact to those inside it: the static layers first, then archives through the platform's port. */
import { latin1 } from "../bytes/index.ts";
import { inflate } from "../codecs/index.ts";
import { classify } from "../formats/index.ts";
import type { Budget } from "../layers/budget.ts";
import { mailText } from "../layers/documents/mail.ts";
import { msgText } from "../layers/documents/msg.ts";
import { type Inner, type Layer, type LayerInput, NOTHING } from "../layers/layer.ts";
import { passwordCandidates } from "../layers/passwords.ts";
import type { Reason } from "../model/index.ts";
import type { Identified } from "./look.ts";
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
export function nearbyText({ image }: Identified, inner: readonly Inner[]): string {
  const { view } = image;
  const texts = [mailText(view), msgText(view)];
  for (const one of inner) {
    if (one.kind === "member" && one.view.length <= MAX_NEARBY && classify(one.view) === "text") {
      texts.push(latin1(one.view.bytes));
    }
  }
  return texts.join("\n").slice(0, MAX_NEARBY);
}

/** Opens an archive. Without the platform's port, or when it is none, there is nothing inside. */
export async function open(
  identified: Identified,
  input: LayerInput,
  ports: Ports,
  words: Words,
): Promise<Peeled> {
  if (identified.container === "gzip") {
    const stream = gunzip(input);
    if (stream !== undefined) return { inner: [stream], reasons: [] };
  }
  if (identified.container === undefined || ports.openContainer === undefined) return NOTHING;
  return members(identified.container, input, ports.openContainer, words);
}

/** A whole gzip stream needs no archive reader, and the step can be run again by whoever has the report. */
function gunzip({ image, name, ledger, budget }: LayerInput): Inner | undefined {
  const { view } = image;
  const limit = budget.allowance(view.length);
  const unpacked = inflate("gzip", view.bytes, limit);
  if (
    unpacked === undefined ||
    unpacked.cut ||
    unpacked.bytes.length === 0 ||
    !budget.take(unpacked.bytes.length)
  ) {
    return undefined;
  }
  const own = ledger.derive([view.span()], [{ op: "gunzip", params: { limit } }], "gzip stream", "member");
  if (own === undefined) return undefined;
  return {
    view: own,
    kind: "member",
    ...(name === undefined
      ? {}
      : { name: name.replace(/\.gz$|\.tgz$/i, (end) => (/tgz/i.test(end) ? ".tar" : "")) }),
  };
}

/** Every layer's artifacts; those of a layer whose artifacts are files (a mail's attachments) end the search. */
export function peel(input: LayerInput, layers: readonly Layer[]): Peeled {
  const inner: Inner[] = [];
  const reasons: Reason[] = [];
  for (const layer of layers) {
    const output = layer.peel(input);
    inner.push(...output.inner);
    reasons.push(...output.reasons);
    if (output.inner.some((one) => one.kind === "member")) break;
  }
  return { inner, reasons };
}

async function members(
  kind: string,
  { image, name, ledger, budget }: LayerInput,
  openContainer: NonNullable<Ports["openContainer"]>,
  words: Words,
): Promise<{ inner: Inner[]; reasons: Reason[] }> {
  const { view } = image;
  const result = await openContainer({
    bytes: view.bytes,
    format: kind,
    ...(name === undefined ? {} : { name }),
    passwords: passwordCandidates(words.given, name, words.nearby),
    limits: { bytes: budget.allowance(view.length), members: budget.left },
  });
  const inner: Inner[] = [];
  for (const member of result.members) {
    if (!budget.take(member.bytes.length)) break;
    const source = `${kind} member ${member.name}`;
    inner.push({
      view: ledger.adopt(member.bytes, [view.span()], [member.step], source, "member"),
      kind: "member",
      name: member.name,
    });
  }
  const stage = `layer/${kind}`;
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
