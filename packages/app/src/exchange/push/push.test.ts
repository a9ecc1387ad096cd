import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findForm } from "@assay/core/export/registry";
import { ordinaryReport } from "@assay/core/export/testing";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { jsonAnswer, type TestServer } from "../../sandboxes/test-servers/server.ts";
import { TestClock } from "../../sandboxes/test-servers/test-clock.ts";
import { FORM_OF, type PushOptions, push } from "./push.ts";
import { type PushPlace, pushSettings } from "./settings.ts";
import type { TargetKind } from "./target.ts";
import { COLLECTION, KEY, MispServer, OpenCtiServer, TaxiiServer } from "./test-servers/platforms.ts";

const folder = mkdtempSync(join(tmpdir(), "assay-push-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const running: TestServer[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop();
});

async function up<T extends TestServer>(server: T): Promise<T> {
  running.push(server);
  await server.start();
  return server;
}

function bodyOf(kind: TargetKind, at = "2026-03-01T12:00:00.000Z"): string {
  return (
    findForm(FORM_OF[kind])?.convert({ ...ordinaryReport(), startedAt: at }, { tlp: "amber" }).body ?? ""
  );
}

function settings(kind: TargetKind, place: PushPlace, env = {}) {
  // A config file of whoever runs the test is none of its business.
  const config = join(folder, "none.json");
  writeFileSync(config, "{}");
  return pushSettings(kind, { config, ...place }, env);
}

async function send(
  kind: TargetKind,
  server: TestServer,
  more: { token?: string; body?: string; clock?: TestClock; options?: PushOptions } = {},
) {
  const url = kind === "taxii" ? `${server.url.href}root/collections/${COLLECTION}/` : server.url.href;
  const known = settings(kind, { url, token: more.token ?? (kind === "taxii" ? `assay:${KEY}` : KEY) });
  if (!known.ok) throw new Error(known.error.text);
  return push(known.value, more.body ?? bodyOf(kind), more.options ?? {}, {
    clock: more.clock ?? new TestClock(),
  });
}

const lines = (server: TestServer) =>
  server.asked.map(({ method, path }) => `${method} ${path.split("/").slice(0, 3).join("/")}`);

