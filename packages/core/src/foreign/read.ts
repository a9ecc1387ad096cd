/** What somebody else wrote, in whichever form: the one place that knows them all. */
import { fail, latin1, ok, type Result, utf8, utf16le } from "../bytes/index.ts";
import { isCape, readCape } from "./cape.ts";
import { type ForeignReport, Reading } from "./claim.ts";
import { looksLikeCsv, readCsv } from "./csv.ts";
import { FOREIGN_FORMS, type ForeignForm } from "./forms.ts";
import { depthExceeds, MAX_DEPTH } from "./json.ts";
import { isMaco, readMaco } from "./maco.ts";
import { isMisp, readMisp } from "./misp.ts";
import { isMwdb, readMwdb } from "./mwdb.ts";
import { readText } from "./text.ts";
import { isTriage, readTriage } from "./triage.ts";

interface JsonForm {
  readonly title: string;
  readonly is: (value: unknown) => boolean;
  readonly read: (value: unknown, reading: Reading) => void;
}

interface TextForm {
  readonly title: string;
  readonly isText: (text: string) => boolean;
  readonly readText: (text: string, reading: Reading) => void;
}

const FORMS = {
  misp: { title: "MISP event", is: isMisp, read: readMisp },
  cape: { title: "CAPE report.json", is: isCape, read: readCape },
  triage: { title: "Triage overview", is: isTriage, read: readTriage },
  mwdb: { title: "MWDB config", is: isMwdb, read: readMwdb },
  maco: { title: "MACO model", is: isMaco, read: readMaco },
  csv: { title: "CSV of indicators", isText: looksLikeCsv, readText: readCsv },
  text: { title: "text with indicators", isText: (text: string) => !text.includes("\0"), readText },
} as const satisfies Readonly<Record<ForeignForm, JsonForm | TextForm>>;

/** Larger files are refused: all of one is held as text and as values. */
export const MAX_FOREIGN_BYTES = 64 * 1024 * 1024;

const NO_TEXT = "no text: neither JSON nor CSV nor anything to read";

export interface Foreign extends ForeignReport {
  readonly form: ForeignForm;
  readonly title: string;
}

/** Detects the form unless one is named. The error says in words why nothing can be read. */
export function readForeign(bytes: Uint8Array, named?: ForeignForm): Result<Foreign, string> {
  if (bytes.length > MAX_FOREIGN_BYTES) return fail(`more than ${MAX_FOREIGN_BYTES} bytes`);
  const text = textOf(bytes);
  if (text === undefined) return fail(NO_TEXT);
  const parsed = jsonOf(text);
  if (parsed !== undefined && depthExceeds(parsed.value, MAX_DEPTH))
    return fail(`nested more than ${MAX_DEPTH} deep`);
  const form = named ?? detect(text, parsed?.value);
  if (form === undefined) return fail(parsed === undefined ? NO_TEXT : "JSON, but of no form that is known");
  const spec: JsonForm | TextForm = FORMS[form];
  const reading = new Reading();
  if ("read" in spec) {
    if (parsed === undefined) return fail(`no JSON, so no ${spec.title}`);
    if (!spec.is(parsed.value)) return fail(`no ${spec.title}`);
    spec.read(parsed.value, reading);
  } else spec.readText(text, reading);
  return ok({ ...reading.report, form, title: spec.title });
}

/** In the order of the list. Somebody's JSON of another kind is no text to look for addresses in. */
function detect(text: string, value: unknown): ForeignForm | undefined {
  if (typeof value === "object" && value !== null)
    return FOREIGN_FORMS.find((id) => {
      const spec: JsonForm | TextForm = FORMS[id];
      return "is" in spec && spec.is(value);
    });
  return FOREIGN_FORMS.find((id) => {
    const spec: JsonForm | TextForm = FORMS[id];
    return "isText" in spec && spec.isText(text);
  });
}

/** UTF-8, UTF-16LE by its mark, else one byte a character; undefined when that would give NULs, as of a program. */
function textOf(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return utf16le(bytes.subarray(2));
  return utf8(bytes) ?? (bytes.includes(0) ? undefined : latin1(bytes));
}

function jsonOf(text: string): { readonly value: unknown } | undefined {
  if (!/^\ufeff?\s*[[{]/.test(text)) return undefined;
  try {
    return { value: JSON.parse(text.replace(/^\ufeff/, "")) };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
