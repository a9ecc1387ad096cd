import { type Found, found, latin1, type View } from "../../bytes/index.ts";
import type { Space } from "../space.ts";
import { MAX_NAME } from "./constants.ts";

/** A NUL-terminated one-byte text at `offset`, MAX_NAME bytes at most. Never looks further than that. */
export function nameAt(view: View, offset: number): Found<string> | undefined {
  if (!(offset >= 0 && offset < view.length)) return undefined;
  const length = view.bytes.subarray(offset, offset + MAX_NAME + 1).indexOf(0);
  if (length < 0) return undefined;
  return found(latin1(view.bytes.subarray(offset, offset + length)), view.span(offset, length));
}

/** The name at an RVA; undefined when it is empty, unmapped, or holds control characters. */
export function printableName(space: Space, rva: number): string | undefined {
  const offset = rva > 0 ? space.offsetOfRva(rva) : undefined;
  const name = offset === undefined ? undefined : nameAt(space.view, offset)?.value;
  if (name === undefined || name.length === 0) return undefined;
  for (let i = 0; i < name.length; i++) if (name.charCodeAt(i) < 0x20) return undefined;
  return name;
}

/** Chars of all names of one table; thousands of decorated C++ names stay below it. */
const MAX_NAMES_TOTAL = 1 << 24;

/** Ends a table whose entries all lead to the same long text, which would multiply it. */
export class NameBudget {
  #left = MAX_NAMES_TOTAL;

  /** False once the table has used up its chars. */
  take(chars: number): boolean {
    this.#left -= chars;
    return this.#left >= 0;
  }
}
