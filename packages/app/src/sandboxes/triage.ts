/**
 * Hatching Triage (hatching/triage: go/sample.go, python/triage/client.py, types/types.go). `Authorization: Bearer`;
 * refusals are `{error, message}` with a status of 4xx. Memory of the run comes as single files, without a password.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { fail, ok } from "@assay/core/bytes/index";
import type { MemoryHint } from "../batch/memory-hint.ts";
import { fetchFile, safeSegments, type Tools, taskId } from "./download.ts";
import {
  addressOf,
  flatten,
  integerOf,
  type JsonObject,
  lastPart,
  listOf,
  objectOf,
  sha256Of,
  textOf,
} from "./json-value.ts";
import {
  type Answer,
  type Artefact,
  describeHint,
  type Fetched,
  type Problem,
  problem,
  type SaidConfig,
  type Sandbox,
  type SandboxOptions,
  type Submission,
  type TaskState,
} from "./sandbox.ts";

const PHASES: Readonly<Record<string, TaskState["phase"]>> = {
  pending: "waiting",
  static_analysis: "waiting",
  scheduled: "waiting",
  running: "running",
  processing: "processing",
  reported: "done",
  failed: "failed",
};

/** Options under `defaults`; `profile` and `password` have places of their own, `tags` are the user's marks. */
const DEFAULTS: ReadonlySet<string> = new Set(["timeout", "network"]);

const MAX_JSON = 128 * 1024 * 1024;
/** Files of one run that are fetched. */
const MAX_FILES = 256;
/** Bytes of all of them. */
const MAX_BYTES = 4 * 1024 ** 3;
const MAX_TASKS = 16;
/** Problems every other route would meet too. */
const FOR_ALL: ReadonlySet<string> = new Set(["stopped", "token-refused", "unreachable", "disk"]);

export class Triage implements Sandbox {
  readonly kind = "triage";
  readonly #tools: Tools;

  constructor(tools: Tools) {
    this.#tools = tools;
  }

  async submit(file: Submission, options: SandboxOptions): Promise<Answer<string>> {
    const defaults: Record<string, string | number> = {};
    const more: Record<string, unknown> = {};
    for (const [name, value] of options) {
      if (DEFAULTS.has(name)) defaults[name] = integerOf(value) ?? value;
      else if (name === "profile") more.profiles = value.split(",").map((profile) => ({ profile }));
      else if (name === "tags") more.user_tags = value.split(",");
      else if (name === "password" || name === "target") more[name] = value;
      else return problem("settings", `--option ${name}: Triage has no such option`);
    }
    const form = new FormData();
    form.set("_json", JSON.stringify({ kind: "file", interactive: false, profiles: [], defaults, ...more }));
    form.set("file", new Blob([file.bytes]), file.name);
    const answer = await this.#tools.http.json({
      method: "POST",
      path: "v0/samples",
      body: form,
      cap: MAX_JSON,
      once: true,
    });
    if (!answer.ok) return answer;
    const id = taskId(objectOf(answer.value.body).id);
    return id === undefined
      ? problem("unexpected-answer", "the submission: an answer without an id")
      : ok(id);
  }

  async poll(task: string): Promise<Answer<TaskState>> {
    const answer = await this.#json(`v0/samples/${task}`, [404]);
    if (!answer.ok) return answer;
    if (answer.value.status === 404) return problem("task-gone", `sample ${task} is not known there`);
    const word = textOf(answer.value.body.status);
    if (word === undefined) return problem("unexpected-answer", `sample ${task}: an answer without a status`);
    const tasks = listOf(answer.value.body.tasks).map(objectOf);
    const done = tasks.filter(({ status }) => status === "reported" || status === "failed").length;
    const far = tasks.length === 0 ? "" : `, ${done} of ${tasks.length} tasks done`;
    return ok({ phase: PHASES[word] ?? "running", says: `${this.#tools.http.clean(word)}${far}` });
  }

  async fetch(task: string, folder: string): Promise<Answer<Fetched>> {
    const overview = await this.#json(`v1/samples/${task}/overview.json`, []);
    if (!overview.ok) return overview;
    const { body } = overview.value;
    const configs = configsOf(body.extracted);
    const run = new TriageRun(this.#tools, task, folder);
    for (const name of tasksOf(body)) {
      const stop = await run.fetch(name);
      if (stop !== undefined) return fail(stop);
    }
    const families = listOf(objectOf(body.analysis).family).flatMap((family) => textOf(family) ?? []);
    for (const config of run.configs) if (!configs.some((known) => same(known, config))) configs.push(config);
    return ok({ artefacts: run.artefacts, said: { families, configs }, notes: run.notes });
  }

  async #json(
    path: string,
    expect: readonly number[],
  ): Promise<Answer<{ readonly status: number; readonly body: JsonObject }>> {
    const answer = await this.#tools.http.json({ path, cap: MAX_JSON, expect });
    return answer.ok ? ok({ status: answer.value.status, body: objectOf(answer.value.body) }) : answer;
  }
}

