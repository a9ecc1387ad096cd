/** A batch as its table shows it. */
import Type, { type Static } from "typebox";
import { SampleState } from "./batches.ts";
import { Cursor, exact, Next, nullable, ref, Sha256 } from "./common.ts";
import { FoundFamily } from "./samples.ts";

/** Files of one page: a batch of 100,000 is read in as many requests as a client has in a minute many times over. */
export const MAX_TABLE_PAGE = 1000;

export const BatchTableRow = exact(
  {
    n: Type.Integer({ description: "Number of the file in the batch, from 1" }),
    file: Type.String({ description: "SHA-256 of what was uploaded: the sample itself, or its archive" }),
    sha256: Sha256,
    name: Type.String({ description: "Of a file in an archive: the archive's, and its own behind it" }),
    state: SampleState,
    outcome: nullable(Type.String({ description: "As in the report" })),
    stage: nullable(Type.String()),
    reason: nullable(Type.String({ description: "Why it failed, or why there is no config" })),
    families: Type.Array(Type.String(), { description: "Found or identified" }),
    findings: Type.Array(FoundFamily),
    shared: Type.Array(
      exact({
        value: Type.String({ description: "Host; not defanged" }),
        samples: Type.Integer({ description: "Of the corpus that have it, this one too" }),
      }),
      { description: "C2 hosts that other samples have too, in config order" },
    ),
    cluster: nullable(Type.String({ description: "Samples that strong ties bind together have the same" })),
  },
  { $id: "BatchTableRow" },
);
export type BatchTableRow = Static<typeof BatchTableRow>;

export const BatchTable = exact(
  { rows: Type.Array(ref(BatchTableRow), { description: "In the order of the upload" }), next: Next },
  { $id: "BatchTable" },
);

export const BatchTableQuery = exact({
  cursor: Type.Optional(Cursor),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_TABLE_PAGE, default: 200 })),
});
