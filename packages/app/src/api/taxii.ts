/**
 * TAXII 2.1 (OASIS, 10 June 2021), read-only, over the corpus: discovery, one API root, and a collection for each TLP
 * level that its owner opens. All objects of the corpus stand in each, marked with its level; which clients see which
 * collection is up to `mayRead`. Register it with a prefix: discovery is at the prefix itself.
 *
 * Second-hand knowledge is no part of it.
 */
import { type Tlp, tlpLabel } from "@assay/core/export/form";
import { ASSAY_NAMESPACE, uuid5 } from "@assay/core/export/uuid";
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import { refreshStix, type StixPlace, stixPage } from "../exchange/stix-store.ts";
import type { Database } from "../store/database.ts";
import { type Asked, askedOf, pageToken, TaxiiError } from "./taxii-query.ts";

export interface TaxiiOptions {
  readonly db: Database;
  /** Levels that have a collection: to open one is to share the corpus on its terms. Default: amber. */
  readonly levels?: readonly Tlp[];
  /** Whether whoever asks may read the collection of a level. Default: whoever gets as far as this. */
  readonly mayRead?: (request: FastifyRequest, tlp: Tlp) => boolean;
  readonly title?: string;
  readonly contact?: string;
  /** `config` of every route, for whoever guards them. */
  readonly routeConfig?: Readonly<Record<string, unknown>>;
  readonly now?: () => string;
}

export const TAXII_TYPE = "application/taxii+json;version=2.1";
const STIX_TYPE = "application/stix+json;version=2.1";
const ROOT = "assay";
/** Longest body that a collection would take if it took any. */
const MAX_CONTENT = 1024 * 1024;
const READ_ONLY = "this server is read-only";

interface Collection {
  readonly id: string;
  readonly tlp: Tlp;
}

export function collectionId(tlp: Tlp): string {
  return uuid5(ASSAY_NAMESPACE, `taxii collection ${tlp}`);
}

export const taxii: FastifyPluginAsync<TaxiiOptions> = async (app, options) => {
  const { db, levels = ["amber"], title = "assay", now = () => new Date().toISOString() } = options;
  const mayRead = options.mayRead ?? (() => true);
  const all = levels.map((tlp): Collection => ({ id: collectionId(tlp), tlp }));
  const route = { config: { ...options.routeConfig } };
  const rootPath = `${app.prefix}/${ROOT}/`;

  // A body is refused by its type or because nothing is written here: nobody reads it.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, payload, done) => {
    payload.resume();
    done(null);
  });
  app.addHook("onRequest", async (request) => {
    if (!accepts(request.headers.accept))
      throw new TaxiiError(406, "Not Acceptable", `this server answers ${TAXII_TYPE}`);
  });
  app.setErrorHandler((error, request, reply) => {
    const known = error instanceof TaxiiError ? error : fromOther(error);
    if (known === undefined) throw error;
    return answer(reply.code(known.status), {
      title: known.title,
      description: known.message,
      error_id: request.id,
      http_status: String(known.status),
    });
  });
  app.setNotFoundHandler(() => {
    throw new TaxiiError(404, "Not Found", "no such resource");
  });

  /** With and without the slash that the specification wants at the end. */
  const get = (path: string, handler: (request: FastifyRequest, reply: FastifyReply) => unknown) => {
    for (const url of path === "/" ? ["/"] : [path, path.replace(/\/$/, "")])
      app.get(url, route, (request, reply) => handler(request, reply));
  };

  const collectionOf = (request: FastifyRequest): Collection => {
    const { collection } = request.params as { readonly collection: string };
    const found = all.find(({ id, tlp }) => id === collection || tlp === collection);
    // Whoever may not read it is not told that it is there (2.1, 3.3: 404).
    if (found === undefined || !mayRead(request, found.tlp))
      throw new TaxiiError(404, "Not Found", "no such collection, or none that you may read");
    return found;
  };

  get("/", (_request, reply) =>
    answer(reply, {
      title,
      description: "Configurations and indicators read from malware",
      ...(options.contact === undefined ? {} : { contact: options.contact }),
      default: rootPath,
      api_roots: [rootPath],
    }),
  );
  get(`/${ROOT}/`, (_request, reply) =>
    answer(reply, {
      title,
      description: "Malware configurations with their indicators, as STIX 2.1",
      versions: [TAXII_TYPE],
      max_content_length: MAX_CONTENT,
    }),
  );
  get(`/${ROOT}/status/:status/`, () => {
    throw new TaxiiError(404, "Not Found", `no such status: ${READ_ONLY}`);
  });
  get(`/${ROOT}/collections/`, (request, reply) => {
    const open = all.filter(({ tlp }) => mayRead(request, tlp)).map(described);
    return answer(reply, open.length === 0 ? {} : { collections: open });
  });
  get(`/${ROOT}/collections/:collection/`, (request, reply) =>
    answer(reply, described(collectionOf(request))),
  );

  const page = async (request: FastifyRequest, asked: Asked) => {
    const { tlp } = collectionOf(request);
    // The first page of a visit brings the collection up to date; a later one goes on where that ended.
    if (asked.after === undefined) await refreshStix(db, now());
    return stixPage(db, { tlp, ...asked });
  };
  const objectId = (request: FastifyRequest): string =>
    (request.params as { readonly object: string }).object;

  get(`/${ROOT}/collections/:collection/objects/`, async (request, reply) => {
    const { rows, more } = await page(
      request,
      askedOf(request.query, ["id", "type", "version", "spec_version"]),
    );
    return answer(
      dated(reply, rows),
      envelope(rows, more, ({ object }) => object, "objects"),
    );
  });
  get(`/${ROOT}/collections/:collection/manifest/`, async (request, reply) => {
    const { rows, more } = await page(
      request,
      askedOf(request.query, ["id", "type", "version", "spec_version"]),
    );
    const record = ({ id, addedAt, version }: StixPlace) => ({
      id,
      date_added: addedAt,
      version,
      media_type: STIX_TYPE,
    });
    return answer(dated(reply, rows), envelope(rows, more, record, "objects"));
  });
  get(`/${ROOT}/collections/:collection/objects/:object/`, async (request, reply) => {
    const ids = [objectId(request)];
    const asked = askedOf(request.query, ["version", "spec_version"]);
    const { rows, more } = await page(request, { ...asked, ids });
    if (rows.length === 0) await mustExist(request, ids);
    return answer(
      dated(reply, rows),
      envelope(rows, more, ({ object }) => object, "objects"),
    );
  });
  get(`/${ROOT}/collections/:collection/objects/:object/versions/`, async (request, reply) => {
    const ids = [objectId(request)];
    const asked = askedOf(request.query, ["spec_version"]);
    const { rows, more } = await page(request, { ...asked, ids, versions: ["all"] });
    if (rows.length === 0) await mustExist(request, ids);
    return answer(
      dated(reply, rows),
      envelope(rows, more, ({ version }) => version, "versions"),
    );
  });

  /** Nothing that the filters leave is an empty answer; an object that is not there is an error. */
  const mustExist = async (request: FastifyRequest, ids: readonly string[]): Promise<void> => {
    const { tlp } = collectionOf(request);
    const { rows } = await stixPage(db, { tlp, ids, versions: ["all"], limit: 1 });
    if (rows.length === 0) throw new TaxiiError(404, "Not Found", "no such object in this collection");
  };

  for (const url of [`/${ROOT}/collections/:collection/objects/`, `/${ROOT}/collections/:collection/objects`])
    app.post(url, route, (request) => {
      collectionOf(request);
      if (!isTaxii(request.headers["content-type"] ?? ""))
        throw new TaxiiError(415, "Unsupported Media Type", `${TAXII_TYPE} is expected`);
      throw new TaxiiError(403, "Forbidden", READ_ONLY);
    });
  app.delete(`/${ROOT}/collections/:collection/objects/:object/`, route, (request) => {
    collectionOf(request);
    throw new TaxiiError(403, "Forbidden", READ_ONLY);
  });
};

