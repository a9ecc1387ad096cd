/** Batch files: variables put in, carets taken out, line by line in the order of the file. No line is run. */
import { MAX_GROWTH, MAX_VALUE } from "./limits.ts";

export interface Expanded {
  readonly text: string;
  /** Variables that were put in, escapes that were taken out. */
  readonly edits: number;
  readonly cut: string | undefined;
}

/** What these hold on most machines: batch files take letters out of them. They are put in only where they are cut. */
const USUAL: Readonly<Record<string, string>> = {
  allusersprofile: "C:\\ProgramData",
  commonprogramfiles: "C:\\Program Files\\Common Files",
  comspec: "C:\\Windows\\system32\\cmd.exe",
  os: "Windows_NT",
  pathext: ".COM;.EXE;.BAT;.CMD;.VBS;.VBE;.JS;.JSE;.WSF;.WSH;.MSC",
  programdata: "C:\\ProgramData",
  programfiles: "C:\\Program Files",
  psmodulepath:
    "C:\\Program Files\\WindowsPowerShell\\Modules;C:\\Windows\\system32\\WindowsPowerShell\\v1.0\\Modules",
  public: "C:\\Users\\Public",
  systemdrive: "C:",
  systemroot: "C:\\Windows",
  windir: "C:\\Windows",
};

/** Set by the system: these stay as they are written. */
const SYSTEM = new Set([
  ...Object.keys(USUAL),
  "appdata",
  "cd",
  "cmdcmdline",
  "computername",
  "date",
  "errorlevel",
  "homedrive",
  "homepath",
  "localappdata",
  "number_of_processors",
  "path",
  "processor_architecture",
  "processor_architew6432",
  "programfiles(x86)",
  "programw6432",
  "random",
  "temp",
  "time",
  "tmp",
  "userdomain",
  "username",
  "userprofile",
]);

/** Longer lines are data, not commands: they stay as they are. */
const MAX_LINE = 1024 * 1024;
/** Longest name between two percent signs, with its modifiers. */
const MAX_NAME = 1024;
/** Variables of one file. */
const MAX_VARIABLES = 50_000;
/** Variables in one line. */
const MAX_REFERENCES = 20_000;

/** The text with its variables put in; lines that are only comments or data are untouched. */
export function expandBatch(text: string): Expanded {
  const variables = new Map<string, string>();
  const out: string[] = [];
  let edits = 0;
  let growth = 0;
  let cut: string | undefined;
  let at = 0;
  while (at < text.length) {
    let end = text.indexOf("\n", at);
    if (end < 0) end = text.length;
    let line = text.slice(at, end);
    at = end + 1;
    // A caret at the end of a line joins the next one.
    while (/\^\r?$/.test(line.slice(-2)) && at < text.length && line.length < MAX_LINE) {
      end = text.indexOf("\n", at);
      if (end < 0) end = text.length;
      line = line.replace(/\^\r?$/, "") + text.slice(at, end);
      at = end + 1;
      edits++;
    }
    if (line.length > MAX_LINE || /^\s{0,64}:/.test(line.slice(0, 66)) || cut !== undefined) {
      out.push(line);
      continue;
    }
    const counter = { edits: 0 };
    const expanded = uncaret(percent(line, variables, counter), counter);
    for (const command of commandsOf(expanded)) remember(command, variables);
    const shown =
      variables.size > 0 && expanded.includes("!") ? delayed(expanded, variables, counter) : expanded;
    edits += counter.edits;
    growth += shown.length - line.length;
    if (growth > MAX_GROWTH) cut = "growth";
    if (variables.size >= MAX_VARIABLES) cut = "variables";
    out.push(shown);
  }
  return { text: out.join("\n"), edits, cut };
}

/** `%name%`, `%name:~from,count%`, `%name:old=new%`. What nobody set is empty, as cmd.exe has it in a file. */
function percent(line: string, variables: ReadonlyMap<string, string>, counter: { edits: number }): string {
  if (!line.includes("%")) return line;
  const parts: string[] = [];
  let from = 0;
  let size = 0;
  let references = 0;
  let at = line.indexOf("%");
  while (at >= 0 && size < MAX_LINE && references < MAX_REFERENCES) {
    const next = line.charAt(at + 1);
    // `%%i`, `%1`, `%*`, `%~dp0`
    if (next === "%" || next === "*" || next === "~" || (next >= "0" && next <= "9")) {
      at = line.indexOf("%", at + (next === "%" ? 2 : 1));
      continue;
    }
    const close = line.slice(at + 1, at + 1 + MAX_NAME).indexOf("%");
    if (close < 0) {
      at = line.indexOf("%", at + 1);
      continue;
    }
    const value = referred(line.slice(at + 1, at + 1 + close), variables);
    if (value !== undefined) {
      parts.push(line.slice(from, at), value);
      size += value.length;
      from = at + close + 2;
      counter.edits++;
      references++;
    }
    at = line.indexOf("%", at + close + 2);
  }
  parts.push(line.slice(from));
  return parts.join("");
}

