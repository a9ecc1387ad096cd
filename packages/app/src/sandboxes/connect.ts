/** From settings to a client of that sandbox. */
import { Cape } from "./cape.ts";
import type { Tools } from "./download.ts";
import { Drakvuf } from "./drakvuf.ts";
import type { Sandbox, SandboxKind } from "./sandbox.ts";
import { Triage } from "./triage.ts";

/** How each API wants its token. */
const SCHEMES: Readonly<Record<SandboxKind, string>> = { cape: "Token", triage: "Bearer", drakvuf: "Bearer" };

export function authorization(kind: SandboxKind, token: string): string {
  return `${SCHEMES[kind]} ${token}`;
}

export function connect(kind: SandboxKind, tools: Tools): Sandbox {
  switch (kind) {
    case "cape":
      return new Cape(tools);
    case "triage":
      return new Triage(tools);
    case "drakvuf":
      return new Drakvuf(tools);
  }
}