/** Names of the tasks that ran the sample: a list, in older reports an object. */
function tasksOf(overview: JsonObject): string[] {
  const all = Array.isArray(overview.tasks) ? overview.tasks : Object.values(objectOf(overview.tasks));
  const names = all
    .map(objectOf)
    .filter(
      ({ kind, name, id }) => kind === "behavioral" || /^behavioral/.test(textOf(name) ?? textOf(id) ?? ""),
    )
    // An id may bear the sample's before it: `200923-4zhlr84m42-behavioral1`.
    .flatMap(({ name, id }) => taskId(textOf(name) ?? textOf(id)?.replace(/^.*-(?=behavioral)/, "")) ?? []);
  return [...new Set(names)].slice(0, MAX_TASKS);
}

function configsOf(extracted: unknown): SaidConfig[] {
  const configs: SaidConfig[] = [];
  for (const entry of listOf(extracted)) {
    const config = objectOf(objectOf(entry).config);
    const { family, rule, ...fields } = config;
    const name = textOf(family) ?? textOf(rule);
    if (name === undefined) continue;
    const own: SaidConfig = { family: name, values: flatten(fields) };
    if (!configs.some((known) => same(known, own))) configs.push(own);
  }
  return configs;
}

function same(a: SaidConfig, b: SaidConfig): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** The dumps of each task of one sample. */
class TriageRun {
  readonly artefacts: Artefact[] = [];
  readonly configs: SaidConfig[] = [];
  readonly notes: Problem[] = [];
  readonly #tools: Tools;
  readonly #sample: string;
  readonly #folder: string;
  readonly #hashes = new Set<string>();
  #bytes = 0;

  constructor(tools: Tools, sample: string, folder: string) {
    this.#tools = tools;
    this.#sample = sample;
    this.#folder = folder;
  }

  async fetch(task: string): Promise<Problem | undefined> {
    const { http } = this.#tools;
    const path = `v0/samples/${this.#sample}/${task}/report_triage.json`;
    const answer = await http.json({ path, cap: MAX_JSON });
    if (!answer.ok) return this.#note(`report of ${task}`, answer.error);
    const report = objectOf(answer.value.body);
    this.configs.push(...configsOf(report.extracted));
    const images = new Map<number, string>();
    for (const process of listOf(report.processes).map(objectOf)) {
      const id = integerOf(process.procid);
      const image = textOf(process.image);
      if (id !== undefined && image !== undefined) images.set(id, lastPart(image));
    }
    for (const dump of listOf(report.dumped).map(objectOf)) {
      const stop = await this.#dump(task, dump, images);
      if (stop !== undefined) return stop;
    }
    return undefined;
  }

  async #dump(
    task: string,
    dump: JsonObject,
    images: ReadonlyMap<number, string>,
  ): Promise<Problem | undefined> {
    const name = textOf(dump.name) ?? textOf(dump.path);
    const segments = name === undefined ? undefined : safeSegments(name);
    if (name === undefined || segments === undefined) {
      if (name !== undefined)
        this.#say("unexpected-answer", "a dump's name that leads out of its run: left out");
      return undefined;
    }
    const listed = sha256Of(dump.sha256);
    if (listed !== undefined && this.#hashes.has(listed)) return undefined;
    if (this.artefacts.length >= MAX_FILES || this.#bytes >= MAX_BYTES) {
      this.#say(
        "too-large",
        `more than ${MAX_FILES} files or ${MAX_BYTES} bytes of dumps: the rest is left out`,
      );
      return undefined;
    }
    const to = join(this.#folder, `${task}-${this.artefacts.length}`);
    const path = `v0/samples/${this.#sample}/${task}/${segments}`;
    const answer = await fetchFile(
      this.#tools.http,
      { path },
      to,
      listed === undefined ? {} : { sha256: listed },
    );
    if (!answer.ok) return this.#note(lastPart(name), answer.error);
    if (answer.value === undefined) {
      this.#say("not-found", `${this.#tools.http.clean(lastPart(name))}: listed, and not there`);
      return undefined;
    }
    const { size, sha256 } = answer.value;
    if (this.#hashes.has(sha256) || size === 0) {
      rmSync(to, { force: true });
      return undefined;
    }
    this.#hashes.add(sha256);
    this.#bytes += size;
    const hint = hintOf(dump, name, images);
    this.artefacts.push({
      path: to,
      name: lastPart(name),
      size,
      sha256,
      hint,
      description: describeHint(hint),
    });
    return undefined;
  }

  #say(code: Problem["code"], text: string): void {
    if (!this.notes.some((note) => note.text === text)) this.notes.push({ code, text });
  }

  #note(what: string, error: Problem): Problem | undefined {
    if (FOR_ALL.has(error.code)) return error;
    this.#say(error.code, `${this.#tools.http.clean(what)}: ${error.text}`);
    return undefined;
  }
}

/** A dump's name holds its address too (`memory/1234-5-0x0000000000400000-memory.dmp`), whole where a number is not. */
function hintOf(dump: JsonObject, name: string, images: ReadonlyMap<number, string>): MemoryHint {
  const base = addressOf(/-(0x[0-9a-f]{1,16})(?=-|\.|$)/i.exec(lastPart(name))?.[1]) ?? addressOf(dump.addr);
  const pid = integerOf(dump.pid);
  const procid = integerOf(dump.procid);
  const image = procid === undefined ? undefined : images.get(procid);
  const process = { ...(image === undefined ? {} : { name: image }), ...(pid === undefined ? {} : { pid }) };
  return {
    kind: base !== undefined || name.startsWith("memory/") ? "memory" : "dropped",
    ...(pid === undefined && image === undefined ? {} : { process }),
    ...(base === undefined ? {} : { base }),
  };
}
