/** What `assay push` does, loaded when it is asked for. */
import { printable } from "@assay/core/export/escape";
import { findForm } from "@assay/core/export/registry";
import { ExportTooLarge, exportCorpus } from "../exchange/export-corpus.ts";
import { FORM_OF, push } from "../exchange/push/push.ts";
import { pushSettings } from "../exchange/push/settings.ts";
import type { TargetKind } from "../exchange/push/target.ts";
import { withCorpus } from "./corpus-place.ts";
import { corpusFlags, exportOptions, queryTerms, readReport } from "./export-report.ts";
import { UsageError } from "./options.ts";
import { emit, json } from "./output.ts";
import type { PushFlags } from "./push.ts";

/** The other side refused something, or all of it. */
const REFUSED_STATUS = 1;
/** Refusals told one by one. */
const MAX_TOLD = 20;
/** Characters of one push: a platform takes no more at once, and all of it is held in memory. */
const MAX_BODY = 200 * 1024 ** 2;

export async function pushTo(target: TargetKind, flags: PushFlags): Promise<void> {
  const settings = pushSettings(target, flags, process.env);
  if (!settings.ok) throw new UsageError(settings.error.text);
  for (const warning of settings.value.warnings) console.error(`assay: ${printable(warning)}`);
  const { body, notes } = await bodyOf(target, flags);
  for (const note of notes) console.error(`assay: note: ${printable(note)}`);
  const { href } = settings.value.base;
  if (flags.dryRun) {
    const what = describe(body);
    if (flags.json) emit(json({ target, url: href, dryRun: true, ...what }), undefined);
    else
      console.error(
        `assay: would send ${what.count} ${what.of} (${what.id}, ${body.length} characters) to ${printable(href)}`,
      );
    return;
  }
  const answer = await push(settings.value, body, {
    ...(flags.connector === undefined ? {} : { connector: flags.connector }),
    onProgress: (text) => console.error(`assay: ${printable(text)}`),
  });
  if (!answer.ok) {
    console.error(`assay: ${printable(answer.error.text)}`);
    process.exitCode = REFUSED_STATUS;
    if (flags.json) emit(json({ target, url: href, error: answer.error }), undefined);
    return;
  }
  const { outcome, sent, refused } = answer.value;
  console.error(`assay: ${printable(outcome)}: ${sent - refused.length} of ${sent} taken`);
  for (const { what, why } of refused.slice(0, MAX_TOLD))
    console.error(`assay:   refused: ${printable(what)}: ${printable(why)}`);
  if (refused.length > MAX_TOLD) console.error(`assay:   refused: ${refused.length - MAX_TOLD} more`);
  if (flags.json) emit(json({ target, url: href, ...answer.value }), undefined);
  if (refused.length > 0) process.exitCode = REFUSED_STATUS;
}

async function bodyOf(
  target: TargetKind,
  flags: PushFlags,
): Promise<{ body: string; notes: readonly string[] }> {
  const form = findForm(FORM_OF[target]);
  if (form === undefined) throw new Error(`no form ${FORM_OF[target]}`);
  const options = exportOptions(flags);
  const { corpus } = flags;
  if (corpus === undefined) {
    const { body, notes } = form.convert(await readReport(flags.report), options);
    return { body, notes };
  }
  if (flags.report !== undefined) throw new UsageError("--report or --corpus, not both");
  const terms = queryTerms(corpus);
  return withCorpus(corpusFlags(flags), async ({ db }) => {
    try {
      const out = await exportCorpus(db, form, terms, options);
      if (out.results === 0) throw new UsageError("nothing in the corpus meets the query");
      const parts: string[] = [];
      let size = 0;
      for await (const chunk of out.chunks) {
        size += chunk.length;
        if (size > MAX_BODY)
          throw new ExportTooLarge(`more than ${MAX_BODY} characters at once: ask for fewer samples`);
        parts.push(chunk);
      }
      return { body: parts.join(""), notes: out.notes() };
    } catch (error) {
      if (error instanceof ExportTooLarge) throw new UsageError(error.message);
      throw error;
    }
  });
}

function describe(body: string): { id: string; count: number; of: string } {
  const { Event, id, objects } = JSON.parse(body) as {
    readonly Event?: { readonly uuid: string; readonly Object: readonly unknown[] };
    readonly id?: string;
    readonly objects?: readonly unknown[];
  };
  return Event === undefined
    ? { id: id ?? "", count: objects?.length ?? 0, of: "STIX objects" }
    : { id: `event ${Event.uuid}`, count: Event.Object.length, of: "MISP objects" };
}
