/** Hatching Triage's API as its public clients read it (hatching/triage: go/client.go, go/sample.go, types/types.go). */
import { type Answered, type Asked, fileAnswer, formOf, jsonAnswer, TestServer } from "./server.ts";

export interface TriageDump {
  /** As in `dumped[].name`. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** What `dumped[]` says of it. */
  readonly entry: Readonly<Record<string, unknown>>;
}

export interface TriageServerOptions {
  readonly token: string;
  readonly states?: readonly string[];
  readonly overview: Readonly<Record<string, unknown>>;
  /** Of the one behavioral task. */
  readonly report: Readonly<Record<string, unknown>>;
  readonly dumps: readonly TriageDump[];
}

export class TriageServer extends TestServer {
  readonly options: TriageServerOptions;
  /** `_json` of each submission, by sample. */
  readonly samples = new Map<string, unknown>();
  #looks = 0;

  constructor(options: TriageServerOptions) {
    super();
    this.options = options;
  }

  protected override answer(asked: Asked): Answered {
    const { token, states = ["reported"], overview, report, dumps } = this.options;
    if (asked.headers.authorization !== `Bearer ${token}`)
      return jsonAnswer({ error: "UNAUTHORIZED", message: "Access token is invalid" }, 401);
    const path = decodeURIComponent(asked.path);
    if (asked.method === "POST" && path === "/v0/samples") {
      const form = formOf(asked);
      const file = form.get("file");
      const settings = form.get("_json");
      if (file === undefined || settings === undefined)
        return jsonAnswer({ error: "INVALID", message: "missing file" }, 400);
      const id = `200923-test${this.samples.size}`;
      this.samples.set(id, JSON.parse(settings.bytes.toString()));
      return jsonAnswer({ id, status: "pending", kind: "file", filename: file.filename, private: false });
    }
    const [, version, kind, id = "", ...rest] = path.split("/");
    if (kind !== "samples" || !this.samples.has(id))
      return jsonAnswer({ error: "NOT_FOUND", message: "The requested resource does not exist" }, 404);
    const what = rest.join("/");
    if (version === "v0" && what === "") {
      const status = states[Math.min(this.#looks++, states.length - 1)];
      return jsonAnswer({
        id,
        status,
        kind: "file",
        tasks: [
          { id: "static1", status: "reported" },
          { id: "behavioral1", status },
        ],
      });
    }
    if (version === "v1" && what === "overview.json") return jsonAnswer(overview);
    if (version === "v0" && what === "behavioral1/report_triage.json")
      return jsonAnswer({ ...report, dumped: dumps.map(({ name, entry }) => ({ name, ...entry })) });
    const dump = dumps.find(({ name }) => what === `behavioral1/${name}`);
    return dump === undefined
      ? jsonAnswer({ error: "NOT_FOUND", message: "The requested resource does not exist" }, 404)
      : fileAnswer(dump.bytes, "application/octet-stream", "dump");
  }
}
