/** Scripts, links and documents that carry scripts: their coatings taken off by rewriting, nothing of them run. */
import { latin1Bytes, type Span, type View } from "../../bytes/index.ts";
import { applySteps, type Reason, type Step } from "../../model/index.ts";
import { type Inner, type Layer, type LayerInput, type LayerOutput, NOTHING, reason } from "../layer.ts";
import { autoitMagic, peelAutoit } from "./autoit.ts";
import { encodedCommands } from "./command.ts";
import { deobfuscate } from "./deobfuscate.ts";
import { hunt, type Payload } from "./hunt.ts";
import { EXTENSION_OF, kindOfText, type ScriptKind, scriptKind } from "./kind.ts";
import { parseLnk } from "./lnk.ts";
import { scriptBlocks } from "./markup.ts";
import { peelOffice } from "./office.ts";
import { peelRtf } from "./rtf.ts";
import { readText, type ScriptText, textBytes } from "./text.ts";
import { urlsIn } from "./urls.ts";
import { encodedBlocks } from "./vbe.ts";

/** The step of a rewritten script: such an artifact was searched when it was made. */
const FOLD = "fold-constants";
/** Shorter overlays of links are padding. */
const MIN_OVERLAY = 16;
/** KiXtart's own tokenized scripts. */
const KIX_MAGIC = [0x1a, 0xaf, 0x06, 0x00];

export const scripts: Layer = {
  id: "scripts",
  title:
    "bat, cmd, ps1, vbs, vbe, js, jse, hta, wsf, lnk, url, compiled AutoIt, RTF objects, Office macros and objects",
  how: "Constants are folded and encodings undone by bounded rewriting; programs, archives, further scripts and URLs come out. Tokenized KiXtart is named.",
  peel,
};

/** What is found, gathered; inner artifacts pass the budget here. */
class Gathered {
  readonly inner: Inner[] = [];
  readonly reasons: Reason[] = [];
  readonly #input: LayerInput;
  readonly #urls = new Set<string>();
  readonly #seen = new Set<string>();

  constructor(input: LayerInput) {
    this.#input = input;
  }

