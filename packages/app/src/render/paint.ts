/** Colours, or none. */
export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  heading(text: string): string;
  /** Colours an outcome or a confidence by what it means. */
  outcome(word: string): string;
}

const sgr =
  (code: number) =>
  (text: string): string =>
    `\x1b[${code}m${text}\x1b[0m`;

const COLOURS: Readonly<Record<string, number>> = {
  proved: 32,
  structural: 32,
  heuristic: 33,
  identified: 33,
  failed: 31,
  unsupported: 2,
  unknown: 2,
};

const plain: Paint = {
  bold: (text) => text,
  dim: (text) => text,
  heading: (text) => text,
  outcome: (word) => word,
};
const colour: Paint = {
  bold: sgr(1),
  dim: sgr(2),
  heading: sgr(1),
  outcome: (word) => (COLOURS[word] === undefined ? word : sgr(COLOURS[word])(word)),
};

/** Colours only on a terminal that wants them (NO_COLOR, TERM=dumb, --no-color turn them off). */
export function paintFor(stream: { readonly isTTY?: boolean }, wanted: boolean): Paint {
  const on = wanted && stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb";
  return on ? colour : plain;
}
