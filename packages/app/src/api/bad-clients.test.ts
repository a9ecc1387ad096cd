import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { QueueFull } from "../jobs/queue.ts";
import { samples } from "../store/schema.ts";
import { KINDS, type TestPlaces, testPlaces } from "../store/testing/places.ts";
import { sha256Of } from "../store/testing/samples.ts";
import { RawClient, startApi, type TestApi } from "./testing/api.ts";

const MB = 1024 ** 2;
/** Small, so that what goes over them is small too; short, so that nobody waits. */
const LIMITS = {
  fileBytes: 64 * 1024,
  requestBytes: MB,
  files: 3,
  headersMs: 500,
  bodyMs: 500,
  stallMs: 500,
};
const BOUNDARY = "assay-test";
const json = { "content-type": "application/json" };

function part(name: string, content: string): string {
  return `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\nContent-Type: application/octet-stream\r\n\r\n${content}`;
}
const END = `\r\n--${BOUNDARY}--\r\n`;

function head(length: number | undefined): string {
  const size = length === undefined ? "Transfer-Encoding: chunked" : `Content-Length: ${length}`;
  return `POST /api/v1/samples HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=${BOUNDARY}\r\n${size}\r\n\r\n`;
}

function chunk(text: string | Uint8Array): Uint8Array {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
}

