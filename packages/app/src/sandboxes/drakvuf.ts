/**
 * DRAKVUF Sandbox (CERT-Polska/drakvuf-sandbox, drakrun/web/api.py). It has no tokens of its own; one that is given is
 * sent as `Bearer`, for the proxy before it. What is not written yet answers 404 `{error}`: asked for again a while.
 */
import { fail, ok } from "@assay/core/bytes/index";
import { fetchArchive, insteadProblem, type Tools, taskId } from "./download.ts";
import { drakvufFacts, drakvufHint, isDump } from "./drakvuf-facts.ts";
import { lastPart, objectOf, textOf } from "./json-value.ts";
import { backOff } from "./retry.ts";
import {
  type Answer,
  type Artefact,
  describeHint,
  type Fetched,
  type Problem,
  problem,
  type Sandbox,
  type SandboxOptions,
  type Submission,
  type TaskState,
} from "./sandbox.ts";

/** States of the queue (rq's JobStatus), and `finished` and `failed` of metadata.json. */
const PHASES: Readonly<Record<string, TaskState["phase"]>> = {
  created: "waiting",
  queued: "waiting",
  deferred: "waiting",
  scheduled: "waiting",
  started: "running",
  finished: "done",
  failed: "failed",
  stopped: "failed",
  canceled: "failed",
};

const FORM_FIELDS: ReadonlySet<string> = new Set([
  "timeout",
  "file_name",
  "file_path",
  "start_command",
  "start_method",
  "start_working_dir",
  "plugins",
  "preset",
  "no_internet",
  "no_screenshots",
  "extract_archive",
  "archive_entry_path",
  "archive_password",
]);

const MAX_JSON = 256 * 1024 * 1024;
/** How often something that answers 404 is asked for before it counts as missing. */
const MISSING_ATTEMPTS = 4;
/** Problems every other route would meet too. */
const FOR_ALL: ReadonlySet<string> = new Set(["stopped", "token-refused", "unreachable", "disk"]);

export class Drakvuf implements Sandbox {
  readonly kind = "drakvuf";
  readonly #tools: Tools;

  constructor(tools: Tools) {
    this.#tools = tools;
  }

  async submit(file: Submission, options: SandboxOptions): Promise<Answer<string>> {
    const form = new FormData();
    form.set("file", new Blob([file.bytes]), file.name);
    for (const [name, value] of options) {
      if (!FORM_FIELDS.has(name))
        return problem("settings", `--option ${name}: DRAKVUF Sandbox has no such option`);
      // Plugins are a list in JSON; a plain list is what people write.
      form.set(name, name === "plugins" && !value.startsWith("[") ? JSON.stringify(value.split(",")) : value);
    }
    const answer = await this.#tools.http.json({
      method: "POST",
      path: "api/upload",
      body: form,
      cap: MAX_JSON,
      once: true,
    });
    if (!answer.ok) return answer;
    const id = taskId(objectOf(answer.value.body).task_uid);
    return id === undefined
      ? problem("unexpected-answer", "the submission: an answer without a task_uid")
      : ok(id);
  }

  async poll(task: string): Promise<Answer<TaskState>> {
    const answer = await this.#patiently(`api/status/${task}`);
    if (!answer.ok) return answer;
    if (answer.value === undefined) return problem("task-gone", `analysis ${task} is not known there`);
    const { status, substatus } = objectOf(answer.value);
    const word = textOf(status);
    if (word === undefined)
      return problem("unexpected-answer", `analysis ${task}: an answer without a status`);
    const says = [word, textOf(substatus) ?? ""].filter((text) => text !== "").join(", ");
    return ok({ phase: PHASES[word] ?? "running", says: this.#tools.http.clean(says) });
  }

  async fetch(task: string, folder: string): Promise<Answer<Fetched>> {
    const notes: Problem[] = [];
    // The status of a finished analysis is its metadata.json.
    const metadata = await this.#patiently(`api/status/${task}`);
    if (!metadata.ok) return metadata;
    const report = await this.#patiently(`api/report/${task}`);
    if (!report.ok) {
      if (FOR_ALL.has(report.error.code)) return report;
      notes.push({ code: report.error.code, text: `report: ${report.error.text}` });
    } else if (report.value === undefined) {
      notes.push({
        code: "not-found",
        text: "report: there is none; dumps come without the names of processes",
      });
    }
    const facts = drakvufFacts(metadata.value, report.ok ? report.value : undefined);
    const dumps = await this.#dumps(task, folder);
    if (!dumps.ok) {
      if (FOR_ALL.has(dumps.error.code)) return fail(dumps.error);
      notes.push({ code: dumps.error.code, text: `dumps: ${dumps.error.text}` });
      return ok({ artefacts: [], said: { families: [], configs: [] }, notes });
    }
    const artefacts: Artefact[] = [];
    for (const file of dumps.value.files) {
      const name = lastPart(file.name);
      if (file.size === 0 || !isDump(name)) continue;
      const hint = drakvufHint(name, facts);
      artefacts.push({ ...file, name, hint, description: describeHint(hint) });
    }
    for (const text of dumps.value.notes) notes.push({ code: "broken-archive", text: `dumps: ${text}` });
    return ok({ artefacts, said: { families: [], configs: [] }, notes });
  }

  async #dumps(
    task: string,
    folder: string,
  ): Promise<
    Answer<{
      readonly files: readonly { path: string; name: string; size: number; sha256: string }[];
      readonly notes: readonly string[];
    }>
  > {
    for (let attempt = 1; ; attempt++) {
      const answer = await fetchArchive(this.#tools, `api/dumps/${task}`, folder, "dumps");
      if (!answer.ok) return answer;
      if (answer.value.kind === "files") return ok(answer.value.result);
      if (answer.value.kind === "instead") return fail(insteadProblem("dumps", answer.value.instead));
      if (attempt >= MISSING_ATTEMPTS) return ok({ files: [], notes: [] });
      if (!(await this.#tools.http.sleep(backOff(attempt)))) return problem("stopped", "stopped");
    }
  }

  /** A body in JSON; undefined when it is still missing after some waiting. */
  async #patiently(path: string): Promise<Answer<unknown>> {
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#tools.http.json({ path, cap: MAX_JSON, expect: [404] });
      if (!answer.ok) return answer;
      if (answer.value.status !== 404) return ok(answer.value.body);
      if (attempt >= MISSING_ATTEMPTS) return ok(undefined);
      if (!(await this.#tools.http.sleep(backOff(attempt)))) return problem("stopped", "stopped");
    }
  }
}