function described({ id, tlp }: Collection) {
  return {
    id,
    title: `${tlpLabel(tlp)}: malware configurations`,
    description: `Everything that was found, marked ${tlpLabel(tlp)}`,
    alias: tlp,
    can_read: true,
    can_write: false,
    media_types: [STIX_TYPE],
  };
}

function envelope<T extends StixPlace>(
  rows: readonly T[],
  more: boolean,
  what: (row: T) => unknown,
  name: "objects" | "versions",
): Record<string, unknown> {
  const last = rows.at(-1);
  // An envelope without objects has no member for them (3.7).
  return {
    ...(more && last !== undefined ? { more, next: pageToken(last) } : {}),
    ...(rows.length === 0 ? {} : { [name]: rows.map(what) }),
  };
}

/** Both headers, or none where there is nothing (2.1, 3.4). */
function dated(reply: FastifyReply, rows: readonly StixPlace[]): FastifyReply {
  const [first, last] = [rows[0], rows.at(-1)];
  if (first === undefined || last === undefined) return reply;
  return reply
    .header("X-TAXII-Date-Added-First", first.addedAt)
    .header("X-TAXII-Date-Added-Last", last.addedAt);
}

function answer(reply: FastifyReply, body: unknown): FastifyReply {
  return reply.header("content-type", TAXII_TYPE).send(Buffer.from(JSON.stringify(body)));
}

/** What fastify itself refuses: an address that is none, a body that is too large. Anything else is a bug and passes. */
function fromOther(error: unknown): TaxiiError | undefined {
  const { statusCode, message } = error as { readonly statusCode?: unknown; readonly message?: unknown };
  if (typeof statusCode !== "number" || statusCode < 400 || statusCode > 499) return undefined;
  return new TaxiiError(statusCode, "Refused", String(message));
}

/** Ranges of RFC 9110, 12.5.1; parameters but `version` and `q` change nothing. */
function accepts(header: string | undefined): boolean {
  if (header === undefined || header.trim() === "") return true;
  return header.split(",").some((range) => {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    if (parameters.some((one) => /^q=0(?:\.0*)?$/.test(one))) return false;
    if (type === "*/*" || type === "application/*") return true;
    return type === "application/taxii+json" && hasVersion(parameters);
  });
}

function isTaxii(header: string): boolean {
  const [type = "", ...parameters] = header.split(";").map((part) => part.trim().toLowerCase());
  return type === "application/taxii+json" && hasVersion(parameters);
}

function hasVersion(parameters: readonly string[]): boolean {
  return parameters.every((one) => !one.startsWith("version=") || /^version="?2\.1"?$/.test(one));
}
