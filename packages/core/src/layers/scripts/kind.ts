/** Which script language a file is written in: by its name where that tells, else by its words. */
import { latin1, utf16le, type View } from "../../bytes/index.ts";

export type ScriptKind = "bat" | "ps1" | "vbs" | "js" | "markup" | "url" | "encoded";

/** File name extensions, lower case. */
const EXTENSIONS: Readonly<Record<string, ScriptKind>> = {
  bat: "bat",
  cmd: "bat",
  ps1: "ps1",
  psm1: "ps1",
  vbs: "vbs",
  vba: "vbs",
  bas: "vbs",
  vbe: "encoded",
  jse: "encoded",
  js: "js",
  hta: "markup",
  wsf: "markup",
  wsc: "markup",
  sct: "markup",
  html: "markup",
  htm: "markup",
  xhtml: "markup",
  svg: "markup",
  url: "url",
};

/** Words of a language and what each weighs, in lower case; the heaviest sum from THRESHOLD on names the kind. */
const WORDS: readonly (readonly [kind: ScriptKind, word: string, weight: number])[] = [
  ["encoded", "#@~^", 9],
  ["url", "[internetshortcut]", 9],
  ["markup", "<script", 4],
  ["markup", "<hta:", 4],
  ["markup", "<job", 2],
  ["markup", "<package", 1],
  ["markup", "<html", 1],
  ["bat", "@echo off", 4],
  ["bat", "\nset ", 1],
  ["bat", "\r\nset ", 1],
  ["bat", "%~f0", 2],
  ["bat", "%~dp0", 2],
  ["bat", "setlocal", 2],
  ["bat", "\ngoto ", 1],
  ["bat", "%comspec%", 1],
  ["bat", "&&set ", 2],
  ["bat", 'set "', 1],
  ["bat", "start /min", 1],
  ["bat", "powershell ", 1],
  ["bat", "powershell.exe ", 2],
  ["bat", "cmd /c", 1],
  ["bat", "cmd.exe /c", 1],
  ["bat", "exit /b", 2],
  ["ps1", "invoke-expression", 3],
  ["ps1", "new-object", 2],
  ["ps1", "[system.", 2],
  ["ps1", "[convert]::", 3],
  ["ps1", "frombase64string", 2],
  ["ps1", "$env:", 2],
  ["ps1", "[reflection.assembly]", 3],
  ["ps1", "[byte[]]", 2],
  ["ps1", "[char]", 2],
  ["ps1", "-join", 1],
  ["ps1", "-bxor", 2],
  ["ps1", "iex", 1],
  ["ps1", "downloadstring(", 2],
  ["ps1", "param(", 1],
  ["ps1", "invoke-webrequest", 3],
  ["ps1", "start-process", 2],
  ["ps1", "add-type", 1],
  ["ps1", "[text.encoding]", 2],
  ["ps1", "$null", 1],
  ["vbs", "createobject(", 2],
  ["vbs", "createobject (", 2],
  ["vbs", "wscript.shell", 1],
  ["vbs", "on error resume next", 3],
  ["vbs", "\ndim ", 2],
  ["vbs", "chr(", 1],
  ["vbs", "end function", 2],
  ["vbs", "end sub", 2],
  ["vbs", "end if", 1],
  ["vbs", "strreverse(", 2],
  ["vbs", "executeglobal", 3],
  ["vbs", "\nset ", 1],
  ["vbs", "attribute vb_name", 4],
  ["js", "activexobject", 4],
  ["js", "function(", 1],
  ["js", "function (", 1],
  ["js", "var ", 1],
  ["js", "eval(", 1],
  ["js", "string.fromcharcode", 2],
  ["js", "unescape(", 2],
  ["js", "wscript.", 1],
  ["js", ".charat(", 1],
  ["js", "['push']", 1],
  ["js", "try{", 1],
  ["js", "new function(", 1],
];

/** Enough words that a text of something else hardly has them. */
const THRESHOLD = 3;
/** Of the words, this much is looked at, at the start and in the middle and at the end. */
const LOOK = 16 * 1024;

/** Decoded and lower-cased pieces of the file; undefined for what is no text. */
function pieces(view: View): string | undefined {
  const { bytes } = view;
  const head = bytes.subarray(0, LOOK);
  const wide = (head[0] === 0xff && head[1] === 0xfe) || (head.length >= 4 && head[1] === 0 && head[3] === 0);
  if (!wide && head.subarray(0, 1024).indexOf(0) >= 0) return undefined;
  if (!wide) {
    let control = 0;
    const count = Math.min(head.length, 1024);
    for (let i = 0; i < count; i++) {
      const byte = head[i] as number;
      if (byte < 9 || (byte > 13 && byte < 32)) control++;
    }
    if (control * 20 > count) return undefined;
  }
  const parts = [head];
  if (bytes.length > 3 * LOOK) {
    const middle = (bytes.length >> 1) & ~1;
    parts.push(bytes.subarray(middle, middle + LOOK), bytes.subarray((bytes.length - LOOK) & ~1));
  } else if (bytes.length > LOOK) parts.push(bytes.subarray(LOOK));
  return `\n${parts.map((part) => (wide ? utf16le(part) : latin1(part))).join("\n")}`.toLowerCase();
}

/** `name` is the file's, without folders. Undefined for binary data and for text of no script language. */
export function scriptKind(view: View, name: string | undefined): ScriptKind | undefined {
  const dot = name === undefined ? -1 : name.lastIndexOf(".");
  const byName = dot < 0 ? undefined : EXTENSIONS[(name as string).slice(dot + 1, dot + 8).toLowerCase()];
  const text = pieces(view);
  if (text === undefined) return undefined;
  if (text.includes("#@~^")) return byName === "markup" ? "markup" : "encoded";
  if (byName !== undefined && byName !== "encoded") return byName;
  return kindOfText(text);
}

/** `lower`: text in lower case with a line break before it. */
export function kindOfText(lower: string): ScriptKind | undefined {
  const sums = new Map<ScriptKind, number>();
  for (const [kind, word, weight] of WORDS)
    if (lower.includes(word)) sums.set(kind, (sums.get(kind) ?? 0) + weight);
  let best: ScriptKind | undefined;
  let most = THRESHOLD - 1;
  for (const [kind, sum] of sums) {
    if (sum <= most) continue;
    best = kind;
    most = sum;
  }
  return best;
}

/** What a file of a kind is called. */
export const EXTENSION_OF: Readonly<Record<ScriptKind, string>> = {
  bat: "bat",
  ps1: "ps1",
  vbs: "vbs",
  js: "js",
  markup: "hta",
  url: "url",
  encoded: "vbe",
};
