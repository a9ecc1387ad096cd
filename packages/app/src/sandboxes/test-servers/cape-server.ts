/**
 * CAPE's apiv2 as its public source has it (web/apiv2/views.py, urls.py, apikey/authentication.py): what it answers,
 * with which status, and in which words. Throttling is Django REST framework's.
 */
import { createHash } from "node:crypto";
import { makeZip, type ZipMember } from "./make-zip.ts";
import { type Answered, type Asked, fileAnswer, formOf, jsonAnswer, TestServer } from "./server.ts";

export interface CapeRunFiles {
  /** By folder: CAPE, procdump, memory, files. */
  readonly folders: Readonly<Record<string, readonly ZipMember[]>>;
  /** `CAPE.configs`. */
  readonly configs?: readonly unknown[];
  readonly report?: unknown;
}

export interface CapeServerOptions {
  readonly token?: string;
  readonly zipPassword?: string;
  /** Sections of api.conf that say `enabled = no`, as payloadfiles or taskstatus. */
  readonly disabled?: readonly string[];
  /** `[taskprocmemory] all = no`. */
  readonly noMemoryOfAll?: boolean;
  /** What a task's status is at the first look, the second …; the last one stays. */
  readonly states?: readonly string[];
  readonly run: CapeRunFiles;
  /** Tasks that one submission becomes. */
  readonly tasksPerFile?: number;
}

/** Sections of api.conf, and what each route says when its is switched off. */
const DISABLED: Readonly<Record<string, string>> = {
  filecreate: "File Create API is Disabled",
  taskstatus: "Task status API is disabled",
  taskview: "Task View API is Disabled",
  taskreport: "Task Report API is Disabled",
  capeconfig: "Config download API is disabled",
  payloadfiles: "CAPE payload file download API is disabled",
  procdumpfiles: "Procdump file download API is disabled",
  taskdropped: "Dropped File download API is disabled",
  taskselfextracted: "Self Extracted File download API is disabled",
  taskprocmemory: "Process memory download API is disabled",
};

const ROUTES: readonly (readonly [path: RegExp, section: string])[] = [
  [/^\/apiv2\/tasks\/create\/file\/$/, "filecreate"],
  [/^\/apiv2\/tasks\/status\/(\d+)\/$/, "taskstatus"],
  [/^\/apiv2\/tasks\/view\/(\d+)\/$/, "taskview"],
  [/^\/apiv2\/tasks\/get\/report\/(\d+)\/json\/$/, "taskreport"],
  [/^\/apiv2\/tasks\/get\/config\/(\d+)\/$/, "capeconfig"],
  [/^\/apiv2\/tasks\/get\/payloadfiles\/(\d+)\/$/, "payloadfiles"],
  [/^\/apiv2\/tasks\/get\/procdumpfiles\/(\d+)\/$/, "procdumpfiles"],
  [/^\/apiv2\/tasks\/get\/dropped\/(\d+)\/$/, "taskdropped"],
  [/^\/apiv2\/tasks\/get\/selfextracted\/(\d+)\/$/, "taskselfextracted"],
  [/^\/apiv2\/tasks\/get\/procmemory\/(\d+)\/(?:(\d{1,5})\/)?$/, "taskprocmemory"],
];

export interface CapeTask {
  readonly sha256: string;
  readonly name: string;
  readonly options: string;
  readonly fields: ReadonlyMap<string, string>;
  looks: number;
}

export class CapeServer extends TestServer {
  readonly tasks = new Map<number, CapeTask>();
  readonly options: CapeServerOptions;
  #next = 1;

  constructor(options: CapeServerOptions) {
    super();
    this.options = options;
  }

  protected override answer(asked: Asked): Promise<Answered> | Answered {
    const { token, disabled = [] } = this.options;
    const given = asked.headers.authorization;
    if (token !== undefined && given === undefined)
      return unauthorised("Authentication credentials were not provided.");
    if (token !== undefined && given !== `Token ${token}`) return unauthorised("Invalid token.");
    for (const [pattern, section] of ROUTES) {
      const match = pattern.exec(asked.path);
      if (match === null) continue;
      if (disabled.includes(section)) return refuse(DISABLED[section] ?? "");
      return this.#route(section, Number(match[1]), match[2], asked);
    }
    return { status: 404, headers: { "content-type": "text/html" }, body: "<h1>Not Found</h1>" };
  }

