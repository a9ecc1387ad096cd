/** The corpus in an exchange form, in chunks, however large it is. */
import type { Conversion, ExportOptions, Form, LeftOut, runConversion, Ties } from "@assay/core/export/form";
import { nearDuplicates } from "@assay/core/indicators/near-duplicates";
import { REPORT_SCHEMA, type Relation, type Sample } from "@assay/core/model/index";
import { relate } from "@assay/core/relations/index";
import type { Term } from "@assay/core/search/query";
import { ENGINE_VERSION } from "@assay/core/triage/report";
import { clusters } from "../store/clusters.ts";
import type { Database } from "../store/database.ts";
import { Joiner } from "./joiner.ts";
import { keepHeapLean } from "./lean-heap.ts";
import { type Selection, select } from "./selection.ts";

/** Forms that are for people, or graphs, are made whole: more samples than this no person reads. */
const MAX_WHOLE = 5_000;
/** Samples whose clusters are told, and hosts among which slips of a hand are looked for: both are held in memory. */
const MAX_CLUSTERED = 20_000;
const MAX_HOSTS = 20_000;
/** Samples of an export that is worth its own way with memory. */
const MANY = 20_000;
/** Forms that speak of clusters. */
const WITH_CLUSTERS: ReadonlySet<string> = new Set(["stix", "yara"]);

/** More than the form can hold; the text says what to do. */
export class ExportTooLarge extends Error {
  constructor(text: string) {
    super(text);
    this.name = "ExportTooLarge";
  }
}

export interface CorpusExport {
  /** To be read once; nothing is made before it is asked for. */
  readonly chunks: AsyncIterable<string>;
  /** Complete when the chunks are read to their end. */
  readonly leftOut: () => readonly LeftOut[];
  readonly notes: () => readonly string[];
  /** Results chosen, and when the newest was got: together with query, form, options and engine they make an ETag. */
  readonly results: number;
  readonly newest: string;
}

/** Throws ExportTooLarge, then or while the chunks are read. Second-hand knowledge is no part of it. */
export async function exportCorpus(
  db: Database,
  form: Form,
  terms: readonly Term[],
  options: ExportOptions,
): Promise<CorpusExport> {
  const selection = await select(db, terms);
  const head = {
    engine: { name: "assay" as const, version: ENGINE_VERSION, families: [] },
    startedAt: selection.newest,
  };
  const notes: string[] = [];
  if (form.open === undefined && selection.size > MAX_WHOLE)
    throw new ExportTooLarge(
      `${selection.size} samples are more than ${form.id} can show (${MAX_WHOLE}): ask for fewer`,
    );
  if (selection.size > MANY) keepHeapLean();
  const conversion: Conversion = form.open?.(head, options) ?? wholly(form, head, options);
  return {
    chunks: run(db, form, selection, conversion, notes),
    leftOut: () => conversion.leftOut(),
    notes: () => [...conversion.notes(), ...notes],
    results: selection.size,
    newest: selection.newest,
  };
}

async function* run(
  db: Database,
  form: Form,
  selection: Selection,
  { learn, begin, write, end }: Conversion,
  notes: string[],
): AsyncGenerator<string> {
  const hosts = new Hosts();
  if (learn !== undefined)
    for await (const { sample } of selection.samples()) {
      learn(sample);
      hosts.take(sample);
    }
  const joiner = new Joiner();
  const ties = { relations: hosts.slips(notes), clusters: await clustersOf(db, form, selection, notes) };
  yield* joiner.take(begin(ties));
  if (write !== undefined)
    for await (const { sample, engine } of selection.samples()) yield* joiner.take(write(sample, engine));
  yield* joiner.take(end());
  yield joiner.rest();
  if (selection.lost > 0) notes.push(`${selection.lost} results are damaged or gone, and left out`);
}

/** Hosts that may tie samples, among which pairs are looked for that one slip of a hand tells apart. */
class Hosts {
  readonly #keys = new Map<string, string>();

  take({ indicators }: Sample): void {
    if (this.#keys.size > MAX_HOSTS) return;
    for (const { type, value, linkable } of indicators)
      if (linkable && (type === "ipv4" || type === "domain")) this.#keys.set(value, `${type}:${value}`);
  }

  slips(notes: string[]): Relation[] {
    if (this.#keys.size > MAX_HOSTS) {
      notes.push(`more than ${MAX_HOSTS} hosts: not looked for those that are nearly the same`);
      return [];
    }
    return nearDuplicates(this.#keys.keys()).map(({ a, b, why }) => ({
      from: this.#keys.get(a) ?? a,
      to: this.#keys.get(b) ?? b,
      kind: "near-duplicate",
      weight: 0,
      why,
    }));
  }
}

/** The corpus' clusters as far as they lie in the selection. */
async function clustersOf(
  db: Database,
  form: Form,
  { files }: Selection,
  notes: string[],
): Promise<Ties["clusters"]> {
  if (!WITH_CLUSTERS.has(form.id)) return [];
  if (files.size > MAX_CLUSTERED) {
    notes.push(`more than ${MAX_CLUSTERED} samples: their clusters are left out`);
    return [];
  }
  return (await clusters(db)).flatMap((cluster) => {
    const samples = cluster.samples.filter((sha256) => files.has(sha256));
    return samples.length < 2 ? [] : [{ ...cluster, samples }];
  });
}

/** A form without a way to be written sample by sample, as if it had one. */
function wholly(
  form: Form,
  head: Parameters<NonNullable<Form["open"]>>[0],
  options: ExportOptions,
): Conversion {
  const samples: Sample[] = [];
  let out: ReturnType<typeof runConversion> | undefined;
  return {
    learn: (sample) => samples.push(sample),
    begin: () => {
      const { relations, clusters } = relate(samples);
      out = form.convert(
        { schema: REPORT_SCHEMA, ...head, elapsedMs: 0, samples, relations, clusters },
        options,
      );
      return [out.body];
    },
    end: () => [],
    leftOut: () => out?.leftOut ?? [],
    notes: () => out?.notes ?? [],
  };
}
