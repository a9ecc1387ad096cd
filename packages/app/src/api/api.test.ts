import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { unseal } from "../store/blobs.ts";
import { KINDS, type TestPlaces, testPlaces } from "../store/testing/places.ts";
import { empty, made, sha256Of } from "../store/testing/samples.ts";
import { startApi, type TestApi } from "./testing/api.ts";

describe.each(KINDS)("the API on %s", (kind) => {
  let places: TestPlaces | undefined;
  let api: TestApi;

  beforeAll(async () => {
    places = await testPlaces(kind);
    if (places !== undefined) api = await startApi(await places.place());
  }, 120_000);
  afterAll(async () => {
    await api?.stop();
    await places?.stop();
  }, 60_000);
  const holds = (claim: string, test: () => Promise<void>) =>
    it(claim, async ({ skip }) => (places === undefined ? skip() : test()), 120_000);

  const file = (name: string) => ({ name, content: name });

  /** Uploaded, analysed. */
  async function analysed(...names: string[]): Promise<string> {
    const { body } = await api.upload(names.map(file));
    await api.work(body.batch);
    return body.batch;
  }

  holds("takes files, keeps them before it says so, and analyses each once", async () => {
    const sent = await api.upload(
      [file("one"), file("two"), { name: "again", content: "one" }],
      [["priority", "feed"]],
    );
    expect(sent.status).toBe(202);
    expect(sent.body.accepted).toMatchObject([
      { sha256: sha256Of("one"), name: "one", size: 3, state: "queued" },
      { sha256: sha256Of("two"), name: "two", size: 3, state: "queued" },
      { sha256: sha256Of("one"), name: "again", size: 3, state: "queued" },
    ]);
    const kept = await api.corpus.blobs?.get(sha256Of("two"));
    expect(kept?.status === "ok" && Buffer.from(kept.bytes).toString()).toBe("two");
    await api.work(sent.body.batch);
    const state = await api.ask(`/api/v1/batches/${sent.body.batch}`);
    expect(state.body).toMatchObject({ total: 3, ended: true, byState: { done: 3 }, next: null });
    const again = await api.upload([file("one")]);
    expect(again.body.accepted).toMatchObject([{ sha256: sha256Of("one"), state: "known" }]);
  });

  holds("takes an upload file by file into one batch, and shows it as a table page by page", async () => {
    const batch = crypto.randomUUID();
    const shared = made("table-a", { c2: ["table-host.pw", "only-a.pw"] });
    const samples = new Map([
      ["table-a", shared],
      ["table-b", made("table-b", { c2: ["table-host.pw"] })],
      ["table-c", empty("table-c")],
    ]);
    for (const name of samples.keys()) {
      const sent = await api.upload([file(name)], [["batch", batch]]);
      expect([sent.status, sent.body.batch]).toEqual([202, batch]);
    }
    const refused = await api.upload([file("table-d")], [["batch", "no uuid"]]);
    expect([refused.status, refused.body.detail]).toEqual([400, "batch is a UUID"]);
    await api.work(batch, async (_path, name) => samples.get(name) ?? empty(name));
    const first = await api.ask(`/api/v1/batches/${batch}/table?limit=2`);
    expect(first.body.rows).toMatchObject([
      {
        ...{ n: 1, name: "table-a", state: "done", outcome: "config", families: ["win.test"] },
        shared: [{ value: "table-host.pw", samples: 2 }],
      },
      { n: 2, name: "table-b", shared: [{ value: "table-host.pw", samples: 2 }] },
    ]);
    const rest = await api.ask(
      `/api/v1/batches/${batch}/table?limit=2&cursor=${encodeURIComponent(first.body.next)}`,
    );
    expect(rest.body).toMatchObject({
      rows: [{ n: 3, name: "table-c", outcome: "unknown", findings: [], shared: [], cluster: null }],
      next: null,
    });
    expect((await api.ask(`/api/v1/batches/${crypto.randomUUID()}/table`)).status).toBe(404);
  });

  holds("exports just the samples that are named, each once", async () => {
    await analysed("chosen", "not-chosen");
    const post = (body: unknown) =>
      api.ask("/api/v1/exports/csv", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    const [chosen, unknown] = [sha256Of("chosen"), sha256Of("nobody has it")];
    const { status, headers, text } = await post({ samples: [chosen, chosen, unknown] });
    expect(status).toBe(200);
    expect(headers.get("content-disposition")).toBe('attachment; filename="assay-csv.csv"');
    expect(text).toContain("chosen.example");
    expect(text).not.toContain("not-chosen.example");
    expect((await post({ samples: [] })).status).toBe(400);
    expect((await post({ samples: ["no hash"] })).status).toBe(400);
  });

  holds("gives a sample with its report, its history, and the same report alone", async () => {
    await analysed("detail");
    const sha256 = sha256Of("detail");
    const { status, body } = await api.ask(`/api/v1/samples/${sha256.toUpperCase()}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      ...{ sha256, names: ["detail"], outcome: "config", stored: true },
      result: { of: sha256, subject: 0 },
      report: { schema: "assay.report/1", samples: [{ sha256, findings: [{ family: "win.test" }] }] },
    });
    expect((await api.ask(`/api/v1/samples/${sha256}/report`)).body).toEqual(body.report);
    const history = await api.ask(`/api/v1/samples/${sha256}/history`);
    expect(history.body.results).toMatchObject([{ id: body.result.id, standing: true, outcome: "config" }]);
    expect((await api.ask(`/api/v1/samples/${sha256}/history/${body.result.id}`)).body).toEqual(body.report);
    expect((await api.ask(`/api/v1/samples/${sha256Of("nobody")}`)).status).toBe(404);
  });

  holds(
    "leads through a search page by page, each sample once, and refuses a cursor of another query",
    async () => {
      await analysed(...Array.from({ length: 7 }, (_, i) => `page${i}`));
      const seen: string[] = [];
      let next = "";
      for (let i = 0; i < 10; i++) {
        const page = await api.ask(
          `/api/v1/samples?q=name:page*&limit=3${next === "" ? "" : `&cursor=${next}`}`,
        );
        expect(page.status).toBe(200);
        expect(page.body.total).toBe(next === "" ? 7 : undefined);
        seen.push(...page.body.samples.map(({ names }: { names: string[] }) => names[0]));
        next = page.body.next ?? "";
        if (next === "") break;
        const other = await api.ask(`/api/v1/samples?q=name:other*&limit=3&cursor=${next}`);
        expect(other.status).toBe(400);
        expect(other.body).toMatchObject({ type: "/problems/invalid-cursor" });
        expect(other.body.detail).toMatch(/another query/);
        expect((await api.ask(`/api/v1/indicators?cursor=${next}`)).status).toBe(400);
      }
      expect(seen.sort()).toEqual(Array.from({ length: 7 }, (_, i) => `page${i}`));
      const bad = await api.ask(`/api/v1/samples?q=${encodeURIComponent('name:"open')}`);
      expect(bad.body).toMatchObject({ status: 400, type: "/problems/invalid-query" });
      expect(bad.body.detail).toMatch(/character 6: a quotation mark is not closed/);
    },
  );

  holds("tells of a batch as it happens, and goes on where a client lost the connection", async () => {
    const { body } = await api.upload([file("sse1"), file("sse2")]);
    const url = `/api/v1/batches/${body.batch}/events`;
    const [events] = await Promise.all([api.ask(url), api.work(body.batch)]);
    expect(events.headers.get("content-type")).toMatch(/^text\/event-stream/);
    const ids = [...events.text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    expect(ids).toEqual([1, 2, 3, 4]);
    expect(events.text).toMatch(/event: end\ndata: \{\}\n\n$/);
    const data = [...events.text.matchAll(/^event: sample\ndata: (.*)$/gm)].map(([, text]) =>
      JSON.parse(text ?? ""),
    );
    expect(data.filter(({ sha256 }) => sha256 === sha256Of("sse1")).map(({ state }) => state)).toEqual([
      "active",
      "done",
    ]);
    const later = await api.ask(url, { headers: { "last-event-id": "3" } });
    expect([...later.text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))).toEqual([4]);
    expect((await api.ask(`${url}?since=4`)).text).not.toMatch(/^id:/m);
    expect((await api.ask(url, { headers: { "last-event-id": "x" } })).status).toBe(400);
  });

  holds("gives one report of a batch, with what ties its samples", async () => {
    const names = Array.from({ length: 8 }, (_, i) => `tie${i}`);
    const { body } = await api.upload(names.map(file));
    const tied = ["tie1", "tie2"];
    await api.work(body.batch, async (_path, name) =>
      made(name, tied.includes(name) ? { mutex: ["Rmc-TIED42"] } : { c2: [`${name}.example`] }),
    );
    const { body: report, status } = await api.ask(`/api/v1/batches/${body.batch}/report`);
    expect(status).toBe(200);
    expect(report).toMatchObject({ schema: "assay.report/1", engine: { name: "assay" } });
    expect(report.samples.map(({ names: [name] }: { names: string[] }) => name)).toEqual(names);
    expect(report.clusters).toMatchObject([{ samples: tied.map(sha256Of).sort() }]);
    const missing = "00000000-0000-4000-8000-000000000000";
    expect((await api.ask(`/api/v1/batches/${missing}/report`)).status).toBe(404);
    const list = await api.ask("/api/v1/batches?limit=1");
    expect(list.body.batches).toMatchObject([{ id: body.batch, kind: "upload", total: 8 }]);
    const second = await api.ask(`/api/v1/batches?limit=1&cursor=${list.body.next}`);
    expect(second.body.batches[0].id).not.toBe(body.batch);
  });

  holds("exports what a search finds, and answers 304 until a result changes", async () => {
    const batch = await analysed("export1", "export2");
    const path = `/api/v1/exports/csv?batch=${batch}`;
    const first = await api.ask(path);
    expect(first.status).toBe(200);
    expect(first.headers.get("content-type")).toBe("text/csv; charset=utf-8; header=present");
    expect(first.text).toMatch(/export1\[?\.\]?example/);
    expect(first.headers.get("x-assay-samples")).toBe("2");
    const etag = first.headers.get("etag") ?? "";
    expect(etag).toMatch(/^"[\w-]{32}"$/);
    const unchanged = await api.ask(path, { headers: { "if-none-match": `"other", ${etag}` } });
    expect([unchanged.status, unchanged.text]).toEqual([304, ""]);
    expect((await api.ask(`${path}&tlp=amber`)).headers.get("etag")).not.toBe(etag);
    for (const { id } of (await api.ask("/api/v1/exports")).body.exports) {
      const out = await api.ask(`/api/v1/exports/${id}?q=${encodeURIComponent("name:export*")}&tlp=green`);
      expect([id, out.status]).toEqual([id, 200]);
      expect((await api.ask(`/api/v1/exports/${id}?q=name:nothing-here`)).status).toBe(200);
    }
    const stix = await api.ask(`/api/v1/exports/stix?sample=${sha256Of("export1")}`);
    expect(JSON.parse(stix.text)).toMatchObject({ type: "bundle" });
    expect((await api.ask("/api/v1/exports/nothing")).status).toBe(404);
    expect((await api.ask(`/api/v1/exports/csv?q=x&batch=${batch}`)).status).toBe(400);
  });

  holds("pivots, draws, lists and excludes", async () => {
    await analysed("pivot-a");
    const pivot = await api.ask("/api/v1/pivot?value=pivot-a[.]example");
    expect(pivot.body).toMatchObject({ total: 1, samples: [{ sha256: sha256Of("pivot-a") }] });
    const graph = await api.ask("/api/v1/graph?seed=pivot-a.example&depth=1");
    expect(graph.body.nodes.map(({ kind: of }: { kind: string }) => of)).toContain("sample");
    expect((await api.ask("/api/v1/graph?seed=x&kinds=nonsense")).status).toBe(400);
    const community = "/api/v1/graph/communities/nothing";
    expect([(await api.ask("/api/v1/graph/overview")).status, (await api.ask(community)).status]).toEqual([
      200, 404,
    ]);
    const way = await api.ask(`/api/v1/graph/path?from=pivot-a.example&to=${sha256Of("pivot-a")}`);
    expect(way.body.edges).toMatchObject([{ kind: "holds" }]);
    expect((await api.ask("/api/v1/graph/path?from=pivot-a.example&to=nobody.example")).status).toBe(404);
    const listed = await api.ask("/api/v1/indicators?value=pivot-a.example&type=domain");
    expect(listed.body.indicators).toMatchObject([
      { value: "pivot-a.example", defanged: "pivot-a[.]example", samples: 1 },
    ]);
    expect((await api.ask("/api/v1/indicators?value=pivot-a.exa*")).body.indicators).toHaveLength(1);
    expect((await api.ask("/api/v1/indicators?family=win.test&usage=c2&limit=1")).body.next).not.toBeNull();
    expect((await api.ask("/api/v1/indicators?family=win.nobody")).body.indicators).toEqual([]);
    const json = { "content-type": "application/json" };
    const body = JSON.stringify({ entry: "pivot-a.example" });
    expect((await api.ask("/api/v1/exclusions", { method: "POST", headers: json, body })).status).toBe(204);
    const excluded = await api.ask("/api/v1/pivot?value=pivot-a.example");
    expect(excluded.body.matches[0].excludedBy).toBe("pivot-a.example");
    expect((await api.ask("/api/v1/exclusions?entry=pivot-a.example", { method: "DELETE" })).status).toBe(
      204,
    );
    expect((await api.ask("/api/v1/exclusions?entry=pivot-a.example", { method: "DELETE" })).status).toBe(
      404,
    );
    expect((await api.ask("/api/v1/clusters?limit=1")).status).toBe(200);
  });

  holds("watches a value and tells who came to hold it", async () => {
    const json = { "content-type": "application/json" };
    const body = JSON.stringify({ value: "watched.example" });
    expect((await api.ask("/api/v1/watches", { method: "POST", headers: json, body })).status).toBe(204);
    await analysed("watched");
    const hits = await api.ask("/api/v1/watches/hits?value=watched.example");
    expect(hits.body.hits).toMatchObject([
      { sample: sha256Of("watched"), value: "watched.example", type: "domain" },
    ]);
    expect((await api.ask("/api/v1/watches")).body.watches).toMatchObject([
      { value: "watched.example", hits: 1 },
    ]);
    expect((await api.ask("/api/v1/watches?value=watched.example", { method: "DELETE" })).status).toBe(204);
  });

  holds("gives a sample as CaRT and shows its bytes, and notes who got at it", async () => {
    await analysed("fetched");
    const sha256 = sha256Of("fetched");
    const cart = await fetch(`http://127.0.0.1:${api.port}/api/v1/samples/${sha256}/cart`);
    expect(cart.headers.get("content-disposition")).toBe(`attachment; filename="${sha256}.cart"`);
    const opened = unseal(new Uint8Array(await cart.arrayBuffer()), sha256);
    expect(opened.status === "ok" && Buffer.from(opened.bytes).toString()).toBe("fetched");
    const bytes = await api.ask(`/api/v1/samples/${sha256}/artifacts/0/bytes?offset=2&length=3`);
    expect(bytes.body).toMatchObject({
      size: 7,
      offset: 2,
      length: 3,
      base64: Buffer.from("tch").toString("base64"),
    });
    expect((await api.ask(`/api/v1/samples/${sha256}/artifacts/0/bytes?offset=99`)).body.length).toBe(0);
    expect((await api.ask(`/api/v1/samples/${sha256}/artifacts/9/bytes`)).status).toBe(404);
    const audit = await api.ask(`/api/v1/audit?sample=${sha256}`);
    expect(audit.body.entries.map(({ action }: { action: string }) => action)).toEqual([
      "bytes",
      "bytes",
      "cart",
    ]);
    expect(audit.body.entries[2]).toMatchObject({ actor: "local", address: "127.0.0.1", token: null });
    expect((await api.ask(`/api/v1/samples/${sha256Of("nobody")}/cart`)).status).toBe(404);
  });

  holds("puts dead letters back or away, and rescans", async () => {
    expect((await api.ask("/api/v1/dead")).body).toEqual({ dead: [], next: null });
    const nobody = "/api/v1/dead/00000000-0000-4000-8000-000000000000";
    for (const [path, method] of [
      [nobody, "GET"],
      [nobody, "DELETE"],
      [`${nobody}/retry`, "POST"],
    ] as const)
      expect([path, (await api.ask(path, { method })).status]).toEqual([path, 404]);
    const rescan = await api.ask("/api/v1/rescans", {
      ...{ method: "POST", headers: { "content-type": "application/json" } },
      body: JSON.stringify({ family: "win.nobody" }),
    });
    expect(rescan.status).toBe(202);
    expect((await api.ask("/api/v1/queue")).body).toMatchObject({ dead: 0 });
  });

  holds(
    "describes itself: every route of OpenAPI answers, and the page needs nothing from elsewhere",
    async () => {
      const { body: document } = await api.ask("/openapi.json");
      expect(document.openapi).toBe("3.1.0");
      expect(Object.keys(document.paths).length).toBeGreaterThan(30);
      for (const [path, methods] of Object.entries<Record<string, { responses: object }>>(document.paths))
        for (const [method, { responses }] of Object.entries(methods))
          expect([path, method, Object.keys(responses).length >= 3]).toEqual([path, method, true]);
      const page = await api.ask("/docs");
      expect(page.status).toBe(200);
      expect([...page.text.matchAll(/(?:src|href)="(?!#)([^"]*)"/g)].map(([, url]) => url).sort()).toEqual([
        "/docs/style.css",
        "/openapi.json",
      ]);
      expect(page.text).not.toMatch(/<script/i);
      expect(page.headers.get("content-security-policy")).toMatch(/default-src 'none'/);
    },
  );

  holds("is well, counts what it does, and says who asks", async () => {
    expect((await api.ask("/healthz")).body).toEqual({ status: "ok" });
    expect((await api.ask("/readyz")).body).toEqual({ status: "ok", database: true, blobs: true });
    expect((await api.ask("/api/v1/me")).body).toMatchObject({ name: "local", role: "admin", token: null });
    expect((await api.ask("/api/v1/stats")).body.samples).toBeGreaterThan(0);
    expect((await api.ask("/api/v1/families")).body.families.length).toBeGreaterThan(3);
    const { text } = await api.ask("/metrics");
    expect(text).toMatch(/^assay_http_requests_total\{method="GET",route="\/healthz",status="200"\} \d+$/m);
    expect(text).toMatch(/^assay_upload_samples_total [1-9]\d*$/m);
    expect(text).toMatch(/^assay_queue_queued \d+$/m);
  });
});