  #route(section: string, id: number, pid: string | undefined, asked: Asked): Promise<Answered> | Answered {
    if (section === "filecreate") return this.#create(asked);
    const task = this.tasks.get(id);
    if (task === undefined) return refuse("Task does not exist");
    const { states = ["reported"], run } = this.options;
    if (section === "taskstatus" || section === "taskview") {
      const status = states[Math.min(task.looks++, states.length - 1)] ?? "reported";
      return jsonAnswer({ error: false, data: section === "taskstatus" ? status : { id, status } });
    }
    const state = states[Math.min(task.looks, states.length - 1)] ?? "reported";
    if (state.startsWith("failed")) return refuse("Task failed");
    if (state !== "reported") return refuse("Task is still being analyzed");
    switch (section) {
      case "taskreport":
        return run.report === undefined
          ? refuse("Reports directory does not exist")
          : fileAnswer(
              Buffer.from(JSON.stringify(run.report)),
              "application/json; charset=UTF-8",
              `${id}_report.json`,
            );
      case "capeconfig":
        return run.configs === undefined || run.configs.length === 0
          ? refuse(`CAPE config for task ${id} does not exist.`)
          : jsonAnswer({ error: false, configs: run.configs });
      case "payloadfiles":
        return this.#zip("CAPE", `No CAPE file(s) for task ${id}.`);
      case "procdumpfiles":
        return this.#zip("procdump", `No procdump file(s) for task ${id}.`);
      case "taskdropped":
        return this.#zip("files", `No files dropped for task ${id}`);
      case "taskselfextracted":
        return this.#zip("selfextracted", `No self extracted files for task ${id}`, false);
      default:
        return this.#memory(pid);
    }
  }

  #create(asked: Asked): Answered {
    const form = formOf(asked);
    const file = form.get("file");
    if (file === undefined) return refuse("No file was submitted");
    const fields = new Map(
      [...form].map(([name, { bytes }]) => [name, name === "file" ? "" : bytes.toString()]),
    );
    const ids: number[] = [];
    for (let i = 0; i < (this.options.tasksPerFile ?? 1); i++) {
      const id = this.#next++;
      ids.push(id);
      this.tasks.set(id, {
        sha256: createHash("sha256").update(file.bytes).digest("hex"),
        name: file.filename ?? "",
        options: fields.get("options") ?? "",
        fields,
        looks: 0,
      });
    }
    const message =
      ids.length === 1
        ? `Task ID ${ids[0]} has been submitted`
        : `Task IDs ${ids.join(", ")} have been submitted`;
    return jsonAnswer({ error: [], data: { task_ids: ids, message }, errors: [] });
  }

  #memory(pid: string | undefined): Promise<Answered> | Answered {
    const all = this.options.run.folders.memory ?? [];
    if (pid === undefined && this.options.noMemoryOfAll)
      return refuse("Downloading of all process memory dumps is disabled");
    if (all.length === 0) return refuse("No memory dumps saved");
    const wanted = pid === undefined ? all : all.filter(({ name }) => name === `memory/${pid}.dmp`);
    if (wanted.length === 0) return refuse(`Process memory dump does not exist for pid ${pid}`);
    return this.#pack(wanted, true, "procdumps");
  }

  #zip(folder: string, nothing: string, encrypted = true): Promise<Answered> | Answered {
    const members = this.options.run.folders[folder] ?? [];
    return members.length === 0 ? refuse(nothing) : this.#pack(members, encrypted, folder);
  }

  async #pack(members: readonly ZipMember[], encrypted: boolean, name: string): Promise<Answered> {
    const password = encrypted ? (this.options.zipPassword ?? "infected") : undefined;
    return fileAnswer(await makeZip(members, password), "application/zip", `${name}.zip`);
  }
}

/** With status 200, as CAPE refuses. */
function refuse(error_value: string): Answered {
  return jsonAnswer({ error: true, error_value });
}

function unauthorised(detail: string): Answered {
  const answer = jsonAnswer({ detail }, 401);
  return { ...answer, headers: { ...answer.headers, "www-authenticate": "Token" } };
}

/** Django REST framework's answer to one request too many. */
export function throttled(seconds: number): Answered {
  const answer = jsonAnswer(
    { detail: `Request was throttled. Expected available in ${seconds} seconds.` },
    429,
  );
  return { ...answer, headers: { ...answer.headers, "retry-after": String(seconds) } };
}
