/** Forms that say all they say of the indicators of all files together: lists and rules. */
import { filesOfSample } from "./files.ts";
import type { Conversion, ExportOptions, Head, LeftOut, Ties } from "./form.ts";
import { type Gathered, Gatherer } from "./gather.ts";

/** Everything that such a form is made from. */
export interface Gleaned {
  /** Best first; can be gone through again. */
  readonly gathered: Iterable<Gathered>;
  readonly ties: Ties;
  readonly head: Head;
  readonly options: ExportOptions;
}

/** What is left out, and the notes, may grow while the chunks are read. */
export interface Listed {
  readonly chunks: Iterable<string>;
  readonly leftOut: readonly LeftOut[];
  readonly notes: readonly string[];
}

export function listed(
  make: (gleaned: Gleaned) => Listed,
): (head: Head, options: ExportOptions) => Conversion {
  return (head, options) => {
    const gatherer = new Gatherer();
    let out: Listed | undefined;
    return {
      learn: (sample) => {
        for (const file of filesOfSample(sample)) gatherer.add(file);
      },
      begin: (ties) => {
        out = make({ gathered: gatherer.all(), ties, head, options });
        return out.chunks;
      },
      end: () => [],
      leftOut: () => out?.leftOut ?? [],
      notes: () => out?.notes ?? [],
    };
  };
}
