import Type, { type Static } from "typebox";
import { Cursor, exact, Instant, Limit, Next, nullable, oneOf, ref, Sha256, Uuid } from "./common.ts";

export const SampleState = oneOf(["queued", "active", "done", "failed", "dead"], {
  description: "failed: its result says why; dead: given up without a result, see /api/v1/dead",
});

export const Accepted = exact(
  {
    batch: Uuid,
    accepted: Type.Array(
      exact({
        sha256: Sha256,
        name: Type.String(),
        size: Type.Integer(),
        job: Type.Optional(Uuid),
        state: oneOf(["queued", "known"], { description: "known: its result stands, with this engine" }),
      }),
      { description: "In the order of the upload. Each is stored for good when this is answered" },
    ),
  },
  { $id: "Accepted" },
);

/** For the document; the parts are read as a stream. */
export const UploadForm = Type.Object(
  {
    file: Type.Array(Type.String({ format: "binary" }), {
      description: "Files and archives, as many as wanted",
    }),
    password: Type.Optional(
      Type.Array(Type.String(), { description: "For archives, tried before the usual ones" }),
    ),
    priority: Type.Optional(oneOf(["analyst", "feed"], { default: "analyst" })),
    memory: Type.Optional(oneOf(["raw", "region"], { description: "Take the files for memory" })),
    base: Type.Optional(Type.String({ description: "Address of a region's first byte, in hex" })),
    batch: Type.Optional(
      Type.String({
        format: "uuid",
        description: "Adds to this batch, or begins it under this id: for what does not fit in one request",
      }),
    ),
  },
  { $id: "UploadForm" },
);

const Counts = exact({
  queued: Type.Integer(),
  active: Type.Integer(),
  done: Type.Integer(),
  failed: Type.Integer(),
  dead: Type.Integer(),
});

const Kind = oneOf(["upload", "rescan"]);

export const BatchSummary = exact(
  { id: Uuid, kind: Kind, createdAt: Instant, total: Type.Integer({ description: "Samples in it" }) },
  { $id: "BatchSummary" },
);

export const BatchPage = exact(
  { batches: Type.Array(ref(BatchSummary), { description: "Newest first" }), next: Next },
  { $id: "BatchPage" },
);

export const BatchSample = exact(
  {
    sha256: Sha256,
    name: Type.String(),
    state: SampleState,
    tries: Type.Integer({ description: "How often a worker took it up" }),
    outcome: nullable(Type.String({ description: "As in the report" })),
    stage: nullable(Type.String({ description: "Where it failed" })),
    reason: nullable(Type.String({ description: "Why it failed" })),
  },
  { $id: "BatchSample" },
);

export const BatchDetail = exact(
  {
    id: Uuid,
    kind: Kind,
    createdAt: Instant,
    total: Type.Integer(),
    byState: Counts,
    ended: Type.Boolean({ description: "Nothing in it will change any more" }),
    events: Type.Integer({ description: "Number of the newest event: to listen from here on" }),
    samples: Type.Array(ref(BatchSample), { description: "In the order of the upload" }),
    next: Next,
  },
  { $id: "BatchDetail" },
);

export const BatchParams = exact({ batch: Uuid });
export const BatchListQuery = exact({ cursor: Type.Optional(Cursor), limit: Type.Optional(Limit) });
export const BatchQuery = exact({
  state: Type.Optional(SampleState),
  cursor: Type.Optional(Cursor),
  limit: Type.Optional(Limit),
});

export const EventsHeaders = Type.Object({
  "last-event-id": Type.Optional(Type.String({ pattern: "^[0-9]{0,9}$" })),
});
export const EventsQuery = exact({
  since: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 2_000_000_000,
      description: "As Last-Event-ID, for clients that cannot send it",
    }),
  ),
});
export const BatchEvent = exact(
  {
    id: Type.Integer(),
    at: Instant,
    sha256: Sha256,
    name: Type.String(),
    state: SampleState,
    outcome: nullable(Type.String()),
    stage: nullable(Type.String()),
    reason: nullable(Type.String()),
  },
  { $id: "BatchEvent", description: "`data` of an event `sample`" },
);
export type BatchEvent = Static<typeof BatchEvent>;
