/** The files of one finished CAPE task, route by route; a route that is switched off is noted and passed over. */
import { createReadStream, rmSync } from "node:fs";
import { join } from "node:path";
import type { ArtefactKind } from "../batch/memory-hint.ts";
import {
  CAPE_FOLDERS,
  type CapeReport,
  configsOf,
  hintOf,
  isByproduct,
  NO_REPORT,
  readCapeReport,
} from "./cape-facts.ts";
import { fetchArchive, fetchFile, insteadOfFile, insteadProblem, type Tools } from "./download.ts";
import { lastPart, listOf, objectOf, textOf } from "./json-value.ts";
import type { Artefact, Problem, SaidConfig } from "./sandbox.ts";
import type { Unpacked } from "./unpack.ts";

const MAX_JSON = 64 * 1024 * 1024;
/** A report.json holds every call of every process. */
const MAX_REPORT = 2 * 1024 ** 3;
/** Processes whose dumps are fetched one by one. */
const MAX_PIDS = 32;

/** Archives, by their route and the folder of an analysis that each holds. */
const ARCHIVES: readonly (readonly [route: string, folder: string])[] = [
  ["payloadfiles", "CAPE"],
  ["procdumpfiles", "procdump"],
  ["selfextracted", "selfextracted"],
  ["dropped", "files"],
];

/** A body with `error: true`, or one that says nothing we know. */
export function refusal({ http }: Tools, what: string, body: Readonly<Record<string, unknown>>): Problem {
  const value = textOf(body.error_value) ?? textOf(body.detail);
  const errors = listOf(body.errors)
    .map((error) => JSON.stringify(error))
    .join(" ");
  const said = http.clean([value ?? "", errors].filter((text) => text !== "").join(" "));
  if (said === "") return { code: "unexpected-answer", text: `${what}: an answer without a word of why` };
  return insteadProblem(what, { body, said });
}

/** Says of a route that there is nothing, which is no problem: not every run dumps or drops something. */
const NOTHING =
  /^(?:No (?:CAPE|procdump) file|No files dropped|No self extracted|No memory dumps|CAPE config for task .* does not exist|Unable to retrieve results|Process memory dump does not exist)/i;

/** Problems every other route would meet too. */
const FOR_ALL: ReadonlySet<string> = new Set(["stopped", "token-refused", "unreachable", "disk"]);

/** One task's files. Problems of single routes are notes; those that end everything are given back. */
export class CapeRun {
  readonly artefacts: Artefact[] = [];
  readonly families: string[] = [];
  readonly configs: SaidConfig[] = [];
  readonly notes: Problem[] = [];
  readonly #tools: Tools;
  readonly #id: string;
  readonly #folder: string;
  #report: CapeReport = NO_REPORT;

  constructor(tools: Tools, id: string, folder: string) {
    this.#tools = tools;
    this.#id = id;
    this.#folder = folder;
  }

