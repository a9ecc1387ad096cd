/** Whether a value is a claim as the readers make them: exports of a corpus travel, and one may come from anybody. */
import Type from "typebox";
import { Value } from "typebox/value";
import { ConnUsage, IndicatorType } from "../model/index.ts";
import { type Claim, MAX_INDICATORS, momentOf } from "./claim.ts";
import { depthExceeds, MAX_DEPTH } from "./json.ts";

const ClaimSchema = Type.Object(
  {
    subjects: Type.Array(Type.String({ pattern: "^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})$" })),
    family: Type.Optional(Type.String()),
    at: Type.Optional(Type.String()),
    indicators: Type.Array(
      Type.Object(
        { type: IndicatorType, value: Type.String(), usage: ConnUsage },
        { additionalProperties: false },
      ),
      { maxItems: MAX_INDICATORS },
    ),
    config: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  },
  { additionalProperties: false },
);

export function claimOf(value: unknown): Claim | undefined {
  if (depthExceeds(value, MAX_DEPTH) || !Value.Check(ClaimSchema, value)) return undefined;
  return value.at === undefined || momentOf(value.at) === value.at ? value : undefined;
}