describe.each(KINDS)("bad clients of the API on %s", (kind) => {
  let places: TestPlaces | undefined;
  let api: TestApi;

  beforeAll(async () => {
    places = await testPlaces(kind);
    if (places !== undefined) api = await startApi(await places.place(), { limits: LIMITS });
  }, 120_000);
  afterAll(async () => {
    await api?.stop();
    await places?.stop();
  }, 60_000);
  const holds = (claim: string, test: () => Promise<void>) =>
    it(claim, async ({ skip }) => (places === undefined ? skip() : test()), 120_000);

  const stored = async () => {
    const all: string[] = [];
    for await (const sha256 of api.corpus.blobs?.list() ?? []) all.push(sha256);
    return all.sort();
  };
  const spooled = () => readdirSync(api.scratch).flatMap((folder) => readdirSync(join(api.scratch, folder)));
  let before: string[] = [];
  beforeEach(async () => {
    if (api !== undefined) before = await stored();
  });
  /** Whatever a bad client did: nothing is stored, nothing is left, and the next is served. */
  async function unharmed(): Promise<void> {
    for (let i = 0; i < 300 && spooled().length > 0; i++)
      await new Promise((resolve) => setTimeout(resolve, 10));
    expect(spooled()).toEqual([]);
    expect(await stored()).toEqual(before);
    expect((await api.ask("/readyz")).status).toBe(200);
  }
  afterEach(() => {
    for (const line of api?.log ?? []) expect(line).not.toMatch(/a defect/);
  });

  holds("an upload that is cut off leaves nothing behind", async () => {
    for (const sent of [part("a", "x".repeat(5000)), `${part("a", "whole")}\r\n${part("b", "half")}`]) {
      const client = new RawClient(api.port);
      await client.write(head(1_000_000 - 1));
      await client.write(sent);
      client.socket.destroy();
      await client.closed;
      await unharmed();
    }
  });

  holds("an upload whose last part has no end is refused", async () => {
    const body = part("a", "no boundary behind it");
    const client = new RawClient(api.port);
    await client.write(head(body.length) + body);
    expect(await client.status()).toBe(400);
    expect(client.text).toMatch(/"type":"\/problems\/truncated-upload"/);
    client.socket.destroy();
    await unharmed();
  });

  holds("a body of 20 GB is refused by what it says of itself, before a byte of it is read", async () => {
    const client = new RawClient(api.port);
    await client.write(head(20 * 1024 ** 3));
    expect(await client.status()).toBe(413);
    expect(client.text).toMatch(/"type":"\/problems\/too-large".*more than 1048576 bytes in one request/);
    client.socket.destroy();
    await unharmed();
  });

  holds("a body without a length is cut where it goes over the cap", async () => {
    const client = new RawClient(api.port);
    const piece = chunk(Buffer.alloc(32 * 1024, 0x41));
    await client.write(head(undefined));
    let sent = 0;
    // Many small files, each within its own cap.
    for (let i = 0; sent < 64 * MB && !client.socket.destroyed && client.text === ""; i++) {
      await client.write(chunk(`${i === 0 ? "" : "\r\n"}${part(String(i), "")}`));
      await client.write(piece);
      sent += piece.length;
    }
    expect(await client.status()).toBe(413);
    expect(sent).toBeLessThan(32 * MB);
    client.socket.destroy();
    await unharmed();
  });

  holds("a file over its cap, too many files, and fields that nobody knows are refused", async () => {
    const big = await api.upload([{ name: "big", content: "x".repeat(LIMITS.fileBytes + 1) }]);
    expect(big.body).toMatchObject({ status: 413, type: "/problems/too-large" });
    expect(big.body.detail).toMatch(/a file of more than 65536 bytes/);
    const many = await api.upload(["1", "2", "3", "4"].map((name) => ({ name, content: name })));
    expect(many.body).toMatchObject({ status: 413 });
    for (const [name, value] of [
      ["nobody", "x"],
      ["priority", "urgent"],
      ["memory", "disk"],
      ["base", "zz"],
      ["password", "x".repeat(5000)],
    ] as const)
      expect([name, (await api.upload([{ name: "f", content: "f" }], [[name, value]])).status]).toEqual([
        name,
        400,
      ]);
    expect((await api.upload([])).status).toBe(400);
    await unharmed();
  });

  holds("headers and bodies that trickle are not waited for", async () => {
    const slowHead = new RawClient(api.port);
    await slowHead.write("GET /api/v1/samples HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ");
    const slowBody = new RawClient(api.port);
    await slowBody.write(
      "POST /api/v1/watches HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    );
    const slowUpload = new RawClient(api.port);
    await slowUpload.write(head(undefined));
    const trickle = setInterval(() => void slowUpload.write(chunk("x")), 50);
    try {
      for (const client of [slowHead, slowBody, slowUpload]) {
        expect(await client.status()).toBe(408);
        await client.closed;
      }
    } finally {
      clearInterval(trickle);
      slowHead.socket.destroy();
    }
    await unharmed();
  });

  holds("what is no HTTP gets an answer and no more", async () => {
    for (const text of [
      "\x16\x03\x01\x02\x00",
      "GET\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",
      `GET /${"a".repeat(100_000)} HTTP/1.1\r\n\r\n`,
    ]) {
      const client = new RawClient(api.port);
      await client.write(text);
      expect([400, 431]).toContain(await client.status());
      await client.closed;
    }
    await unharmed();
  });

  holds("names are names: no path of them is used, no line of them breaks the log", async () => {
    const names = [
      "../../../../tmp/assay-pwned",
      "C:\\Windows\\evil.exe",
      "a\u0000b",
      "\u001b[31mred\u202egnp.exe",
      "x".repeat(3000),
    ];
    for (const [i, name] of names.entries()) {
      const content = `name ${i}`;
      const client = new RawClient(api.port);
      const body = Buffer.from(part(name, content) + END);
      await client.write(head(body.length));
      await client.write(body);
      expect([name.slice(0, 20), await client.status()]).toEqual([name.slice(0, 20), 202]);
      client.socket.destroy();
      const { body: batches } = await api.ask("/api/v1/batches?limit=1");
      await api.work(batches.batches[0].id);
      const found = await api.ask(`/api/v1/samples/${sha256Of(content)}`);
      // The analysis in this test makes its own hash of the name; the blob is what counts.
      expect([200, 404]).toContain(found.status);
    }
    expect((await stored()).filter((sha256) => !before.includes(sha256))).toEqual(
      names.map((_, i) => sha256Of(`name ${i}`)).sort(),
    );
    expect(readdirSync(join(api.scratch, ".."))).not.toContain("assay-pwned");
    await api.ask("/api/v1/samples?q=%1b[2J%0a%e2%80%ae");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what we look for
    for (const line of api.log) expect(line.trimEnd()).not.toMatch(/[\u0000-\u001f\u202e]/);
  });

  holds("SQL in any field finds nothing and breaks nothing", async () => {
    const SQL = [
      "'; drop table assay.samples; --",
      "' or 1=1 --",
      "\\'; select pg_sleep(9) --",
      '"; delete from assay.watches',
      "$1",
      "%",
      "\u0000",
    ];
    const count = async () => (await api.corpus.db.select().from(samples)).length;
    const had = await count();
    for (const text of SQL) {
      const value = encodeURIComponent(text);
      const paths = [
        `samples?q=${value}`,
        `samples?q=name:${value}`,
        `samples?cursor=${value}`,
        `samples/${value}`,
        `samples/${value}/history`,
        `samples/${value}/history/${value}`,
        `samples/${value}/cart`,
        `samples/${value}/artifacts/${value}/bytes?offset=${value}`,
        `batches/${value}`,
        `batches/${value}/events?since=${value}`,
        `pivot?value=${value}`,
        `graph?seed=${value}`,
        `graph/path?from=${value}&to=${value}`,
        `graph/communities/${value}`,
        `graph/expand?node=${value}&cursor=${value}`,
        `indicators?value=${value}`,
        `indicators?family=${value}`,
        `indicators?type=${value}`,
        `families/${value}`,
        `exports/${value}`,
        `exports/csv?q=${value}`,
        `exports/csv?batch=${value}`,
        `watches/hits?value=${value}`,
        `dead/${value}`,
        `audit?sample=${value}`,
      ];
      for (const path of paths) {
        const { status, text: answer } = await api.ask(`/api/v1/${path}`);
        expect([path, [200, 400, 404].includes(status)]).toEqual([path, true]);
        expect(answer).not.toMatch(/syntax error|select .* from|drizzle|at .*\.ts:/i);
      }
      const body = JSON.stringify({ value: text, entry: text, family: text, name: text });
      for (const path of ["watches", "exclusions", "rescans", "tokens"])
        expect((await api.ask(`/api/v1/${path}`, { method: "POST", headers: json, body })).status).toBe(400);
      for (const [path, field] of [
        ["watches", "value"],
        ["exclusions", "entry"],
      ] as const) {
        const one = await api.ask(`/api/v1/${path}`, {
          method: "POST",
          headers: json,
          body: JSON.stringify({ [field]: text }),
        });
        expect([204, 400]).toContain(one.status);
        expect([204, 404]).toContain(
          (await api.ask(`/api/v1/${path}?${field}=${value}`, { method: "DELETE" })).status,
        );
      }
    }
    expect(await count()).toBe(had);
    await unharmed();
  });

  holds("each wrong request has its own clear answer", async () => {
    const cases = [
      ["GET", "/api/v1/nothing", 404],
      ["GET", "/api/v1/samples/../../etc/passwd", 404],
      ["GET", "/%2e%2e/%2e%2e/etc/passwd", 404],
      ["PUT", "/api/v1/samples", 405],
      ["DELETE", "/healthz", 405],
      ["GET", "/api/v1/samples?limit=201", 400],
      ["GET", "/api/v1/samples?limit=1&limit=2", 400],
      ["GET", "/api/v1/samples?limit=1e9", 400],
      ["GET", "/api/v1/samples?unknown=1", 400],
      ["GET", "/healthz?x=1", 400],
      ["GET", "/api/v1/samples?q=%FF%FE", 200],
      ["GET", `/api/v1/samples?q=${"a".repeat(5000)}`, 400],
      ["GET", `/api/v1/families/${"a".repeat(1000)}`, 400],
      ["GET", "/api/v1/pivot", 400],
      ["GET", "/api/v1/graph?seed=x&depth=99", 400],
    ] as const;
    for (const [method, path, status] of cases) {
      const answer = await api.ask(path, { method });
      expect([method, path.slice(0, 60), answer.status]).toEqual([method, path.slice(0, 60), status]);
      if (status === 200) continue;
      expect(answer.headers.get("content-type")).toBe("application/problem+json");
      expect(answer.body).toMatchObject({ status, type: expect.stringMatching(/^\/problems\/[a-z-]+$/) });
      expect(answer.body.instance).toBe(answer.headers.get("x-request-id"));
      if (status === 405) expect(answer.headers.get("allow")).toMatch(/GET/);
    }
    const post = (path: string, type: string, body: string) =>
      api.ask(path, { method: "POST", headers: { "content-type": type }, body });
    expect((await post("/api/v1/samples", "application/json", "{}")).status).toBe(415);
    expect((await post("/api/v1/samples", "multipart/form-data", "no boundary")).status).toBe(400);
    expect((await post("/api/v1/watches", "text/plain", "x")).status).toBe(415);
    expect((await post("/api/v1/watches", "application/xml", "<x/>")).status).toBe(415);
    expect((await post("/api/v1/watches", "application/json", "{")).status).toBe(400);
    expect((await post("/api/v1/watches", "application/json", '{"__proto__":{"x":1}}')).status).toBe(400);
    expect((await post("/api/v1/watches", "application/json", '{"value":1,"more":2}')).status).toBe(400);
    expect(
      (await post("/api/v1/watches", "application/json", `{"value":"${"x".repeat(2 * MB)}"}`)).status,
    ).toBe(413);
  });

  holds("a full queue answers 503 and says when to come again", async () => {
    const submit = api.queue.submit;
    Object.assign(api.queue, {
      submit: () => Promise.reject(new QueueFull(7, 30)),
    });
    try {
      const answer = await api.upload([{ name: "full", content: "full" }]);
      expect(answer.body).toMatchObject({ status: 503, type: "/problems/queue-full" });
      expect(answer.headers.get("retry-after")).toBe("30");
    } finally {
      Object.assign(api.queue, { submit });
    }
  });
});