/** `!name!` where some of the names are known. */
function delayed(line: string, variables: ReadonlyMap<string, string>, counter: { edits: number }): string {
  const pieces = line.split("!", MAX_REFERENCES);
  if (pieces.length < 3 || pieces.length === MAX_REFERENCES) return line;
  let text = pieces[0] as string;
  for (let i = 1; i < pieces.length; i++) {
    const piece = pieces[i] as string;
    const colon = piece.indexOf(":");
    const name = (colon < 0 ? piece : piece.slice(0, colon)).toLowerCase();
    const value = i + 1 < pieces.length && variables.has(name) ? referred(piece, variables) : undefined;
    if (value === undefined || text.length > MAX_LINE) text += `!${piece}`;
    else {
      text += value + (pieces[++i] as string);
      counter.edits++;
    }
  }
  return text;
}

function referred(reference: string, variables: ReadonlyMap<string, string>): string | undefined {
  const colon = reference.indexOf(":");
  const name = (colon < 0 ? reference : reference.slice(0, colon)).toLowerCase();
  if (name === "") return undefined;
  const modifier = colon < 0 ? "" : reference.slice(colon + 1);
  const own = variables.get(name);
  const value = own ?? (modifier === "" ? undefined : USUAL[name]);
  if (value === undefined) return SYSTEM.has(name) || /[\s"'&|<>=$;{}]/.test(name) ? undefined : "";
  if (modifier === "") return value;
  const cut = /^~\s{0,8}(-?\d{1,5})(?:,\s{0,8}(-?\d{1,5}))?$/.exec(modifier);
  if (cut !== null) {
    const from = Number(cut[1]);
    const start = from < 0 ? Math.max(0, value.length + from) : from;
    const count = cut[2] === undefined ? value.length : Number(cut[2]);
    return count < 0
      ? value.slice(start, Math.max(start, value.length + count))
      : value.slice(start, start + count);
  }
  const equals = modifier.indexOf("=");
  if (equals <= 0) return undefined;
  const find = modifier.slice(0, equals);
  const put = modifier.slice(equals + 1);
  if (find.startsWith("*")) {
    const place = value.toLowerCase().indexOf(find.slice(1).toLowerCase());
    return place < 0 ? value : put + value.slice(place + find.length - 1);
  }
  const pieces = value.split(find);
  return value.length + pieces.length * put.length > MAX_VALUE >> 8 ? undefined : pieces.join(put);
}

/** `^x` outside quotes is `x`. */
function uncaret(line: string, counter: { edits: number }): string {
  if (!line.includes("^")) return line;
  const parts: string[] = [];
  let quoted = false;
  let from = 0;
  for (let i = 0; i < line.length; i++) {
    const code = line.charCodeAt(i);
    if (code === 0x22) quoted = !quoted;
    else if (code === 0x5e && !quoted) {
      const next = line.charAt(i + 1);
      // An escaped operator stays escaped: without the caret the line would read as two commands.
      if (next === "&" || next === "|" || next === "<" || next === ">") {
        i++;
        continue;
      }
      parts.push(line.slice(from, i));
      from = ++i;
      counter.edits++;
    }
  }
  parts.push(line.slice(from));
  return parts.join("");
}

/** Pieces between `&`, `&&`, `|` outside quotes. */
function commandsOf(line: string): string[] {
  const commands: string[] = [];
  let quoted = false;
  let from = 0;
  for (let i = 0; i < line.length; i++) {
    const code = line.charCodeAt(i);
    if (code === 0x22) quoted = !quoted;
    else if (code === 0x5e) i++;
    else if ((code === 0x26 || code === 0x7c) && !quoted) {
      commands.push(line.slice(from, i));
      from = i + 1;
    }
  }
  commands.push(line.slice(from));
  return commands;
}

/** `set name=value`, `set "name=value"`; a number with `/a` too. */
function remember(command: string, variables: Map<string, string>): void {
  const bare = command.replace(/^[\s@(,;]{0,64}/, "");
  if (!/^set[\s"]/i.test(bare.slice(0, 4)) || variables.size >= MAX_VARIABLES) return;
  let body = bare.slice(3).trimStart();
  const sum = /^\/a\s/i.test(body.slice(0, 3));
  if (sum) body = body.slice(2).trimStart();
  else if (body.startsWith("/")) return;
  body = body.replace(/\r$/, "");
  if (body.startsWith('"')) {
    const close = body.lastIndexOf('"');
    body = close > 0 ? body.slice(1, close) : body.slice(1);
  }
  const equals = body.indexOf("=");
  if (equals <= 0) return;
  const name = body.slice(0, equals).trim().toLowerCase();
  const value = body.slice(equals + 1);
  if (sum && !/^\s*-?\d+\s*$/.test(value.slice(0, 32))) return;
  if (name.length <= MAX_NAME) variables.set(name, sum ? value.trim() : value);
}
