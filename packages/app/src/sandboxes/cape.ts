/**
 * CAPEv2 over apiv2 (kevoreilly/CAPEv2, web/apiv2/views.py and urls.py). Refusals come with status 200 and
 * `error: true`, `error_value`; missing tasks also as 404, foreign ones as 403; requests over the limit as 429 (Django
 * REST framework's throttling). Any route can be switched off in the server's api.conf: it says "… is Disabled".
 */
import { fail, ok } from "@assay/core/bytes/index";
import { CapeRun, refusal } from "./cape-run.ts";
import { type Tools, taskId } from "./download.ts";
import { listOf, objectOf, textOf } from "./json-value.ts";
import {
  type Answer,
  type Artefact,
  type Fetched,
  type Problem,
  problem,
  type SaidConfig,
  type Sandbox,
  type SandboxOptions,
  type Submission,
  type TaskState,
} from "./sandbox.ts";

/** Fields of the submission form; every other option goes into its `options` field, to the package in the guest. */
const FORM_FIELDS: ReadonlySet<string> = new Set([
  "package",
  "timeout",
  "priority",
  "machine",
  "platform",
  "tags",
  "tags_tasks",
  "custom",
  "memory",
  "clock",
  "enforce_timeout",
  "unique",
  "tlp",
  "route",
  "cape",
  "static",
]);

/** What makes CAPE keep what we are after: dumps of processes, their memory, and its active unpacker. */
const USUAL_OPTIONS: Readonly<Record<string, string>> = { procmemdump: "1", procdump: "1", unpacker: "2" };

const PHASES: Readonly<Record<string, TaskState["phase"]>> = {
  pending: "waiting",
  distributed: "waiting",
  running: "running",
  completed: "processing",
  distributed_completed: "processing",
  reported: "done",
  // Its files are those of the task that it was recovered as; the server looks there by itself.
  recovered: "done",
  banned: "failed",
  failed_analysis: "failed",
  failed_processing: "failed",
  failed_reporting: "failed",
};
/** From the least to the most advanced: several tasks of one submission are as far as the last of them. */
const ORDER: readonly TaskState["phase"][] = ["waiting", "running", "processing", "done", "failed"];

const MAX_JSON = 64 * 1024 * 1024;
/** Tasks of one submission: an archive becomes one a file. */
const MAX_TASKS = 16;

export class Cape implements Sandbox {
  readonly kind = "cape";
  readonly #tools: Tools;

  constructor(tools: Tools) {
    this.#tools = tools;
  }

  /** An archive may become several tasks: their numbers are joined by commas. */
  async submit(file: Submission, options: SandboxOptions): Promise<Answer<string>> {
    const form = new FormData();
    form.set("file", new Blob([file.bytes]), file.name);
    const inGuest = new Map(Object.entries(USUAL_OPTIONS));
    for (const [name, value] of options) {
      if (FORM_FIELDS.has(name)) form.set(name, value);
      else inGuest.set(name, value);
    }
    form.set("options", [...inGuest].map(([name, value]) => `${name}=${value}`).join(","));
    const answer = await this.#tools.http.json({
      method: "POST",
      path: "apiv2/tasks/create/file/",
      body: form,
      cap: MAX_JSON,
      once: true,
    });
    if (!answer.ok) return answer;
    const body = objectOf(answer.value.body);
    const ids = listOf(objectOf(body.data).task_ids).flatMap((id) => taskId(id) ?? []);
    if (ids.length > 0) return ok(ids.slice(0, MAX_TASKS).join(","));
    return fail(this.#refusal("the submission", body));
  }

  async poll(task: string): Promise<Answer<TaskState>> {
    let least: TaskState | undefined;
    for (const id of task.split(",")) {
      const state = await this.#pollOne(id);
      if (!state.ok) return state;
      if (least === undefined || ORDER.indexOf(state.value.phase) < ORDER.indexOf(least.phase))
        least = state.value;
    }
    return least === undefined ? problem("task-gone", "no task") : ok(least);
  }

  async #pollOne(id: string): Promise<Answer<TaskState>> {
    const answer = await this.#ask(`apiv2/tasks/status/${id}/`);
    if (!answer.ok) return answer;
    const word = textOf(answer.value.data);
    if (word !== undefined) return this.#state(word);
    const error = this.#refusal(`task ${id}`, answer.value);
    if (error.code !== "disabled") return fail(gone(error));
    // The status route is switched off; the task's own view tells the same.
    const view = await this.#ask(`apiv2/tasks/view/${id}/`);
    if (!view.ok) return view;
    const status = textOf(objectOf(view.value.data).status);
    return status === undefined ? fail(gone(this.#refusal(`task ${id}`, view.value))) : this.#state(status);
  }

  #state(word: string): Answer<TaskState> {
    const phase = PHASES[word];
    const says = this.#tools.http.clean(word);
    return ok({ phase: phase ?? "running", says });
  }

  async fetch(task: string, folder: string): Promise<Answer<Fetched>> {
    const all: { artefacts: Artefact[]; families: Set<string>; configs: SaidConfig[]; notes: Problem[] } = {
      artefacts: [],
      families: new Set(),
      configs: [],
      notes: [],
    };
    for (const id of task.split(",")) {
      const run = new CapeRun(this.#tools, id, folder);
      const stopped = await run.fetch();
      if (stopped !== undefined) return fail(stopped);
      all.artefacts.push(...run.artefacts);
      for (const family of run.families) all.families.add(family);
      all.configs.push(...run.configs);
      all.notes.push(...run.notes);
    }
    const { artefacts, families, configs, notes } = all;
    return ok({ artefacts, said: { families: [...families], configs }, notes });
  }

  async #ask(path: string): Promise<Answer<Readonly<Record<string, unknown>>>> {
    const answer = await this.#tools.http.json({ path, cap: MAX_JSON, expect: [404, 403] });
    return answer.ok ? ok(objectOf(answer.value.body)) : answer;
  }

  #refusal(what: string, body: Readonly<Record<string, unknown>>): Problem {
    return refusal(this.#tools, what, body);
  }
}

function gone(error: Problem): Problem {
  return /does not exist|not found/i.test(error.text) ? { ...error, code: "task-gone" } : error;
}
