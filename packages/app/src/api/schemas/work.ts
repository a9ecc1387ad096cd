/** The queue, dead letters, watches, rescans. */
import Type from "typebox";
import { Cursor, exact, Instant, Limit, Next, nullable, ref, Sha256, Text, Uuid } from "./common.ts";

export const QueueDepth = exact(
  {
    queued: Type.Integer(),
    active: Type.Integer(),
    dead: Type.Integer(),
    oldestSeconds: Type.Number({ description: "Age of the oldest that waits; 0: none waits" }),
    workers: Type.Integer(),
  },
  { $id: "QueueDepth" },
);

export const DeadLetterSchema = exact(
  {
    id: Uuid,
    sha256: Sha256,
    size: Type.Integer(),
    names: Type.Array(Type.String()),
    tries: Type.Integer(),
    worker: nullable(Type.String({ description: "Who had it last" })),
    queuedAt: Instant,
    diedAt: Instant,
    reason: Type.String(),
  },
  { $id: "DeadLetter", description: "A job that was given up" },
);
export const DeadPage = exact({ dead: Type.Array(ref(DeadLetterSchema)), next: Next }, { $id: "DeadPage" });
export const DeadQuery = exact({ cursor: Type.Optional(Cursor), limit: Type.Optional(Limit) });
export const DeadParams = exact({ id: Uuid });

export const Watch = exact(
  {
    value: Type.String(),
    addedAt: Instant,
    hits: Type.Integer({ description: "Samples that touched it since" }),
  },
  { $id: "Watch" },
);
export const WatchList = exact({ watches: Type.Array(ref(Watch)) }, { $id: "WatchList" });
export const WatchBody = exact({ value: Text }, { $id: "WatchBody" });
export const WatchQuery = exact({ value: Text });
export const WatchHitQuery = exact({
  value: Type.Optional(Text),
  cursor: Type.Optional(Cursor),
  limit: Type.Optional(Limit),
});
export const WatchHits = exact(
  {
    hits: Type.Array(
      exact({
        watch: Type.String(),
        sample: Sha256,
        type: Type.String(),
        value: Type.String(),
        defanged: Type.String(),
        at: Instant,
      }),
      { description: "Newest first" },
    ),
    next: Next,
  },
  { $id: "WatchHits" },
);

export const RescanBody = exact(
  {
    family: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
    since: Type.Optional(Type.String({ format: "date" })),
    layout: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
    unknown: Type.Optional(
      Type.Boolean({
        description: "Also samples in which nothing was found: a new layout may tell them apart",
      }),
    ),
  },
  { $id: "RescanBody", description: "Which stored samples to analyse again; all terms hold" },
);
export const Rescan = exact({ batch: Uuid }, { $id: "Rescan" });
