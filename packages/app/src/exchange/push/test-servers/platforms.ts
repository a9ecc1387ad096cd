/** Platforms in this process, as their public sources have them answer. */
import {
  type Answered,
  type Asked,
  formOf,
  jsonAnswer,
  TestServer,
} from "../../../sandboxes/test-servers/server.ts";

export const KEY = "s3cr3t-k3y";

interface Item {
  readonly uuid: string;
  readonly type?: string;
  readonly value?: string;
}
interface Owner {
  Attribute?: Item[];
}
interface Event extends Owner {
  readonly uuid: string;
  readonly timestamp: string;
  Object?: (Owner & Item)[];
}

/** app/Controller/EventsController.php: add, edit, view; Event::_edit keeps what is not newer. */
export class MispServer extends TestServer {
  readonly events = new Map<string, Event>();
  /** Values that it does not take. */
  refuses = "";
  blocked = false;

  protected override answer({ method, path, headers, body }: Asked): Answered {
    if (headers.authorization !== KEY)
      return fail(
        403,
        "Authentication failed. Please make sure you pass the API key of an API enabled user along in the Authorization header.",
      );
    const [, , action, uuid = ""] = path.split("/");
    if (method === "GET" && action === "view") {
      const event = this.events.get(uuid);
      return event === undefined ? fail(404, "Invalid event") : jsonAnswer({ Event: event });
    }
    const { Event: sent } = JSON.parse(body.toString()) as { Event: Event };
    if (this.blocked) return fail(403, "Could not add Event", "Event blocked by local blocklist.");
    const known = this.events.get(sent.uuid);
    if (action === "add") {
      if (known !== undefined)
        return fail(
          404,
          "Event already exists, if you would like to edit it, use the url in the location header.",
        );
      return this.#save(sent);
    }
    if (action !== "edit") return fail(404, "Not found");
    if (known === undefined) return fail(404, "Invalid event");
    if (Number(sent.timestamp) <= Number(known.timestamp))
      return fail(403, "Could not edit Event", "Event in the request not newer than the local copy.");
    return this.#save(sent);
  }

  #save(sent: Event): Answered {
    const kept = ({ Attribute = [], ...rest }: Owner & Item) => ({
      ...rest,
      Attribute: Attribute.filter(({ value }) => this.refuses === "" || value !== this.refuses),
    });
    this.events.set(sent.uuid, { ...sent, Object: (sent.Object ?? []).map(kept) });
    return jsonAnswer({ Event: this.events.get(sent.uuid) });
  }
}

function fail(status: number, name: string, errors?: string): Answered {
  return jsonAnswer(
    { ...(errors === undefined ? {} : { saved: false, errors }), name, message: name, url: "/events" },
    status,
  );
}

/** GraphQL with uploads by the multipart request specification; errors come with status 200. */
export class OpenCtiServer extends TestServer {
  readonly files = new Map<string, string>();
  readonly queued: { readonly connector: string; readonly bundle: string }[] = [];

