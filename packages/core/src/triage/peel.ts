/** From one artifact to those inside it: the static layers first, then archives through the platform's port. */
import type { Budget } from "../layers/budget.ts";
import type { Inner, Layer, LayerInput } from "../layers/layer.ts";
import { passwordCandidates } from "../layers/passwords.ts";
import type { Reason } from "../model/index.ts";
import type { Looked } from "./look.ts";
import type { Ports } from "./ports.ts";

export interface Peeled {
  readonly inner: readonly Inner[];
  readonly reasons: readonly Reason[];
  /** It was an archive and was opened: a wrapper, not a file that somebody runs. */
  readonly container: boolean;
}

/** Layers whose artifacts are files in their own right, as an archive's are. */
const WRAPPER_KINDS: ReadonlySet<Inner["kind"]> = new Set(["member"]);

export async function peel(
  looked: Looked,
  input: LayerInput,
  layers: readonly Layer[],
  ports: Ports,
  passwords: readonly string[],
): Promise<Peeled> {
  const inner: Inner[] = [];
  const reasons: Reason[] = [];
  for (const layer of layers) {
    const output = layer.peel(input);
    inner.push(...output.inner);
    reasons.push(...output.reasons);
  }
  let container = inner.some((one) => WRAPPER_KINDS.has(one.kind));
  if (ports.containers?.opens(looked.format)) {
    const opened = await openContainer(looked, input, ports.containers, passwords);
    inner.push(...opened.inner);
    reasons.push(...opened.reasons);
    container ||= opened.inner.length > 0;
  }
  return { inner, reasons, container };
}

async function openContainer(
  looked: Looked,
  { name, ledger, budget }: LayerInput,
  containers: NonNullable<Ports["containers"]>,
  passwords: readonly string[],
): Promise<{ inner: Inner[]; reasons: Reason[] }> {
  const { view } = looked.image;
  const result = await containers.open({
    bytes: view.bytes,
    format: looked.format,
    ...(name === undefined ? {} : { name }),
    passwords: passwordCandidates(passwords, name),
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
