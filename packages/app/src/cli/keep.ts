/** Keeps what a command finds in a corpus, loaded when it is asked for. */
import { printable } from "@assay/core/export/escape";
import { families } from "@assay/core/families/index";
import { defangIndicator } from "@assay/core/indicators/defang";
import { ENGINE_VERSION } from "@assay/core/triage/report";
import type { OnSample } from "../batch/triage.ts";
import { CorpusWriter, type Stored } from "../store/writer.ts";
import { type CorpusFlags, openPlace, told } from "./corpus-place.ts";

export interface Keeper {
  readonly take: OnSample;
  /** Writes what waits and lets go of the corpus. */
  readonly close: () => Promise<void>;
  /** Says on stderr what was kept, and who waited for it. */
  readonly tell: () => void;
}

/** Notes and watched values told one by one. */
const MAX_TOLD = 20;

export async function keepIn(flags: CorpusFlags, maxBytes: number): Promise<Keeper> {
  const corpus = await openPlace(flags, "make");
  const run = {
    startedAt: new Date().toISOString(),
    engine: ENGINE_VERSION,
    families: families.map(({ id }) => id),
  };
  const writer = new CorpusWriter(corpus, run, maxBytes);
  let stored: Stored | undefined;
  return {
    take: (sample, path) => told(() => writer.add(sample, path)),
    close: async () => {
      try {
        stored = await told(() => writer.end());
      } finally {
        await corpus.close();
      }
    },
    tell: () => {
      if (stored !== undefined) tell(stored);
    },
  };
}

function tell({ samples, newHoldings, blobs, notes, hits }: Stored): void {
  for (const note of notes.slice(0, MAX_TOLD)) console.error(`assay: ${printable(note)}`);
  if (notes.length > MAX_TOLD) console.error(`assay: ${notes.length - MAX_TOLD} more were not kept`);
  console.error(`assay: corpus: ${samples} results, ${newHoldings} new ties, ${blobs} new files kept`);
  for (const { watch, sample, type, value } of hits.slice(0, MAX_TOLD))
    console.error(
      `assay: watched: ${printable(watch)}: ${sample} has ${type} ${printable(defangIndicator(type, value))}`,
    );
  if (hits.length > MAX_TOLD)
    console.error(`assay: watched: ${hits.length - MAX_TOLD} more, see assay watch list`);
}
