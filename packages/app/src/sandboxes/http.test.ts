import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Http, type HttpOptions, MAX_ATTEMPTS } from "./http.ts";
import { backOff, retryAfter } from "./retry.ts";
import { type Answered, jsonAnswer, TestServer } from "./test-servers/server.ts";
import { TestClock } from "./test-servers/test-clock.ts";

const TOKEN = "s3cr3t-t0k3n";
const BODY = Buffer.alloc(100_000, "x");

class Echo extends TestServer {
  protected override answer({ path }: { path: string }): Answered {
    return path === "/json"
      ? jsonAnswer({ fine: true })
      : { status: 200, headers: { "content-type": "application/octet-stream" }, body: BODY };
  }
}

let server: Echo;
let clock: TestClock;
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "assay-http-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(async () => {
  server = await new Echo().start();
  clock = new TestClock();
});
afterEach(() => server.stop());

function http(more: Partial<HttpOptions> = {}): Http {
  return new Http({ base: server.url, authorization: `Token ${TOKEN}`, secrets: [TOKEN], clock, ...more });
}

const fault = (status: number, body: unknown = {}, headers: Record<string, string> = {}): Answered => {
  const answer = jsonAnswer(body, status);
  return { ...answer, headers: { ...answer.headers, ...headers } };
};

describe("waiting", () => {
  it("doubles from a second to a minute", () => {
    expect([1, 2, 3, 7, 8, 500].map(backOff)).toEqual([1000, 2000, 4000, 60_000, 60_000, 60_000]);
  });

  it("reads Retry-After in seconds and as an HTTP date, and nothing else", () => {
    const now = Date.parse("2026-01-01T00:00:00Z");
    expect(retryAfter("35", now)).toBe(35_000);
    expect(retryAfter("Thu, 01 Jan 2026 00:01:00 GMT", now)).toBe(60_000);
    expect(retryAfter("Thursday, 01-Jan-26 00:01:00 GMT", now)).toBe(60_000);
    expect(retryAfter("Wed, 31 Dec 2025 00:00:00 GMT", now)).toBe(0);
    for (const wrong of [null, "", "-5", "1.5", "soon", "99999999999999", "Thu, 99 Foo"])
      expect(retryAfter(wrong, now)).toBeUndefined();
  });
});

describe("asking again", () => {
  it("waits as long as a 429 says, in seconds or until a date, and does not count it as a failure", async () => {
    const date = new Date(clock.now() + 90_000).toUTCString();
    server.order(
      /json/,
      { kind: "answer", answer: fault(429, { detail: "throttled" }, { "retry-after": "35" }) },
      MAX_ATTEMPTS + 2,
    );
    server.order(/json/, { kind: "answer", answer: fault(429, {}, { "retry-after": date }) });
    expect(await http().json({ path: "json", cap: 1000 })).toMatchObject({
      ok: true,
      value: { body: { fine: true } },
    });
    expect(clock.slept.slice(0, MAX_ATTEMPTS + 2)).toEqual(Array(MAX_ATTEMPTS + 2).fill(35_000));
    expect(server.asked).toHaveLength(MAX_ATTEMPTS + 4);
  });

  it("lets no other request of the same client go out before that", async () => {
    const own = http();
    server.order(/json/, { kind: "answer", answer: fault(429, {}, { "retry-after": "100" }) });
    const start = clock.now();
    const times: number[] = [];
    clock.onSleep = () => times.push(clock.now() - start);
    await own.json({ path: "json", cap: 1000 });
    expect(times).toEqual([100_000]);
  });

  it("ends with a reason when a 429 asks for longer than anybody waits", async () => {
    server.order(/json/, { kind: "answer", answer: fault(429, {}, { "retry-after": "86400" }) });
    const answer = await http().json({ path: "json", cap: 1000 });
    expect(answer).toMatchObject({
      ok: false,
      error: { code: "rate-limited", text: expect.stringContaining("86400 s") },
    });
    expect(clock.slept).toEqual([]);
  });

  it.each([500, 502, 503, 504, 408])("gets over a %i", async (status) => {
    server.order(/json/, { kind: "answer", answer: fault(status) }, 2);
    expect((await http().json({ path: "json", cap: 1000 })).ok).toBe(true);
    expect(clock.slept).toEqual([1000, 2000]);
  });

  it("gives up on a server that keeps failing, and says what it said", async () => {
    server.order(/json/, { kind: "answer", answer: fault(500, { message: "database is gone" }) }, 99);
    const answer = await http().json({ path: "json", cap: 1000 });
    expect(answer).toMatchObject({ ok: false, error: { code: "server-error" } });
    expect(!answer.ok && answer.error.text).toMatch(/error 500: database is gone \(asked 5 times\)/);
    expect(server.asked).toHaveLength(MAX_ATTEMPTS);
  });

  it.each([
    ["cut half-way", { kind: "cut", bytes: 40_000 } as const],
    ["cut before the first byte", { kind: "reset" } as const],
  ])(
    "asks again for an answer that was %s, and leaves nothing of the first try in the file",
    async (_, broken) => {
      const to = join(folder, "file");
      server.order(/file/, broken);
      const answer = await http().send({ path: "file", cap: 1_000_000, to });
      expect(answer).toMatchObject({ ok: true, value: { size: BODY.length } });
      expect(readFileSync(to).equals(BODY)).toBe(true);
    },
  );

  it("asks again when nobody answers, and when an answer stops half-way", async () => {
    server.order(/file/, { kind: "hang" }).order(/file/, { kind: "hang", bytes: 10 });
    const first = server.hanging();
    const answer = http({ idleMs: 5_000 }).send({ path: "file", cap: 1_000_000, to: join(folder, "slow") });
    await first;
    const second = server.hanging();
    clock.pass(5_000);
    await second;
    clock.pass(5_000);
    expect(await answer).toMatchObject({ ok: true, value: { size: BODY.length } });
    expect(server.asked).toHaveLength(3);
  });

  it("does not repeat what must not happen twice when it cannot know whether it happened", async () => {
    server.order(/POST/, { kind: "hang" });
    const hanging = server.hanging();
    const answer = http({ idleMs: 5_000 }).send({ method: "POST", path: "json", cap: 1000, once: true });
    await hanging;
    clock.pass(5_000);
    expect(await answer).toMatchObject({
      ok: false,
      error: { code: "timeout", text: expect.stringContaining("look there") },
    });
    expect(server.asked).toHaveLength(1);
  });

  it("ends at once when the user stops it", async () => {
    const stop = new AbortController();
    server.order(/json/, { kind: "hang" });
    const hanging = server.hanging();
    const answer = http({ signal: stop.signal }).json({ path: "json", cap: 1000 });
    await hanging;
    stop.abort();
    expect(await answer).toMatchObject({ ok: false, error: { code: "stopped" } });
  });
});

