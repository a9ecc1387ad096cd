import type { Sample } from "@assay/core/model/index";
import { unread } from "@assay/core/triage/unread";

/** A sample whose analysis did not end: what had been found stands, with the reason why there may be more. */
export function cutShort(name: string, reason: Sample["reasons"][number], known: Sample | undefined): Sample {
  return unread([name], known?.outcome ?? "failed", reason, known ?? {});
}
