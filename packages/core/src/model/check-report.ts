/** Whether what somebody calls a report is one. Reports travel: one may come from anybody. */
import { Compile } from "typebox/compile";
import { fail, ok, type Result } from "../bytes/index.ts";
import { type Report, ReportSchema } from "./report.ts";

/** A config's own nesting is some four deep. Deeper values would exhaust the stack of whatever walks them. */
const MAX_DEPTH = 100;
/** Errors told of one report. */
const MAX_ERRORS = 3;
const SHA256 = /^[0-9a-f]{64}$/;

/** The error says where and what, in a line for people; paths are JSON Pointers. */
export function checkReport(value: unknown): Result<Report, string> {
  if (depthOf(value) > MAX_DEPTH) return fail(`nested more than ${MAX_DEPTH} deep`);
  const schema = Compile(ReportSchema);
  if (!schema.Check(value)) {
    const errors = schema
      .Errors(value)
      .map(({ instancePath, message }) => `${instancePath || "/"} ${message}`);
    return fail([...new Set(errors)].slice(0, MAX_ERRORS).join("; "));
  }
  return badHash(value) ?? ok(value);
}

function badHash(report: Report): { readonly ok: false; readonly error: string } | undefined {
  for (const [n, { sha256, artifacts }] of report.samples.entries()) {
    if (sha256 !== null && !SHA256.test(sha256))
      return fail(`/samples/${n}/sha256 is no SHA-256 in lower-case hex`);
    const bad = artifacts.findIndex((artifact, id) => !SHA256.test(artifact.sha256) || artifact.id !== id);
    if (bad >= 0) return fail(`/samples/${n}/artifacts/${bad} has no SHA-256, or another's number`);
  }
  return undefined;
}

/** Without recursion, since depth is what it guards against. */
function depthOf(value: unknown): number {
  let level: unknown[] = [value];
  let depth = 0;
  while (level.length > 0 && depth <= MAX_DEPTH) {
    depth++;
    const next: unknown[] = [];
    for (const item of level)
      if (typeof item === "object" && item !== null)
        for (const inner of Object.values(item))
          if (typeof inner === "object" && inner !== null) next.push(inner);
    level = next;
  }
  return depth;
}
