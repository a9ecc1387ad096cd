/** `powershell -EncodedCommand <base64>` in command lines, whatever the language around it. */
import { latin1Bytes } from "../../bytes/index.ts";
import { decodeBase64, UNPADDED } from "../../codecs/index.ts";
import { MAX_BLOCKS } from "./limits.ts";

export interface EncodedCommand {
  /** Place of the base64. */
  readonly at: number;
  readonly length: number;
}

const SWITCH = "encodedcommand";
const MIN_COMMAND = 16;

function isBase64(code: number): boolean {
  return (
    (code >= 48 && code <= 57) ||
    (code >= 65 && code <= 90) ||
    (code >= 97 && code <= 122) ||
    code === 0x2b ||
    code === 0x2f
  );
}

/** Every switch that abbreviates EncodedCommand (`-e`, `-ec`, `-enc`, `/enc` …) with UTF-16LE text in base64 behind it. */
export function encodedCommands(text: string): EncodedCommand[] {
  const found: EncodedCommand[] = [];
  for (const sign of ["-", "/", "\u2013"]) {
    let at = text.indexOf(sign);
    while (at >= 0 && found.length < MAX_BLOCKS) {
      const command = commandAt(text, at);
      if (command !== undefined) found.push(command);
      at = text.indexOf(sign, command === undefined ? at + 1 : command.at + command.length);
    }
  }
  return found;
}

function commandAt(text: string, at: number): EncodedCommand | undefined {
  const first = text.charCodeAt(at + 1) | 0x20;
  if (first !== 0x65) return undefined;
  let end = at + 1;
  while (end < text.length && end - at <= 2 * SWITCH.length && /[a-z^`]/i.test(text.charAt(end))) end++;
  const word = text
    .slice(at + 1, end)
    .toLowerCase()
    .replace(/[\^`]/g, "");
  if (word !== "ec" && !SWITCH.startsWith(word)) return undefined;
  let start = end;
  while (start < text.length && start - end < 16 && /[\s"':^,[\]]/.test(text.charAt(start))) start++;
  if (start === end) return undefined;
  let stop = start;
  while (stop < text.length && isBase64(text.charCodeAt(stop))) stop++;
  while (stop < text.length && text.charCodeAt(stop) === 0x3d) stop++;
  if (stop - start < MIN_COMMAND) return undefined;
  const head = text.slice(start, start + 64).replace(/=+$/, "");
  const bytes = decodeBase64(latin1Bytes(head.slice(0, head.length - (head.length % 4))), UNPADDED);
  if (bytes === undefined) return undefined;
  // UTF-16LE of mostly ASCII.
  let wide = 0;
  for (let i = 1; i < bytes.length; i += 2) if (bytes[i] === 0) wide++;
  return wide * 4 >= bytes.length ? { at: start, length: stop - start } : undefined;
}
