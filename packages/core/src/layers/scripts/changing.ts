/** Which names of a script cannot be taken for constants. */
import type { Dialect } from "./dialect.ts";
import type { Token } from "./token.ts";

/** Names that hold no constant: set in a loop, counted, or parameters. */
export function changingNames(tokens: readonly Token[], dialect: Dialect): ReadonlySet<string> {
  const names = new Set<string>();
  /** Open braces, true for a loop's. */
  const braces: boolean[] = [];
  let loops = 0;
  let pending = false;
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as Token;
    if (token.type === "name" && dialect.loopEnds.size > 0) {
      if (dialect.loops.has(token.text) && tokens[i - 1]?.text !== "exit" && tokens[i - 1]?.text !== "loop") {
        if (tokens[i - 1]?.type === "newline" || i === 0 || tokens[i - 1]?.text === ":") loops++;
      } else if (dialect.loopEnds.has(token.text) && loops > 0) loops--;
    } else if (token.type === "name" && dialect.loops.has(token.text)) pending = true;
    if (token.text === "{" && token.type === "op") {
      braces.push(pending);
      if (pending) loops++;
      pending = false;
    } else if (token.text === "}" && token.type === "op") {
      if (braces.pop() === true) loops--;
    }
    if (dialect.definitions.has(token.text)) {
      const open = tokens[i + 1]?.text === "(" ? i + 1 : i + 2;
      if (tokens[open]?.text === "(")
        for (let k = open + 1; k < tokens.length && k < open + 256 && tokens[k]?.text !== ")"; k++)
          if (dialect.isVariable(tokens[k] as Token)) names.add((tokens[k] as Token).text);
    }
    if (!dialect.isVariable(token)) continue;
    const next = tokens[i + 1]?.text ?? "";
    const before = tokens[i - 1]?.text ?? "";
    if (next === "++" || next === "--" || before === "++" || before === "--") names.add(token.text);
    else if ((loops > 0 || pending) && (dialect.assigns.has(next) || next === "in" || before === "each"))
      names.add(token.text);
  }
  return names;
}
