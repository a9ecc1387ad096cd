/** Every schema that stands once in the OpenAPI document. */
import type { TSchema } from "typebox";
import * as batches from "./batches.ts";
import * as common from "./common.ts";
import * as correlation from "./correlation.ts";
import * as knowledge from "./knowledge.ts";
import * as samples from "./samples.ts";
import * as system from "./system.ts";
import * as table from "./table.ts";
import * as work from "./work.ts";

type Shared = TSchema & { readonly $id: string };

const rooms: readonly object[] = [common, samples, batches, correlation, knowledge, work, system, table];

export const sharedSchemas: readonly Shared[] = [
  ...new Set(rooms.flatMap((room) => Object.values(room) as unknown[]).filter(isShared)),
];

function isShared(value: unknown): value is Shared {
  return typeof value === "object" && value !== null && "$id" in value && typeof value.$id === "string";
}
