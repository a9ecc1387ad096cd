/** The coatings of each language, undone: which folder for which kind, and how often. */
import { expandBatch } from "./bat.ts";
import type { Dialect } from "./dialect.ts";
import { foldOnce } from "./fold.ts";
import { JS } from "./js.ts";
import type { ScriptKind } from "./kind.ts";
import { MAX_BLOCKS, MAX_GROWTH, MAX_PASSES } from "./limits.ts";
import { PS1 } from "./ps1.ts";
import { VBS } from "./vbs.ts";

export interface Deobfuscated {
  readonly text: string;
  /** The text says more than before: not only a sum was worked out. */
  readonly changed: boolean;
  readonly runs: readonly string[];
  readonly lists: readonly Uint8Array[];
  readonly cut: string | undefined;
}

const DIALECTS: Readonly<Partial<Record<ScriptKind, Dialect>>> = { ps1: PS1, vbs: VBS, js: JS };
/** Comment sign of each language, for the texts that are appended. */
const COMMENT: Readonly<Partial<Record<ScriptKind, string>>> = { ps1: "#", vbs: "'", js: "//", bat: "::" };

/** Folds until nothing changes, MAX_PASSES at most. */
export function deobfuscate(text: string, kind: ScriptKind): Deobfuscated {
  if (kind === "bat") return batch(text);
  const dialect = DIALECTS[kind];
  if (dialect === undefined) return { text, changed: false, runs: [], lists: [], cut: undefined };
  return folded(text, dialect, kind);
}

function folded(text: string, dialect: Dialect, kind: ScriptKind): Deobfuscated {
  const runs = new Set<string>();
  let current = text;
  let lists: readonly Uint8Array[] = [];
  let assembled: readonly (readonly [string, string])[] = [];
  let edits = 0;
  let cut: string | undefined;
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const once = foldOnce(current, dialect);
    for (const run of once.runs) if (runs.size < MAX_BLOCKS) runs.add(run);
    if (pass === 0) lists = once.lists;
    cut ??= once.cut;
    assembled = once.assembled;
    edits += once.edits;
    if (once.edits === 0 || once.cut !== undefined) {
      current = once.text;
      break;
    }
    current = once.text;
  }
  let room = MAX_GROWTH + text.length;
  const appended: string[] = [];
  for (const [name, value] of assembled) {
    if (current.includes(value) || value.length > room) continue;
    room -= value.length;
    appended.push(`${COMMENT[kind] ?? "#"} assembled ${name}`, `${name} = ${dialect.quote(value)}`);
  }
  const changed = appended.length > 0 || edits > 0;
  return {
    text: appended.length > 0 ? `${current}\n${appended.join("\n")}\n` : current,
    changed,
    runs: [...runs],
    lists,
    cut,
  };
}

/** Lines of PowerShell in a batch file are folded as such. */
const POWERSHELL = /powershell|pwsh|\[system\.|\[convert\]|frombase64string|-join/i;
/** Longer lines are data. */
const MAX_LINE = 256 * 1024;
const MAX_LINES = 4096;

function batch(text: string): Deobfuscated {
  const expanded = expandBatch(text);
  const runs: string[] = [];
  const lists: Uint8Array[] = [];
  let edits = expanded.edits;
  let tried = 0;
  let cut = expanded.cut;
  const lines = expanded.text.split("\n").map((line) => {
    if (line.length > MAX_LINE || line.length < 24 || line.startsWith(":") || !POWERSHELL.test(line))
      return line;
    if (++tried > MAX_LINES) return line;
    const start = Math.max(0, line.search(/powershell|pwsh/i));
    const part = folded(line.slice(start), PS1, "ps1");
    runs.push(...part.runs.slice(0, MAX_BLOCKS - runs.length));
    lists.push(...part.lists.slice(0, MAX_BLOCKS - lists.length));
    cut ??= part.cut;
    if (!part.changed) return line;
    edits++;
    return line.slice(0, start) + part.text;
  });
  return { text: lines.join("\n"), changed: edits > 0, runs, lists, cut };
}
