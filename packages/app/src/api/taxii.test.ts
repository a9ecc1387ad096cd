/** A client written against the specification of TAXII 2.1, over HTTP, on either database. */
import type { Tlp } from "@assay/core/export/form";
import fastify, { type FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Corpus, openCorpus } from "../store/corpus.ts";
import { putBatch } from "../store/put.ts";
import { KINDS, type TestPlaces, testPlaces } from "../store/testing/places.ts";
import { made } from "../store/testing/samples.ts";
import { collectionId, TAXII_TYPE, taxii } from "./taxii.ts";

const RUN = { startedAt: "2026-01-02T03:04:05.678Z", engine: "0.1.0", families: ["win.test"] };
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/;

interface Envelope {
  readonly more?: boolean;
  readonly next?: string;
  readonly objects?: readonly Record<string, string>[];
  readonly versions?: readonly string[];
}

class Client {
  readonly #base: string;
  constructor(base: string) {
    this.#base = base;
  }

  /** Holds what every answer must hold: 1.6.8, 3.6.1. */
  async get(path: string, query: Record<string, string> = {}, accept = TAXII_TYPE, init: RequestInit = {}) {
    const search = new URLSearchParams(query).toString();
    const url = `${this.#base}${path}${search === "" ? "" : `?${search}`}`;
    const response = await fetch(url, { ...init, headers: { accept, ...init.headers } });
    expect(response.headers.get("content-type"), path).toBe("application/taxii+json;version=2.1");
    const body = (await response.json()) as Record<string, unknown>;
    if (response.status >= 400) {
      expect(typeof body.title, path).toBe("string");
      expect(body.http_status).toBe(String(response.status));
    }
    return { status: response.status, body, headers: response.headers };
  }

  /** All pages, as 3.5 has a client do it; each with the dates of its first and last object. */
  async all(path: string, query: Record<string, string> = {}): Promise<Record<string, string>[]> {
    const objects: Record<string, string>[] = [];
    let last = "";
    for (let next: string | undefined, pages = 0; pages < 500; pages++) {
      const { status, body, headers } = await this.get(path, next === undefined ? query : { ...query, next });
      expect(status).toBe(200);
      const page = body as Envelope;
      const [from, to] = [headers.get("x-taxii-date-added-first"), headers.get("x-taxii-date-added-last")];
      if (page.objects !== undefined) {
        expect(from).toMatch(TIMESTAMP);
        expect(to).toMatch(TIMESTAMP);
        expect((from as string) <= (to as string) && last <= (from as string)).toBe(true);
        last = to as string;
        objects.push(...page.objects);
      } else expect([from, to]).toEqual([null, null]);
      if (page.more !== true) {
        expect(page.next).toBeUndefined();
        return objects;
      }
      next = page.next as string;
    }
    throw new Error("no end");
  }
}