  async fetch(): Promise<Problem | undefined> {
    return (
      (await this.#config()) ??
      (await this.#readReport()) ??
      (await this.#archives()) ??
      (await this.#memory())
    );
  }

  async #config(): Promise<Problem | undefined> {
    const answer = await this.#tools.http.json({
      path: `apiv2/tasks/get/config/${this.#id}/`,
      cap: MAX_JSON,
      expect: [404, 403],
    });
    if (!answer.ok) return this.#note("config", answer.error);
    const body = objectOf(answer.value.body);
    if (body.configs !== undefined) this.configs.push(...configsOf(body.configs));
    else this.#refused("config", refusal(this.#tools, "config", body), textOf(body.error_value) ?? "");
    return undefined;
  }

  async #readReport(): Promise<Problem | undefined> {
    const to = join(this.#folder, `${this.#id}-report.json`);
    const path = `apiv2/tasks/get/report/${this.#id}/json/`;
    const answer = await fetchFile(this.#tools.http, { path }, to, { cap: MAX_REPORT });
    if (!answer.ok) return this.#note("report", answer.error);
    if (answer.value === undefined) return undefined;
    // A report is JSON too: a refusal is a small one that says so.
    const instead = insteadOfFile(this.#tools.http, answer.value.reply);
    const refused =
      instead?.body === undefined ? instead !== undefined : objectOf(instead.body).error === true;
    if (instead !== undefined && refused) {
      this.#refused("report", insteadProblem("report", instead), instead.said);
    } else {
      this.#report = await readCapeReport(createReadStream(to));
      this.families.push(...this.#report.said.families);
      if (this.configs.length === 0) this.configs.push(...this.#report.said.configs);
      for (const note of this.#report.notes)
        this.notes.push({ code: "unexpected-answer", text: `report: ${note}` });
    }
    rmSync(to, { force: true });
    return undefined;
  }

  async #archives(): Promise<Problem | undefined> {
    for (const [route, folder] of ARCHIVES) {
      const stop = await this.#archive(route, `apiv2/tasks/get/${route}/${this.#id}/`, folder);
      if (stop !== undefined && stop !== "refused") return stop;
    }
    return undefined;
  }

  /** All dumps in one archive; where the server does not give that, those of the processes that the report names. */
  async #memory(): Promise<Problem | undefined> {
    const path = `apiv2/tasks/get/procmemory/${this.#id}/`;
    const before = this.notes.length;
    const all = await this.#archive("procmemory", path, "memory");
    if (all !== "refused") return all;
    const why = this.notes[before];
    if (why === undefined || !/all process memory/i.test(why.text)) return undefined;
    const pids = [...this.#pids()].slice(0, MAX_PIDS);
    if (pids.length === 0) return undefined;
    this.notes.splice(before, 1);
    for (const pid of pids) {
      const stop = await this.#archive(`procmemory of ${pid}`, `${path}${pid}/`, "memory");
      if (stop !== undefined && stop !== "refused") return stop;
    }
    return undefined;
  }

  #pids(): Set<number> {
    const pids = new Set<number>();
    for (const fact of this.#report.facts.values())
      if (fact.process?.pid !== undefined) pids.add(fact.process.pid);
    for (const pid of this.#report.processes.keys()) pids.add(pid);
    return pids;
  }

  async #archive(what: string, path: string, folder: string): Promise<Problem | "refused" | undefined> {
    const prefix = `${this.#id}-${this.artefacts.length}-${folder}`;
    const answer = await fetchArchive(this.#tools, path, this.#folder, prefix);
    if (!answer.ok) return this.#note(what, answer.error) ?? "refused";
    if (answer.value.kind === "none") return undefined;
    if (answer.value.kind === "instead") {
      const { instead } = answer.value;
      return this.#refused(what, insteadProblem(what, instead), instead.said) ? "refused" : undefined;
    }
    const { files, notes } = answer.value.result;
    for (const text of notes) this.notes.push({ code: "broken-archive", text: `${what}: ${text}` });
    const kind = CAPE_FOLDERS[folder] as ArtefactKind;
    for (const file of files) this.#keep(kind, file);
    return undefined;
  }

  #keep(kind: ArtefactKind, file: Unpacked): void {
    const name = lastPart(file.name);
    if (file.size === 0 || isByproduct(kind, name)) return;
    const known = this.#report.facts.get(file.sha256);
    const { hint, description } = hintOf(kind, name, known, this.#report.processes);
    this.artefacts.push({ ...file, hint, description });
  }

  /** A route's own refusal; false when it only says that there is nothing. */
  #refused(what: string, error: Problem, said: string): boolean {
    if (NOTHING.test(said)) return false;
    const text = error.code === "disabled" ? `${what}: switched off on this server (${said})` : error.text;
    this.notes.push({ code: error.code, text });
    return true;
  }

  /** Notes a route's problem; those that every other route would meet too end the run. */
  #note(what: string, error: Problem): Problem | undefined {
    if (FOR_ALL.has(error.code)) return error;
    this.notes.push({ code: error.code, text: `${what}: ${error.text}` });
    return undefined;
  }
}