  protected override answer(asked: Asked): Answered {
    if (asked.method !== "POST" || asked.path !== "/graphql") return { status: 404, body: "<html>" };
    if (asked.headers.authorization !== `Bearer ${KEY}`)
      return jsonAnswer({
        errors: [{ message: "You must be logged in to do this.", name: "AUTH_REQUIRED" }],
      });
    if (asked.headers["content-type"]?.startsWith("multipart/form-data")) {
      const form = formOf(asked);
      const text = (name: string) => form.get(name)?.bytes.toString() ?? "";
      const { query, variables } = JSON.parse(text("operations")) as {
        query: string;
        variables: { file: unknown };
      };
      const map = JSON.parse(text("map")) as Record<string, string[]>;
      const [[part = "", [target] = [""]] = []] = Object.entries(map);
      const file = form.get(part);
      if (
        !/mutation \w*[\s\S]*uploadImport\(file: \$file/.test(query) ||
        variables.file !== null ||
        target !== "variables.file" ||
        file?.filename === undefined
      )
        return jsonAnswer({ errors: [{ message: "Malformed multipart request", name: "BAD_USER_INPUT" }] });
      this.files.set(file.filename, file.bytes.toString());
      return jsonAnswer({
        data: { uploadImport: { id: `import/global/${file.filename}`, name: file.filename } },
      });
    }
    const { variables } = JSON.parse(asked.body.toString()) as {
      variables: { connectorId: string; bundle: string };
    };
    if (variables.connectorId !== "known")
      return jsonAnswer({
        errors: [{ message: "No connector found with the specified ID", name: "FUNCTIONAL_ERROR" }],
        data: null,
      });
    this.queued.push({ connector: variables.connectorId, bundle: variables.bundle });
    return jsonAnswer({ data: { stixBundlePush: true } });
  }
}

const TAXII = "application/taxii+json;version=2.1";
export const COLLECTION = "91a7b528-80eb-42ed-a74d-c6fbd5a26116";

/** TAXII 2.1, 4.2, 4.3, 5.2 and 5.5: objects are taken in the background, and their status says how it went. */
export class TaxiiServer extends TestServer {
  readonly objects = new Map<string, Record<string, unknown>>();
  readonly #status = new Map<string, { polls: number; body: Record<string, unknown> }>();
  maxContent = 64 * 1024;
  canWrite = true;
  /** Type of objects that it does not take. */
  refuses = "";
  /** Polls until a status is complete. */
  slow = 0;

  protected override answer({ method, path, headers, body }: Asked): Answered {
    const taxii = (value: unknown, status = 200): Answered => ({
      ...{ status, headers: { "content-type": TAXII } },
      body: JSON.stringify(value),
    });
    const error = (status: number, title: string) => taxii({ title, http_status: String(status) }, status);
    if (!headers.accept?.startsWith("application/taxii+json")) return error(406, "Not Acceptable");
    if (headers.authorization !== `Basic ${Buffer.from(`assay:${KEY}`).toString("base64")}`)
      return error(401, "Unauthorized");
    const base = `/root/collections/${COLLECTION}/`;
    if (method === "GET" && path === "/root/")
      return taxii({ title: "t", versions: [TAXII], max_content_length: this.maxContent });
    if (method === "GET" && path === base)
      return taxii({ id: COLLECTION, title: "c", can_read: true, can_write: this.canWrite });
    if (method === "GET" && path.startsWith("/root/status/")) {
      const status = this.#status.get(path.split("/")[3] ?? "");
      if (status === undefined) return error(404, "Not Found");
      return taxii(
        status.polls-- > 0 ? { ...status.body, status: "pending", pending_count: 1 } : status.body,
      );
    }
    if (method !== "POST" || path !== `${base}objects/`) return error(404, "Not Found");
    if (headers["content-type"] !== TAXII) return error(415, "Unsupported Media Type");
    if (body.length > this.maxContent) return error(413, "Request Entity Too Large");
    const { objects } = JSON.parse(body.toString()) as { objects: Record<string, string>[] };
    const failures = objects.filter(({ type }) => type === this.refuses);
    for (const one of objects)
      if (one.type !== this.refuses) this.objects.set(`${one.id} ${one.modified ?? ""}`, one);
    const id = `00000000-0000-4000-8000-${String(this.#status.size).padStart(12, "0")}`;
    const counts = {
      total_count: objects.length,
      success_count: objects.length - failures.length,
      failure_count: failures.length,
      pending_count: 0,
    };
    const done = {
      ...{ id, status: "complete", request_timestamp: "2026-01-01T00:00:00.000000Z" },
      ...counts,
      failures: failures.map((one) => ({ id: one.id, version: one.modified, message: "type not supported" })),
    };
    this.#status.set(id, { polls: this.slow, body: done });
    return taxii(
      this.slow > 0 ? { ...done, status: "pending", pending_count: objects.length, failures: [] } : done,
      202,
    );
  }
}
