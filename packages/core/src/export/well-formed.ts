/** Texts of UTF-16 in malware may hold halves of surrogate pairs, which no UTF-8 can carry: they are mended before export. */
import type { Sample } from "../model/index.ts";
import type { Conversion, ExportOptions, Form, Head, LeftOut, Ties } from "./form.ts";

const HALF = /\p{Surrogate}/u;
/** Of ES2024, many times faster than the expression where it is there. */
const { isWellFormed } = String.prototype as { readonly isWellFormed?: (this: string) => boolean };
const HALVES = /\p{Surrogate}/gu;

/** The same form, for a report that has been made whole; each text that had to be changed is told as left out. */
export function withWholeText(form: Form): Form {
  const { open } = form;
  return {
    ...form,
    convert: (report, options) => {
      const broken = new Set<string>();
      const out = form.convert(whole(report, broken), options);
      if (broken.size === 0) return out;
      return { ...out, leftOut: [...out.leftOut, ...told(broken)] };
    },
    ...(open === undefined ? {} : { open: (head, options) => openWhole(open, head, options) }),
  };
}

function openWhole(open: NonNullable<Form["open"]>, head: Head, options: ExportOptions): Conversion {
  const broken = new Set<string>();
  const inner = open(whole(head, broken), options);
  const { learn, write } = inner;
  return {
    ...(learn === undefined ? {} : { learn: (sample: Sample) => learn(whole(sample, broken)) }),
    begin: ({ relations, clusters }: Ties) => inner.begin(whole({ relations, clusters }, broken)),
    ...(write === undefined
      ? {}
      : {
          write: (sample: Sample, engine?: string) => write(whole(sample, broken), engine),
        }),
    end: () => inner.end(),
    leftOut: () => (broken.size === 0 ? inner.leftOut() : [...inner.leftOut(), ...told(broken)]),
    notes: () => inner.notes(),
  };
}

function told(broken: ReadonlySet<string>): LeftOut[] {
  return [...broken].map((value) => ({
    value,
    reason: "holds half of a surrogate pair: replaced by U+FFFD",
  }));
}

/** The value itself when nothing in it is broken. */
function whole<T>(value: T, broken: Set<string>): T {
  return findBroken(value, broken) ? (mend(value) as T) : value;
}

/** Whether there was anything, also what is known already. */
function findBroken(value: unknown, broken: Set<string>): boolean {
  if (typeof value === "string") {
    const isBroken = isWellFormed === undefined ? HALF.test(value) : !isWellFormed.call(value);
    if (isBroken) broken.add(value);
    return isBroken;
  }
  if (typeof value !== "object" || value === null) return false;
  let found = false;
  if (Array.isArray(value)) {
    for (const item of value) if (findBroken(item, broken)) found = true;
  } else {
    for (const key of Object.keys(value)) {
      if (findBroken(key, broken)) found = true;
      if (findBroken((value as Record<string, unknown>)[key], broken)) found = true;
    }
  }
  return found;
}

function mend(value: unknown): unknown {
  if (typeof value === "string") return value.replace(HALVES, "\ufffd");
  if (Array.isArray(value)) return value.map(mend);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key.replace(HALVES, "\ufffd"), mend(inner)]),
  );
}
