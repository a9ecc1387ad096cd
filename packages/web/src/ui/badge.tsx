import { plain } from "../hostile-text.ts";

const TONES: Readonly<Record<string, string>> = {
  config: "good",
  proved: "good",
  done: "good",
  structural: "",
  identified: "warn",
  heuristic: "warn",
  active: "",
  unknown: "dim",
  unsupported: "dim",
  queued: "dim",
  failed: "bad",
  dead: "bad",
};

/** An outcome, a confidence or a state. */
export function Badge({ value }: { readonly value: string }) {
  return <span className={`badge ${TONES[value] ?? ""}`}>{plain(value)}</span>;
}

/** `win.quasar_rat` as people say it: `quasar RAT`. */
export function familyName(id: string): string {
  const words = id.replace(/^[a-z]+\./, "").split("_");
  return plain(words.map((word) => (word === "rat" ? "RAT" : word)).join(" "));
}
