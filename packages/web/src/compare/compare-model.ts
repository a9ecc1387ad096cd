/** Two configs side by side: by section and field, what both have, what only one has, what differs. */
import type { Finding } from "../api-types.ts";
import { type Row, type Section, sectionsOf } from "../sample/config-model.ts";

export interface Pair {
  readonly label: string;
  readonly left: Row | undefined;
  readonly right: Row | undefined;
  readonly same: boolean;
  /** Another address on the same host: the two RATs of one operator differ in their ports. */
  readonly near: boolean;
}

export interface PairSection {
  readonly id: Section["id"];
  readonly title: string;
  readonly pairs: readonly Pair[];
}

const ORDER: readonly Section["id"][] = [
  "c2",
  "connections",
  "identity",
  "install",
  "behaviour",
  "secrets",
  "raw",
];

export function compareFindings(left: Finding, right: Finding): PairSection[] {
  const [a, b] = [sectionsOf(left), sectionsOf(right)];
  return ORDER.flatMap((id): PairSection[] => {
    const [x, y] = [a.find((one) => one.id === id), b.find((one) => one.id === id)];
    const title = x?.title ?? y?.title;
    if (title === undefined) return [];
    return [{ id, title, pairs: pairsOf(x?.rows ?? [], y?.rows ?? [], id === "raw") }];
  });
}

/** Lists are compared as sets: a C2 that moved from first to third is the same C2. Raw fields by their place. */
function pairsOf(left: readonly Row[], right: readonly Row[], byPlace: boolean): Pair[] {
  const labels = [...new Set([...left, ...right].map(({ label }) => label))];
  return labels.flatMap((label) => {
    const mine = left.filter((row) => row.label === label);
    const theirs = [...right.filter((row) => row.label === label)];
    const pairs: Pair[] = [];
    const alone: Row[] = [];
    for (const row of mine) {
      const at = theirs.findIndex(({ value }) => value === row.value);
      if (at < 0) alone.push(row);
      else pairs.push({ label, left: row, right: theirs.splice(at, 1)[0], same: true, near: false });
    }
    // On the same host, with another port, scheme or path.
    for (const row of [...alone]) {
      const host = hostOf(row.value);
      const at = host === undefined ? -1 : theirs.findIndex(({ value }) => hostOf(value) === host);
      if (at < 0) continue;
      alone.splice(alone.indexOf(row), 1);
      pairs.push({ label, left: row, right: theirs.splice(at, 1)[0], same: false, near: true });
    }
    // A field with one value on either side differs; of lists, each value stands alone.
    if (byPlace || (mine.length === 1 && alone.length === 1 && theirs.length === 1)) {
      const [one] = alone;
      const [other] = theirs;
      if (one !== undefined || other !== undefined)
        pairs.push({ label, left: one, right: other, same: false, near: false });
      return pairs;
    }
    return [
      ...pairs,
      ...alone.map((row): Pair => ({ label, left: row, right: undefined, same: false, near: false })),
      ...theirs.map((row): Pair => ({ label, left: undefined, right: row, same: false, near: false })),
    ];
  });
}

/** Of `scheme://host[:port][/path]`; undefined for what is no address. */
export function hostOf(value: string): string | undefined {
  return /^[a-z][a-z0-9+.-]*:\/\/(\[[^\]]+\]|[^/:?#]+)/i.exec(value)?.[1]?.toLowerCase();
}
