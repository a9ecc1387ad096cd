/** Texts of UTF-16 in malware may hold halves of surrogate pairs, which no UTF-8 can carry: they are mended before export. */
import type { Report } from "../model/index.ts";
import type { Form, LeftOut } from "./form.ts";

const HALF = /\p{Surrogate}/u;
const HALVES = /\p{Surrogate}/gu;

/** The same form, for a report that has been made whole; each text that had to be changed is told as left out. */
export function withWholeText(form: Form): Form {
  return {
    ...form,
    convert: (report, options) => {
      const broken = new Set<string>();
      findBroken(report, broken);
      if (broken.size === 0) return form.convert(report, options);
      const out = form.convert(mend(report) as Report, options);
      const told = [...broken].map(
        (value): LeftOut => ({ value, reason: "holds half of a surrogate pair: replaced by U+FFFD" }),
      );
      return { ...out, leftOut: [...out.leftOut, ...told] };
    },
  };
}

function findBroken(value: unknown, broken: Set<string>): void {
  if (typeof value === "string") {
    if (HALF.test(value)) broken.add(value);
  } else if (Array.isArray(value)) {
    for (const item of value) findBroken(item, broken);
  } else if (typeof value === "object" && value !== null) {
    for (const key of Object.keys(value)) {
      findBroken(key, broken);
      findBroken((value as Record<string, unknown>)[key], broken);
    }
  }
}

function mend(value: unknown): unknown {
  if (typeof value === "string") return value.replace(HALVES, "\ufffd");
  if (Array.isArray(value)) return value.map(mend);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key.replace(HALVES, "\ufffd"), mend(inner)]),
  );
}