describe.each(KINDS)("TAXII 2.1 over a corpus on %s", (kind) => {
  let places: TestPlaces | undefined;
  let corpus: Corpus;
  let app: FastifyInstance;
  let client: Client;
  let address = "";
  let readable: readonly Tlp[] = ["green", "amber", "red"];
  let clock = Date.parse("2026-06-01T00:00:00.000Z");
  const green = `/assay/collections/${collectionId("green")}`;
  const put = (name: string, c2: readonly string[], family?: string) =>
    putBatch(corpus.db, RUN, [
      {
        sample: made(name, { c2, mutex: [`Mutex-${name}`], ...(family === undefined ? {} : { family }) }),
        ...{ firstAt: new Date(clock).toISOString(), lastAt: new Date(clock).toISOString() },
      },
    ]);

  beforeAll(async () => {
    places = await testPlaces(kind);
    if (places === undefined) return;
    corpus = await openCorpus(await places.place());
    app = fastify();
    await app.register(taxii, {
      ...{ prefix: "/taxii2", db: corpus.db, levels: ["green", "amber", "red"], contact: "soc@example.org" },
      mayRead: (_request, tlp) => readable.includes(tlp),
      now: () => new Date(clock).toISOString(),
    });
    address = `${await app.listen({ host: "127.0.0.1", port: 0 })}/taxii2`;
    client = new Client(address);
    await put("a", ["one.bad-example.com", "77.105.132.70:4782"]);
    await put("b", ["77.105.132.70:4782"], "win.other");
  }, 240_000);
  afterAll(async () => {
    await app?.close();
    await corpus?.close();
    await places?.stop();
  });
  const holds = (claim: string, test: () => Promise<void>) =>
    it(claim, async ({ skip }) => (places === undefined ? skip() : test()), 240_000);

  holds("leads from discovery to the root to the collections", async () => {
    const { body } = await client.get("/");
    expect(body).toMatchObject({
      title: "assay",
      contact: "soc@example.org",
      default: "/taxii2/assay/",
      api_roots: ["/taxii2/assay/"],
    });
    const root = await client.get("/assay/");
    expect(root.body).toMatchObject({ versions: [TAXII_TYPE] });
    expect(root.body.max_content_length).toBeGreaterThan(0);
    const { collections } = (await client.get("/assay/collections/")).body as {
      collections: Record<string, unknown>[];
    };
    expect(collections.map(({ alias }) => alias)).toEqual(["green", "amber", "red"]);
    for (const one of collections) {
      expect(one).toMatchObject({
        can_read: true,
        can_write: false,
        media_types: ["application/stix+json;version=2.1"],
      });
      expect((await client.get(`/assay/collections/${one.id}/`)).body).toEqual(one);
      expect((await client.get(`/assay/collections/${one.alias}/`)).body).toEqual(one);
    }
  });

  holds("gives every object once, marked with its collection's level, in pages of any size", async () => {
    const whole = await client.all(`${green}/objects/`);
    const ids = whole.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(whole.filter(({ type }) => type === "marking-definition").map(({ name }) => name)).toEqual([
      "TLP:GREEN",
    ]);
    const [marking] = whole.filter(({ type }) => type === "marking-definition");
    for (const one of whole)
      if (one.type !== "marking-definition") expect(one.object_marking_refs).toEqual([marking?.id]);
    for (const one of whole)
      for (const [key, value] of Object.entries(one))
        if (/_refs?$/.test(key)) for (const ref of [value].flat()) expect(ids).toContain(ref);
    expect(whole.filter(({ name }) => name === "win.other, win.test: c2 ipv4")).toHaveLength(1);
    for (const limit of ["1", "7"]) expect(await client.all(`${green}/objects/`, { limit })).toEqual(whole);
    expect((await client.all("/assay/collections/red/objects/")).map(({ id }) => id)).not.toContain(
      marking?.id,
    );
  });

  holds("filters by type, id, version and STIX version, alone and together", async () => {
    const indicators = await client.all(`${green}/objects/`, { "match[type]": "indicator" });
    expect(new Set(indicators.map(({ type }) => type))).toEqual(new Set(["indicator"]));
    const [first, second] = indicators as [Record<string, string>, Record<string, string>];
    const both = await client.all(`${green}/objects/`, { "match[id]": `${first.id},${second.id}` });
    expect(both.map(({ id }) => id).sort()).toEqual([first.id, second.id].sort());
    const none = await client.get(`${green}/objects/`, {
      "match[type]": "indicator",
      "match[id]": "malware--1",
    });
    expect(none.body).toEqual({});
    expect((await client.get(`${green}/objects/`, { "match[spec_version]": "2.0" })).body).toEqual({});
    expect(
      await client.all(`${green}/objects/`, {
        "match[version]": first.modified as string,
        "match[id]": first.id as string,
      }),
    ).toEqual([first]);
    expect(
      await client.all(`${green}/objects/`, { "match[type]": "indicator", "match[spec_version]": "2.0,2.1" }),
    ).toEqual(indicators);
  });

  holds("tells in the manifest what the objects are", async () => {
    const manifest = await client.all(`${green}/manifest/`);
    const objects = await client.all(`${green}/objects/`);
    expect(manifest.map(({ id }) => id)).toEqual(objects.map(({ id }) => id));
    for (const [n, record] of manifest.entries()) {
      expect(Object.keys(record).sort()).toEqual(["date_added", "id", "media_type", "version"]);
      const { modified, created } = objects[n] as Record<string, string>;
      expect(record.version).toBe(modified ?? created ?? record.date_added);
      expect(record.date_added).toMatch(TIMESTAMP);
    }
  });

  holds("gives on the next visit what came since, and new versions of what changed", async () => {
    const before = await client.all(`${green}/manifest/`);
    const last = before.at(-1)?.date_added as string;
    expect(await client.all(`${green}/objects/`, { added_after: last })).toEqual([]);
    clock += 3_600_000;
    await put("c", ["one.bad-example.com", "two.bad-example.com"], "win.third");
    const fresh = await client.all(`${green}/objects/`, { added_after: last });
    const known = new Set(before.map(({ id }) => id));
    const again = fresh.filter(({ id }) => known.has(id as string));
    // A third family has the domain now; nothing else that was there has changed.
    expect(again.map(({ name }) => name)).toEqual(["win.test, win.third: c2 domain"]);
    const [changed] = again as [Record<string, string>];
    const { versions } = (await client.get(`${green}/objects/${changed.id}/versions/`)).body as Envelope;
    expect(versions).toHaveLength(2);
    expect(versions?.[1]).toBe(changed.modified);
    const by = async (version: string) =>
      (await client.all(`${green}/objects/${changed.id}/`, { "match[version]": version })).map(
        ({ modified }) => modified,
      );
    expect(await by("last")).toEqual([versions?.[1]]);
    expect(await by("first")).toEqual([versions?.[0]]);
    expect(await by("all")).toEqual(versions);
    expect(await by(`first,${versions?.[1]}`)).toEqual(versions);
    const [one] = await client.all(`${green}/objects/${changed.id}/`);
    expect(one?.valid_from).toBe(versions?.[0]);
    // The same samples again are nothing new.
    await put("c", ["one.bad-example.com", "two.bad-example.com"], "win.third");
    const end = (await client.all(`${green}/manifest/`)).at(-1)?.date_added as string;
    expect(await client.all(`${green}/objects/`, { added_after: end })).toEqual([]);
  });

  holds("revokes an indicator when somebody's config calls it a decoy", async () => {
    const named = "win.other, win.test: c2 ipv4";
    const find = async () =>
      (await client.all(`${green}/objects/`, { "match[type]": "indicator" })).filter(
        ({ name }) => name === named,
      );
    expect((await find())[0]?.revoked).toBeUndefined();
    clock += 3_600_000;
    const decoy = made("d", { c2: ["77.105.132.70:4782"], family: "win.test" });
    for (const one of decoy.indicators)
      if (one.type === "ipv4") Object.assign(one, { usage: "decoy", blockable: false });
    const at = new Date(clock).toISOString();
    await putBatch(corpus.db, RUN, [{ sample: decoy, firstAt: at, lastAt: at }]);
    const after = await find();
    expect(after).toHaveLength(1);
    expect(after[0]?.revoked).toBe(true);
  });

  holds("refuses with error messages of the protocol", async () => {
    const cases: readonly (readonly [number, string, Record<string, string>, string?, RequestInit?])[] = [
      [406, "/", {}, "application/json"],
      [406, "/assay/", {}, "application/taxii+json;version=2.0"],
      [406, "/", {}, "application/taxii+json;q=0"],
      [404, "/nothing/", {}],
      [404, "/assay/collections/0d0d0d0d-0000-4000-8000-000000000000/objects/", {}],
      [404, `${green}/objects/indicator--0d0d0d0d-0000-4000-8000-000000000000/`, {}],
      [404, "/assay/status/0d0d0d0d-0000-4000-8000-000000000000/", {}],
      [400, `${green}/objects/`, { limit: "0" }],
      [400, `${green}/objects/`, { limit: "many" }],
      [400, `${green}/objects/`, { added_after: "yesterday" }],
      [400, `${green}/objects/`, { next: "'; drop table assay.samples; --" }],
      [400, `${green}/objects/`, { next: Buffer.from('["2026-01-01T00:00:00Z",1]').toString("base64url") }],
      [400, `${green}/objects/`, { "match[version]": "newest" }],
      [400, `${green}/objects/`, { "match[colour]": "red" }],
      [
        415,
        `${green}/objects/`,
        {},
        TAXII_TYPE,
        { method: "POST", body: "{}", headers: { "content-type": "application/json" } },
      ],
      [
        403,
        `${green}/objects/`,
        {},
        TAXII_TYPE,
        { method: "POST", body: "{", headers: { "content-type": TAXII_TYPE } },
      ],
      [403, `${green}/objects/x/`, {}, TAXII_TYPE, { method: "DELETE" }],
    ];
    for (const [status, path, query, accept, init] of cases)
      expect(
        (await client.get(path, query, accept, init)).status,
        `${path} ${JSON.stringify(query)} ${accept}`,
      ).toBe(status);
    for (const accept of [
      "application/taxii+json",
      'application/taxii+json; version="2.1", */*;q=0.1',
      "*/*",
    ])
      expect((await client.get("/", {}, accept)).status).toBe(200);
    const twice = await fetch(`${address}${green}/objects/?limit=1&limit=2`, {
      headers: { accept: TAXII_TYPE },
    });
    expect(twice.status).toBe(400);
  });

  holds("hides a collection from those who may not read it", async () => {
    readable = ["green"];
    const { collections } = (await client.get("/assay/collections/")).body as {
      collections: { alias: string }[];
    };
    expect(collections.map(({ alias }) => alias)).toEqual(["green"]);
    expect((await client.get("/assay/collections/amber/objects/")).status).toBe(404);
    readable = [];
    expect((await client.get("/assay/collections/")).body).toEqual({});
  });
});