describe("what a person is told", () => {
  it.each([
    [
      401,
      { detail: "Invalid token." },
      "token-refused",
      /401: token refused: Invalid token\.; check --token/,
    ],
    [403, { error: true, error_value: "Access denied" }, "not-allowed", /403: not allowed: Access denied/],
    [404, {}, "not-found", /--url/],
    [413, {}, "too-large", /larger than the server takes/],
    [400, { error: "INVALID", message: "bad form" }, "refused", /400: bad form/],
  ])("of a %i", async (status, body, code, text) => {
    server.order(/json/, { kind: "answer", answer: fault(status, body) });
    const answer = await http().json({ path: "json", cap: 1000 });
    expect(answer).toMatchObject({ ok: false, error: { code } });
    expect(!answer.ok && answer.error.text).toMatch(text);
    expect(server.asked).toHaveLength(1);
  });

  it("of a port where nothing listens", async () => {
    const { port } = server;
    await server.stop();
    const answer = await new Http({ base: new URL(`http://127.0.0.1:${port}/`), clock }).json({
      path: "json",
      cap: 1,
    });
    server = await new Echo().start();
    expect(answer).toMatchObject({
      ok: false,
      error: { code: "unreachable", text: expect.stringContaining("nothing listens there") },
    });
  });

  it("of a web page where an API should be", async () => {
    server.order(/json/, {
      kind: "answer",
      answer: { status: 200, headers: { "content-type": "text/html" }, body: "<html>" },
    });
    const answer = await http().json({ path: "json", cap: 1000 });
    expect(!answer.ok && answer.error.text).toMatch(/a web page instead of JSON; is --url/);
  });

  it("never holds the token, even when the server says it, and nothing that acts on a terminal", async () => {
    const message = `no such token ${TOKEN}\x1b[31m\u202e, sorry ${"x".repeat(5000)}`;
    server.order(/json/, { kind: "answer", answer: fault(401, { message }) });
    const answer = await http().json({ path: "json", cap: 1000 });
    const text = answer.ok ? "" : answer.error.text;
    expect(text).toContain("no such token ***\\x1b[31m\\u202e");
    expect(text).not.toContain(TOKEN);
    expect(text.length).toBeLessThan(500);
  });
});

describe("size and redirects", () => {
  it("takes no more than it asked for, declared or not", async () => {
    const answer = await http().send({ path: "file", cap: 50_000, to: join(folder, "capped") });
    expect(answer).toMatchObject({ ok: false, error: { code: "too-large" } });
    expect(server.asked).toHaveLength(1);
  });

  it("follows a redirect on the same host with the token, and none to another host", async () => {
    server.order(/old/, {
      kind: "answer",
      answer: { status: 301, headers: { location: "/json" }, body: "" },
    });
    expect((await http().json({ path: "old", cap: 1000 })).ok).toBe(true);
    expect(server.asked.at(-1)?.headers.authorization).toBe(`Token ${TOKEN}`);

    const other = await new Echo().start();
    server.order(/away/, {
      kind: "answer",
      answer: { status: 302, headers: { location: other.url.href }, body: "" },
    });
    const answer = await http().json({ path: "away", cap: 1000 });
    expect(answer).toMatchObject({ ok: false, error: { code: "redirected" } });
    expect(other.asked).toHaveLength(0);
    await other.stop();
  });

  it("ends a chase of redirects, and takes a login page for a refused token", async () => {
    server.order(
      /round/,
      { kind: "answer", answer: { status: 302, headers: { location: "/round" }, body: "" } },
      99,
    );
    expect(await http().json({ path: "round", cap: 9 })).toMatchObject({ error: { code: "redirected" } });
    server.order(/json/, {
      kind: "answer",
      answer: { status: 302, headers: { location: "/accounts/login/" }, body: "" },
    });
    expect(await http().json({ path: "json", cap: 9 })).toMatchObject({ error: { code: "token-refused" } });
  });
});
