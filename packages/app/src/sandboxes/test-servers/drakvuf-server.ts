/** DRAKVUF Sandbox's API as its public source has it (CERT-Polska/drakvuf-sandbox, drakrun/web/api.py, storage.py). */
import { makeZip, type ZipMember } from "./make-zip.ts";
import { type Answered, type Asked, fileAnswer, formOf, jsonAnswer, TestServer } from "./server.ts";

export interface DrakvufServerOptions {
  readonly states?: readonly string[];
  /** `dumps/<name>`. */
  readonly dumps: readonly ZipMember[];
  readonly dumpsMetadata: readonly unknown[];
  readonly report?: unknown;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export class DrakvufServer extends TestServer {
  readonly options: DrakvufServerOptions;
  readonly jobs = new Map<string, ReadonlyMap<string, string>>();
  #looks = 0;

  constructor(options: DrakvufServerOptions) {
    super();
    this.options = options;
  }

  protected override async answer(asked: Asked): Promise<Answered> {
    const [, api, what, id = ""] = asked.path.split("/");
    if (api !== "api")
      return { status: 200, headers: { "content-type": "text/html" }, body: "<!doctype html>" };
    if (asked.method === "POST" && what === "upload") {
      const form = formOf(asked);
      if (form.get("file") === undefined)
        return jsonAnswer([{ type: "missing", loc: ["file"], msg: "Field required" }], 422);
      const job = `00000000-0000-4000-8000-${String(this.jobs.size).padStart(12, "0")}`;
      this.jobs.set(
        job,
        new Map([...form].map(([name, { bytes }]) => [name, name === "file" ? "" : bytes.toString()])),
      );
      return jsonAnswer({ task_uid: job });
    }
    if (!UUID.test(id))
      return jsonAnswer([{ type: "value_error", loc: ["task_uid"], msg: "not a UUID" }], 422);
    if (!this.jobs.has(id))
      return jsonAnswer({ error: what === "status" ? "Job not found" : "Data not found" }, 404);
    const { states = ["finished"], dumps, dumpsMetadata, report } = this.options;
    switch (what) {
      case "status": {
        const status = states[Math.min(this.#looks++, states.length - 1)];
        const done = status === "finished" ? { dumps_metadata: dumpsMetadata } : { substatus: "analyzing" };
        return jsonAnswer({ id, options: {}, status, ...done });
      }
      case "report":
        return report === undefined ? jsonAnswer({ error: "Data not found" }, 404) : jsonAnswer(report);
      case "dumps":
        return fileAnswer(await makeZip(dumps), "application/zip", `${id}_dumps.zip`);
      default:
        return jsonAnswer({ error: "Object not found" }, 404);
    }
  }
}
