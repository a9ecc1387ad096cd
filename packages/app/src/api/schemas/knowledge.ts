/** Families, yields, exports, statistics. */
import { TLP_LEVELS } from "@assay/core/export/form";
import Type from "typebox";
import { exact, Instant, MAX_TEXT, nullable, oneOf, ref, Sha256, Uuid } from "./common.ts";

export const Family = exact(
  {
    id: Type.String({ description: "Malpedia id" }),
    name: Type.String(),
    aliases: Type.Array(Type.String()),
    category: Type.Array(Type.String()),
    summary: Type.String(),
    layouts: Type.Array(
      exact({
        id: Type.String(),
        title: Type.String(),
        used: Type.String(),
        inMemory: Type.Optional(Type.Literal(true)),
      }),
    ),
    references: Type.Array(Type.String()),
    deadDrop: Type.Boolean({ description: "Whether saved dead-drop pages of it can be read" }),
    samples: Type.Integer({ description: "Of the corpus" }),
    configs: Type.Integer({ description: "Different ones, of the corpus" }),
  },
  { $id: "Family" },
);
export const FamilyList = exact({ families: Type.Array(ref(Family)) }, { $id: "FamilyList" });
export const FamilyParams = exact({ family: Type.String({ pattern: "^[A-Za-z0-9._-]{1,128}$" }) });

export const Stats = exact(
  {
    engine: Type.String(),
    samples: Type.Integer(),
    submitted: Type.Integer(),
    results: Type.Integer(),
    configs: Type.Integer(),
    indicators: Type.Integer(),
    blobs: Type.Integer(),
    blobBytes: Type.Integer(),
    firstSeen: nullable(Instant),
    lastSeen: nullable(Instant),
    outcomes: Type.Array(exact({ outcome: Type.String(), samples: Type.Integer() })),
    families: Type.Array(exact({ family: Type.String(), samples: Type.Integer(), configs: Type.Integer() })),
  },
  { $id: "Stats" },
);

export const YieldQuery = exact({
  months: Type.Optional(Type.Integer({ minimum: 1, maximum: 120, default: 12 })),
});
export const Yields = exact(
  {
    rows: Type.Array(
      exact({
        family: Type.String(),
        month: Type.String({ description: "2026-03: when the samples were first seen" }),
        samples: Type.Integer({ description: "Submitted samples that were taken for the family" }),
        configs: Type.Integer({ description: "Of these, those that gave a config of it" }),
      }),
      { description: "By family and month; months without samples have none" },
    ),
    alarms: Type.Array(
      exact({
        family: Type.String(),
        month: Type.String(),
        kind: oneOf(["broken", "falling", "gone"]),
        text: Type.String(),
      }),
      { description: "Families that used to give configs and stopped" },
    ),
  },
  { $id: "Yields" },
);

export const ExportList = exact(
  {
    exports: Type.Array(
      exact({ id: Type.String(), title: Type.String(), mediaType: Type.String(), extension: Type.String() }),
    ),
  },
  { $id: "ExportList" },
);
export const ExportParams = exact({ format: Type.String({ pattern: "^[a-z0-9-]{1,32}$" }) });
/** Samples of one export. */
export const MAX_EXPORT = 10_000;
export const ExportBody = exact(
  {
    samples: Type.Array(Sha256, {
      minItems: 1,
      maxItems: MAX_EXPORT,
      description: "Of archives, these files alone",
    }),
    tlp: Type.Optional(oneOf(TLP_LEVELS)),
  },
  { $id: "ExportBody" },
);
export const ExportQuery = exact({
  q: Type.Optional(Type.String({ maxLength: MAX_TEXT, description: "A search; all that it finds" })),
  batch: Type.Optional(Uuid),
  sample: Type.Optional(Type.String({ pattern: "^[0-9a-fA-F]{64}$" })),
  tlp: Type.Optional(oneOf(TLP_LEVELS)),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_EXPORT, default: 1000 })),
  download: Type.Optional(Type.Boolean({ default: false, description: "With a file name" })),
});
