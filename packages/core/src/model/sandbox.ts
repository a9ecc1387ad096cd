/** Which values a sandbox and this report say, each under the name that its finder gave it. */
import type { Sandbox } from "./report.ts";

export interface SaidValue {
  readonly in: Sandbox["differences"][number]["in"];
  /** The sandbox's name for it, otherwise ours; empty when neither is known. As it came: not made printable. */
  readonly name: string;
  readonly value: string;
  /** JSON Pointer within the sample, where this report has it too. */
  readonly ours?: string;
}

/** Who says a value, in words. */
export const SAID_BY: Readonly<Record<SaidValue["in"], string>> = {
  both: "both",
  sandbox: "sandbox only",
  assay: "assay only",
};

/** What is read of a `Sandbox`. */
export interface Said {
  readonly differences: readonly Readonly<Sandbox["differences"][number]>[];
  readonly configs: readonly { readonly values: readonly { readonly name: string }[] }[];
}

/** In the order of the differences. */
export function saidValues(sandbox: Said): SaidValue[] {
  return sandbox.differences.map(({ in: where, value, theirs, ours }) => ({
    ...{ in: where, value },
    name: theirs === undefined ? ourName(ours ?? "") : theirName(sandbox, theirs),
    ...(ours === undefined ? {} : { ours }),
  }));
}

/** The sandbox's own name of a value: `/configs/0/values/2`. */
function theirName(sandbox: Said, pointer: string): string {
  const [, , config, , value] = pointer.split("/");
  return sandbox.configs[Number(config)]?.values[Number(value)]?.name ?? "";
}

/** Our own: `/findings/0/c2/1` → c2, `/findings/0/config/mutex` → mutex. */
function ourName(pointer: string): string {
  const [, , , part = "", field] = pointer.split("/");
  return part === "config" ? (field ?? "") : part;
}