  /** Keeps an inner artifact; the same bytes are kept once. */
  add(
    bytes: Uint8Array,
    from: readonly Span[],
    steps: readonly Step[],
    source: string,
    kind: Inner["kind"],
    name: string,
  ): View | undefined {
    const key = `${bytes.length} ${steps.length > 0 ? "" : source} ${sample(bytes)}`;
    if (bytes.length === 0 || this.#seen.has(key)) return undefined;
    this.#seen.add(key);
    if (!this.#input.budget.take(bytes.length)) {
      this.limit("the sample's budget");
      return undefined;
    }
    const view = this.#input.ledger.adopt(bytes, from, steps, source, kind);
    this.inner.push({ view, kind, name });
    return view;
  }

  say(code: string, text: string, ...at: Span[]): void {
    this.reasons.push(reason(scripts, code, text, ...at));
  }

  limit(what: string): void {
    if (!this.reasons.some(({ code, text }) => code === "cut" && text.includes(what)))
      this.say("cut", `script cut off at a limit: ${what}`);
  }

  url(url: string, ...at: Span[]): void {
    if (this.#urls.has(url)) return;
    this.#urls.add(url);
    this.say("url", url, ...at);
  }
}

function sample(bytes: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193) >>> 0;
  return String(hash);
}

function peel(input: LayerInput): LayerOutput {
  const { image } = input;
  const { view } = image;
  if (image.pe !== undefined || view.length < 8) return NOTHING;
  const { bytes } = view;
  const entry = input.ledger.entries[view.artifact];
  if (entry?.steps.at(-1)?.op === FOLD) return NOTHING;
  const out = new Gathered(input);
  const add = out.add.bind(out);
  if (bytes[0] === 0xd0 && bytes[1] === 0xcf) peelOffice(view, add, out.say.bind(out));
  else if (bytes[0] === 0x7b && bytes[1] === 0x5c && bytes[2] === 0x72) peelRtf(view, add, out.say.bind(out));
  else if (bytes[0] === 0x4c && view.u32(0) === 0x4c && view.u32(4) === 0x0002_1401) link(input, out);
  else if (KIX_MAGIC.every((byte, i) => bytes[i] === byte))
    out.say("kixtart", "tokenized KiXtart script: named, not decoded", view.span(0, 4));
  else {
    const autoit = autoitMagic(view);
    if (autoit !== undefined) peelAutoit(view, autoit, input.budget, add, out.say.bind(out));
    else {
      const kind = scriptKind(view, input.name);
      if (kind === undefined) return NOTHING;
      script(input, kind, out);
    }
  }
  return out.inner.length === 0 && out.reasons.length === 0
    ? NOTHING
    : { inner: out.inner, reasons: out.reasons };
}

function script(input: LayerInput, kind: ScriptKind, out: Gathered): void {
  const source = readText(input.image.view);
  if (source.cut) out.limit("text size");
  const { text } = source;
  const base = (input.name ?? "script").replace(/\.[^.]{1,5}$/, "").slice(-80);
  if (kind === "url") {
    for (const { url, at } of urlsIn(text)) out.url(url, source.span(at, url.length));
    return;
  }
  let encoded = 0;
  for (const block of encodedBlocks(text)) {
    encoded++;
    if (!block.proved)
      out.say("checksum", "encoded script whose checksum does not hold", source.span(block.at, block.length));
    const plain =
      kindOfText(`\n${block.text.toLowerCase()}`) ??
      (/\bvar\s|function\s*\(/.test(block.text.slice(0, 4096)) ? "js" : "vbs");
    out.add(
      textBytes(block.text),
      [source.span(block.at, block.length)],
      [{ op: "script-decode" }],
      `encoded script ${encoded}`,
      "script",
      `${base}.${EXTENSION_OF[plain]}`,
    );
  }
  if (kind === "encoded") {
    if (encoded > 0) return;
    // Only the name said so.
    const plain = kindOfText(`\n${text.slice(0, 65536).toLowerCase()}`);
    if (plain === undefined || plain === "encoded") return;
    script({ ...input, name: `${base}.${EXTENSION_OF[plain]}` }, plain, out);
    return;
  }
  if (kind === "markup") {
    markup(source, base, out);
    return;
  }
  unfold(input, source, kind, base, out);
}

function markup(source: ScriptText, base: string, out: Gathered): void {
  const { text } = source;
  let n = 0;
  for (const block of scriptBlocks(text)) {
    n++;
    if (block.kind === "encoded") continue;
    const inside = text.slice(block.at, block.at + block.length);
    if (inside.includes("#@~^")) continue;
    const steps: Step[] = source.width === 2 ? [{ op: "utf16le" }] : [];
    out.add(
      textBytes(inside),
      [source.span(block.at, block.length)],
      steps,
      `script block ${n}`,
      "script",
      `${base}-${n}.${block.kind}`,
    );
  }
  for (const { url, at } of urlsIn(text)) out.url(url, source.span(at, url.length));
  for (const command of encodedCommands(text)) encodedCommand(source, command, base, out);
}

/** The base64 of an EncodedCommand, as the script it is. */
function encodedCommand(
  source: { readonly text: string; readonly width: 1 | 2; span(at: number, length: number): Span },
  { at, length }: { at: number; length: number },
  base: string,
  out: Gathered,
): void {
  const steps: Step[] = [
    ...(source.width === 2 ? [{ op: "utf16le" }] : []),
    { op: "base64", params: { dialect: "unpadded" } },
    { op: "utf16le" },
  ];
  const bytes = applySteps(steps.slice(source.width - 1), latin1Bytes(source.text.slice(at, at + length)));
  if (bytes === undefined) return;
  out.add(bytes, [source.span(at, length)], steps, "encoded command", "script", `${base}-command.ps1`);
}

function unfold(input: LayerInput, source: ScriptText, kind: ScriptKind, base: string, out: Gathered): void {
  const { text } = source;
  const result = deobfuscate(text, kind);
  if (result.cut !== undefined) out.limit(result.cut);
  for (const command of encodedCommands(text)) encodedCommand(source, command, base, out);
  take(hunt(text, result.lists, source.span, input.budget), text, source.width, source.span, base, out);
  for (const { url, at } of urlsIn(text)) out.url(url, source.span(at, url.length));
  const whole = source.span(0, text.length);
  if (result.changed) {
    const view = out.add(
      textBytes(result.text),
      [whole],
      [{ op: FOLD, params: { language: kind } }],
      "deobfuscated",
      "script",
      `${base}.deobfuscated.${EXTENSION_OF[kind]}`,
    );
    if (view !== undefined) {
      const folded = readText(view);
      for (const command of encodedCommands(folded.text)) encodedCommand(folded, command, base, out);
      take(
        hunt(folded.text, [], folded.span, input.budget),
        folded.text,
        folded.width,
        folded.span,
        base,
        out,
      );
      for (const { url, at } of urlsIn(folded.text)) out.url(url, folded.span(at, url.length));
    }
  }
  result.runs.forEach((run, n) => {
    const inner = kindOfText(`\n${run.slice(0, 65536).toLowerCase()}`) ?? kind;
    out.add(
      textBytes(run),
      [whole],
      [{ op: "constant" }],
      `text run by the script ${n + 1}`,
      "script",
      `${base}-${n + 1}.${EXTENSION_OF[inner]}`,
    );
  });
}

function take(
  found: ReturnType<typeof hunt>,
  text: string,
  width: 1 | 2,
  span: (at: number, length: number) => Span,
  base: string,
  out: Gathered,
): void {
  if (found.cut !== undefined) out.limit(found.cut);
  found.payloads.forEach((payload: Payload, n) => {
    const { run } = payload;
    const from = run === undefined ? span(0, text.length) : span(run.at, run.length);
    const before: Step[] = width === 2 && run !== undefined ? [{ op: "utf16le" }] : [];
    out.add(
      payload.bytes,
      [from],
      [...before, ...payload.steps],
      "encoded text",
      payload.kind,
      `${base}-${n + 1}.${payload.extension}`,
    );
  });
  for (const decoded of found.texts) for (const { url } of urlsIn(decoded)) out.url(url);
}

function link(input: LayerInput, out: Gathered): void {
  const { view } = input.image;
  const parsed = parseLnk(view);
  if (!parsed.ok) {
    out.say(
      "malformed",
      `shell link: ${parsed.error.field}`,
      ...(parsed.error.at === undefined ? [] : [parsed.error.at]),
    );
    return;
  }
  const lnk = parsed.value;
  const base = (input.name ?? "link").replace(/\.lnk$/i, "").slice(-80);
  const program = lnk.environment ?? lnk.target ?? lnk.relativePath ?? "";
  const command = [program, lnk.arguments ?? ""].join(" ").trim();
  const at = lnk.argumentsAt === undefined ? [] : [view.span(lnk.argumentsAt.offset, lnk.argumentsAt.length)];
  if (command !== "") {
    out.say("command", command.slice(0, 1024), ...at);
    // What the link runs is a line of a batch file, or of PowerShell.
    const kind = /powershell|pwsh/i.test(program) ? "ps1" : "bat";
    const args = (lnk.arguments ?? "").trim();
    if (args.length > 8)
      out.add(
        textBytes(kind === "ps1" ? args : command),
        at.length > 0 ? at : [view.span()],
        [{ op: "link-command" }],
        "command of the link",
        "script",
        `${base}.${EXTENSION_OF[kind]}`,
      );
    for (const { url } of urlsIn(command)) out.url(url, ...at);
  }
  const { overlay } = lnk;
  if (overlay !== undefined && overlay.length >= MIN_OVERLAY && !overlay.bytes.every((byte) => byte === 0))
    out.add(overlay.bytes, [overlay.span()], [], "behind the link", "overlay", `${base}.overlay`);
}
