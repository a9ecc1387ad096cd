/** Forms that are an array of JSON, an entry or more for each file, nothing known of the others. */
import { filesOfSample, type ReportedFile } from "./files.ts";
import { type Conversion, JsonArray, Omissions } from "./form.ts";

export interface JsonList {
  /** What stands before and behind the array, and how deep it lies. */
  readonly open: string;
  readonly close: string;
  readonly depth: number;
  readonly entries: (file: ReportedFile, omissions: Omissions) => readonly unknown[];
  readonly notes?: readonly string[];
}

export function jsonList({ open, close, depth, entries, notes = [] }: JsonList): () => Conversion {
  return () => {
    const array = new JsonArray(depth);
    const omissions = new Omissions();
    return {
      begin: () => [open],
      write: function* (sample) {
        for (const file of filesOfSample(sample))
          for (const entry of entries(file, omissions)) yield array.entry(entry);
      },
      end: () => [array.close(), close],
      leftOut: () => omissions.list,
      notes: () => notes,
    };
  };
}
