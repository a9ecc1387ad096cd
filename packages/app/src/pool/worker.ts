/** A child process that analyses the files it is told of, one at a time, until its channel closes. */
import { unread } from "@assay/core/triage/analyse";
import { type Analyser, createAnalyser } from "../analyser.ts";
import { RuleError } from "../rules/scanner.ts";
import type { FromWorker, Job, ToWorker } from "./protocol.ts";

const send = (message: FromWorker): void => {
  process.send?.(message);
};

let analyser: Analyser | undefined;

process.on("message", (message: ToWorker) => {
  if (message.kind === "start") {
    createAnalyser(message).then(
      (created) => {
        analyser = created;
        send({ kind: "ready" });
      },
      (error: unknown) => {
        if (!(error instanceof RuleError)) throw error;
        send({ kind: "rejected", text: error.message });
      },
    );
    return;
  }
  if (analyser === undefined) throw new Error("job before start");
  send({ kind: "done", id: message.id, sample: run(analyser, message) });
});
process.on("disconnect", () => process.exit(0));

/** The boundary where a bug of ours becomes one sample's failure instead of the batch's. */
function run(own: Analyser, job: Job): ReturnType<Analyser["analyseFile"]> {
  try {
    return own.analyseFile(Buffer.from(job.path, "base64"), job.name);
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return unread([job.name], "failed", {
      stage: "analyse",
      code: "internal-error",
      text: `a defect in assay: ${text}`,
    });
  }
}
