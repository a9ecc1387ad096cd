/** Tokenized AutoIt 3 (EA06) as text: names, strings, numbers and signs. Facts as in autoit-ciphers.ts. */
import { utf16le, type View } from "../../bytes/index.ts";

/** Signs from 0x40 on. */
const SIGNS = [
  ",",
  "=",
  ">",
  "<",
  "<>",
  ">=",
  "<=",
  "(",
  ")",
  "+",
  "-",
  "/",
  "*",
  "&",
  "[",
  "]",
  "==",
  "^",
  "+=",
  "-=",
  "/=",
  "*=",
  "&=",
  "?",
  ":",
];
const LINE = 0x7f;
/** Lines of one script. */
const MAX_LINES = 1_000_000;

/** The script, and whether it was read to its end. Old builds give keywords and functions by number: `keyword#12`. */
export function detokenize(view: View): { text: string; whole: boolean } {
  const lines = Math.min(view.u32(0) ?? 0, MAX_LINES);
  const out: string[] = [];
  let line: string[] = [];
  let at = 4;
  const string = (): string | undefined => {
    const length = view.u32(at) ?? 0;
    const part = view.sub(at + 4, length * 2);
    if (part === undefined) return undefined;
    at += 4 + length * 2;
    const plain = new Uint8Array(part.length);
    for (let i = 0; i < plain.length; i += 2) {
      plain[i] = (part.bytes[i] as number) ^ (length & 0xff);
      plain[i + 1] = (part.bytes[i + 1] as number) ^ ((length >> 8) & 0xff);
    }
    return utf16le(plain);
  };
  const finish = (whole: boolean): { text: string; whole: boolean } => ({
    text: [...out, line.join(" ")].join("\r\n"),
    whole,
  });
  for (let n = 0; n < lines; ) {
    const op = view.u8(at++);
    if (op === undefined) return finish(false);
    if (op === LINE) {
      out.push(line.join(" "));
      line = [];
      n++;
    } else if (op === 0x00 || op === 0x01) {
      line.push(`${op === 0 ? "keyword" : "function"}#${view.u32(at) ?? 0}`);
      at += 4;
    } else if (op === 0x05) {
      line.push(String(view.i32(at) ?? 0));
      at += 4;
    } else if (op === 0x10) {
      line.push(String(view.i64(at) ?? 0n));
      at += 8;
    } else if (op === 0x20) {
      line.push(String(view.f64(at) ?? 0));
      at += 8;
    } else if (op >= 0x30 && op <= 0x37) {
      const text = string();
      if (text === undefined) return finish(false);
      const sign = op === 0x32 ? "@" : op === 0x33 ? "$" : op === 0x35 ? "." : "";
      line.push(op === 0x36 ? `"${text.replaceAll('"', '""')}"` : sign + text);
    } else {
      const sign = SIGNS[op - 0x40];
      if (op < 0x40 || sign === undefined) return finish(false);
      line.push(sign);
    }
  }
  return finish(true);
}