describe("MISP", () => {
  it("gets the event once; again it is unchanged; newer it is edited under its uuid", async () => {
    const server = await up(new MispServer());
    expect(await send("misp", server)).toMatchObject({
      ok: true,
      value: { outcome: "event created", refused: [] },
    });
    const [before] = [...server.events.values()];
    expect(await send("misp", server)).toMatchObject({
      ok: true,
      value: { outcome: "event unchanged", refused: [] },
    });
    expect([...server.events.values()]).toEqual([before]);
    const later = bodyOf("misp", "2026-04-01T00:00:00.000Z");
    expect(await send("misp", server, { body: later })).toMatchObject({
      ok: true,
      value: { outcome: "event edited" },
    });
    expect(server.events.size).toBe(1);
    const uuids = (event: unknown) => JSON.stringify(event).match(/"uuid":"[^"]+"/g);
    expect(uuids([...server.events.values()][0])).toEqual(uuids(before));
    expect(lines(server)).toEqual([
      "GET /events/view",
      "POST /events/add",
      "GET /events/view",
      "POST /events/edit",
      "GET /events/view",
      "POST /events/edit",
    ]);
  });

  it("that heard an add whose answer was lost gets no second event", async () => {
    const server = await up(new MispServer());
    server.order(/POST .*add/, { kind: "cut", bytes: 10 });
    // The test server stores before it cuts.
    const result = await send("misp", server);
    expect(result).toMatchObject({ ok: true });
    expect(server.events.size).toBe(1);
    expect(server.count(/POST .*edit/)).toBe(1);
  });

  it("says what it dropped", async () => {
    const server = await up(new MispServer());
    server.refuses = "c2.bad-example.ru";
    const result = await send("misp", server);
    if (!result.ok) throw new Error(result.error.text);
    expect(result.value.refused.map(({ what }) => what.replace(/ \(.*/, "")).sort()).toEqual([
      "domain-ip: domain c2.bad-example.ru",
      "ip-port: domain c2.bad-example.ru",
    ]);
  });

  it("says why it takes nothing, without the key", async () => {
    const server = await up(new MispServer());
    const refused = await send("misp", server, { token: "wr0ng-key" });
    expect(refused).toMatchObject({
      ok: false,
      error: { code: "not-allowed", text: expect.stringContaining("Authentication failed") },
    });
    server.blocked = true;
    expect(await send("misp", server)).toMatchObject({
      ok: false,
      error: { code: "refused", text: expect.stringMatching(/403: .*blocklist/) },
    });
    server.order(/GET/, { kind: "answer", answer: jsonAnswer({ message: `bad key ${KEY}` }, 400) });
    const told = await send("misp", server);
    expect(JSON.stringify(told)).not.toContain(KEY);
  });

  it("waits as long as it is told, and gets over errors of the server", async () => {
    const server = await up(new MispServer());
    const clock = new TestClock();
    server.order(/POST/, {
      kind: "answer",
      answer: { ...jsonAnswer({}, 429), headers: { "retry-after": "30" } },
    });
    server.order(/POST/, { kind: "answer", answer: jsonAnswer({}, 503) });
    expect(await send("misp", server, { clock })).toMatchObject({ ok: true });
    expect(clock.slept).toEqual([30_000, 1000]);
    server.order(/GET/, { kind: "answer", answer: jsonAnswer({ message: "down" }, 500) }, 99);
    expect(await send("misp", server, { clock })).toMatchObject({
      ok: false,
      error: { code: "server-error", text: expect.stringMatching(/500: down \(asked 5 times\)/) },
    });
  });
});

describe("OpenCTI", () => {
  it("gets the bundle as a file whose name follows from it, or in a connector's queue", async () => {
    const server = await up(new OpenCtiServer());
    for (let i = 0; i < 2; i++)
      expect(await send("opencti", server)).toMatchObject({
        ok: true,
        value: {
          outcome: expect.stringMatching(/^file uploaded for import as import\/global\/assay-bundle--/),
          refused: [],
        },
      });
    expect([...server.files.values()]).toEqual([bodyOf("opencti")]);
    expect(await send("opencti", server, { options: { connector: "known" } })).toMatchObject({ ok: true });
    expect(server.queued).toEqual([{ connector: "known", bundle: bodyOf("opencti") }]);
  });

  it("has its errors told, though they come with status 200", async () => {
    const server = await up(new OpenCtiServer());
    expect(await send("opencti", server, { token: "wr0ng" })).toMatchObject({
      ok: false,
      error: { code: "token-refused", text: expect.stringContaining("logged in") },
    });
    expect(await send("opencti", server, { options: { connector: "other" } })).toMatchObject({
      ok: false,
      error: { code: "refused", text: expect.stringContaining("No connector found") },
    });
    server.order(/POST/, {
      kind: "answer",
      answer: { status: 200, headers: { "content-type": "text/html" }, body: "<html>" },
    });
    expect(await send("opencti", server)).toMatchObject({ ok: false, error: { code: "unexpected-answer" } });
  });
});

describe("a TAXII collection", () => {
  it("gets envelopes no longer than its root takes, and the same objects twice are the same", async () => {
    const server = await up(new TaxiiServer());
    const { objects } = JSON.parse(bodyOf("taxii")) as { objects: { id: string; modified?: string }[] };
    server.maxContent = 8_000;
    expect(await send("taxii", server)).toMatchObject({
      ok: true,
      value: { outcome: "objects added", sent: objects.length, refused: [] },
    });
    expect(server.count(/POST/)).toBeGreaterThan(3);
    expect([...server.objects.keys()].sort()).toEqual(
      objects.map(({ id, modified }) => `${id} ${modified ?? ""}`).sort(),
    );
    await send("taxii", server);
    expect(server.objects.size).toBe(objects.length);
  });

  it("is asked for the status until nothing is pending, and its failures are told", async () => {
    const server = await up(new TaxiiServer());
    const clock = new TestClock();
    server.maxContent = 10_000_000;
    server.slow = 2;
    server.refuses = "mutex";
    const result = await send("taxii", server, { clock });
    if (!result.ok) throw new Error(result.error.text);
    expect(result.value.refused).toEqual([
      { what: expect.stringMatching(/^mutex--/), why: "type not supported" },
    ]);
    expect(clock.slept).toEqual([2000, 2000, 2000]);
  });

  it("that cannot hold an object, or lets nobody write, says so", async () => {
    const server = await up(new TaxiiServer());
    server.maxContent = 1_200;
    const result = await send("taxii", server);
    expect(
      result.ok &&
        result.value.refused.every(({ why }) => /larger than the 1200 bytes/.test(why)) &&
        result.value.refused.length > 0,
    ).toBe(true);
    server.canWrite = false;
    expect(await send("taxii", server)).toMatchObject({ ok: false, error: { code: "not-allowed" } });
    expect(await send("taxii", server, { token: "assay:wr0ng" })).toMatchObject({
      ok: false,
      error: { code: "token-refused" },
    });
  });
});

describe("settings", () => {
  const error = (kind: TargetKind, place: PushPlace, env = {}) => {
    const known = settings(kind, place, env);
    return known.ok ? "" : known.error.text;
  };

  it("come from flags, the environment and the file; a token of the file goes to its own address only", () => {
    const config = join(folder, "config.json");
    writeFileSync(
      config,
      JSON.stringify({ push: { misp: { url: "https://misp.example/", token: "file" } } }),
      { mode: 0o600 },
    );
    const known = (place: PushPlace, env = {}) => pushSettings("misp", { config, ...place }, env);
    expect(known({})).toMatchObject({ ok: true, value: { authorization: "file", warnings: [] } });
    expect(known({}, { ASSAY_PUSH_TOKEN: "env" })).toMatchObject({
      ok: true,
      value: { authorization: "env" },
    });
    expect(known({ token: "flag" }, { ASSAY_PUSH_TOKEN: "env" })).toMatchObject({
      ok: true,
      value: { authorization: "flag" },
    });
    expect(known({ url: "https://other.example" })).toMatchObject({ ok: false });
    expect(known({ url: "http://misp.example", token: "t" })).toMatchObject({
      ok: true,
      value: { warnings: [expect.stringContaining("in clear")] },
    });
    expect(known({ url: "https://misp.example/base/events" })).toMatchObject({
      ok: true,
      value: { base: new URL("https://misp.example/base/") },
    });
  });

  it("that are none are refused in words", () => {
    expect(error("misp", {})).toMatch(/where is it/);
    expect(error("misp", { url: "misp.example" })).toMatch(/an address such as/);
    expect(error("misp", { url: "https://u:p@misp.example" })).toMatch(/no user or password/);
    expect(error("misp", { url: "https://misp.example" })).toMatch(/wants a token/);
    expect(error("taxii", { url: "https://t.example/root/" })).toMatch(/of a collection/);
    expect(error("opencti", { url: "https://o.example", token: "a b" })).toMatch(/characters/);
    expect(error("taxii", { url: "https://t.example/root/collections/x/objects/" })).toBe("");
  });
});
