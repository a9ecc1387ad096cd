/** Why an archive, or a part of it, was not opened. */
import type { Exit } from "./seven-zip.ts";

export interface ContainerReason {
  readonly code:
    | "not-a-container"
    | "encrypted"
    | "damaged"
    | "links-ignored"
    | "too-many-members"
    | "over-budget"
    | "cut"
    | "needs-memory";
  readonly text: string;
}

/** Names that a reason quotes. */
const MAX_QUOTED = 3;
/** What 7-Zip says at the heap's limit. */
export const NO_MEMORY = /allocate|not enough memory/i;

/** Reasons of one archive, each once. */
export class Reasons {
  readonly all: ContainerReason[] = [];

  add(code: ContainerReason["code"], text: string): void {
    if (!this.all.some((reason) => reason.code === code && reason.text === text))
      this.all.push({ code, text });
  }

  encrypted(tried: readonly string[], what: string): void {
    this.add(
      "encrypted",
      `${what}: none of the ${tried.length} passwords tried opens it: ${tried.join(", ")}`,
    );
  }

  /** Of a run that gave nothing; `said` is what 7-Zip complained of. */
  failure(exit: Exit, said: string): void {
    if (NO_MEMORY.test(said)) this.add("needs-memory", "unpacking needs more memory than is allowed");
    else if (exit === "crashed" || /Unexpected end|Headers Error|Data Error|CRC/i.test(said))
      this.add("damaged", "the archive is damaged or truncated and cannot be read");
    else this.add("damaged", "7-Zip does not recognise this as an archive: damaged, or something else");
  }
}

export function quote(what: string, names: readonly string[]): string {
  const more = names.length - MAX_QUOTED;
  const shown = names.slice(0, MAX_QUOTED).map((name) => name.slice(0, 120));
  return `${what}: ${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
