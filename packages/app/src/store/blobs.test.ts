import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BlobStore, FolderBlobs, seal } from "./blobs.ts";
import { openS3, parseS3Place } from "./blobs-s3.ts";
import { CorpusError } from "./errors.ts";
import { startS3, type TestS3 } from "./testing/s3.ts";
import { sha256Of } from "./testing/samples.ts";

const TIMEOUT = 120_000;
const root = mkdtempSync(join(tmpdir(), "assay-blobs-"));
let s3: TestS3;
beforeAll(async () => {
  s3 = await startS3();
}, TIMEOUT);
afterAll(async () => {
  await s3.stop();
  rmSync(root, { recursive: true, force: true });
});

async function all(store: BlobStore): Promise<string[]> {
  const found: string[] = [];
  for await (const sha256 of store.list()) found.push(sha256);
  return found.sort();
}

async function onS3(): Promise<BlobStore> {
  return openS3(Object(parseS3Place(s3.place(), process.env)));
}

describe.each([
  ["a folder", async (): Promise<BlobStore> => new FolderBlobs(mkdtempSync(join(root, "f-")))],
  ["S3", onS3],
] as const)("blobs in %s", (_, open) => {
  it(
    "are kept under their hash, listed, replaced and removed",
    async () => {
      const store = await open();
      const names = ["one", "two", "three"];
      expect(await all(store)).toEqual([]);
      for (const name of names) await store.put(sha256Of(name), Buffer.from(name));
      await store.put(sha256Of("one"), Buffer.from("one"));
      expect(await all(store)).toEqual(names.map(sha256Of).sort());
      expect(await store.get(sha256Of("two"))).toEqual({
        status: "ok",
        bytes: new Uint8Array(Buffer.from("two")),
      });
      expect(await store.has(sha256Of("two"))).toBe(true);
      expect(await store.has(sha256Of("none"))).toBe(false);
      expect(await store.get(sha256Of("none"))).toEqual({ status: "missing" });
      await store.remove(sha256Of("two"));
      await store.remove(sha256Of("two"));
      expect(await store.has(sha256Of("two"))).toBe(false);
      expect(await all(store)).toHaveLength(2);
      store.close?.();
    },
    TIMEOUT,
  );

  it(
    "are held against their hash when they are read",
    async () => {
      const store = await open();
      await store.put(sha256Of("right"), Buffer.from("wrong"));
      expect(await store.get(sha256Of("right"))).toMatchObject({ status: "corrupt" });
      store.close?.();
    },
    TIMEOUT,
  );

  it(
    "may be larger than one part of an upload",
    async () => {
      const store = await open();
      const bytes = randomBytes(40 * 1024 ** 2);
      const sha256 = (await import("node:crypto")).createHash("sha256").update(bytes).digest("hex");
      await store.put(sha256, bytes);
      const read = await store.get(sha256);
      expect(read.status === "ok" && Buffer.compare(read.bytes, bytes) === 0).toBe(true);
      store.close?.();
    },
    TIMEOUT,
  );
});

describe("an S3 store", () => {
  it("is named by a URL and the environment, and nothing else is taken for one", () => {
    expect(parseS3Place("s3://bucket/some/prefix/", {})).toEqual({
      ...{ bucket: "bucket", prefix: "some/prefix", region: "us-east-1", pathStyle: false },
    });
    expect(
      parseS3Place("s3://bucket", {
        ASSAY_S3_ENDPOINT: "https://minio.internal:9000",
        AWS_REGION: "eu-west-1",
      }),
    ).toMatchObject({
      prefix: "",
      endpoint: "https://minio.internal:9000",
      region: "eu-west-1",
      pathStyle: true,
    });
    expect(
      parseS3Place("s3://bucket", { ASSAY_S3_ENDPOINT: "https://r2.example", ASSAY_S3_PATH_STYLE: "0" })
        ?.pathStyle,
    ).toBe(false);
    for (const wrong of [
      "s3://",
      "s3:///x",
      "http://bucket/x",
      "s3://UPPER",
      "s3://b/../c",
      "s3://bucket/a?b",
      "s3://u:p@b/x",
    ])
      expect(parseS3Place(wrong, {}), wrong).toBeUndefined();
  }, 120_000);

  it(
    "says in words what is wrong, and calls no blob missing or damaged for it",
    async () => {
      const place = Object(parseS3Place(s3.place(), process.env));
      const elsewhere = await openS3({ ...place, bucket: "no-such-bucket" });
      const error = await elsewhere.get(sha256Of("x")).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(CorpusError);
      expect(String(error)).toContain("no-such-bucket");
      const nobody = await openS3({ ...place, endpoint: "http://127.0.0.1:9" });
      await expect(nobody.put(sha256Of("x"), Buffer.from("x"))).rejects.toThrow(/ECONNREFUSED/);
    },
    TIMEOUT,
  );

  it(
    "is asked again when it fails for a moment, when an answer breaks off, and when a connection is cut",
    async () => {
      const sealed = Buffer.from(seal(Buffer.from("again")));
      const stored = new Map<string, Buffer>();
      const faults: string[] = [];
      const script = ["503", "cut", "200", "503", "broken", "cut", "200"];
      const server: Server = createServer((request, response) => {
        const chunks: Buffer[] = [];
        request.on("data", (chunk: Buffer) => chunks.push(chunk));
        request.on("end", () => {
          const next = script.shift() ?? "200";
          faults.push(`${request.method} ${next}`);
          if (next === "cut") return request.socket.destroy();
          if (next === "503") return response.writeHead(503).end("<Error><Code>SlowDown</Code></Error>");
          if (request.method === "PUT") {
            stored.set(String(request.url), Buffer.concat(chunks));
            return response.writeHead(200, { etag: '"1"' }).end();
          }
          response.writeHead(200, { "content-length": sealed.length });
          if (next !== "broken") return response.end(sealed);
          response.write(sealed.subarray(0, 10));
          return setTimeout(() => request.socket.destroy(), 20);
        });
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as AddressInfo;
      const store = await openS3({
        ...{ bucket: "flaky", prefix: "", region: "us-east-1", pathStyle: true },
        endpoint: `http://127.0.0.1:${port}`,
      });
      try {
        await store.put(sha256Of("again"), Buffer.from("again"));
        expect([...stored.values()][0]?.length).toBe(sealed.length);
        const read = await store.get(sha256Of("again"));
        expect(read).toMatchObject({ status: "ok" });
        expect(faults).toEqual([
          ...["PUT 503", "PUT cut", "PUT 200", "GET 503", "GET broken", "GET cut", "GET 200"],
        ]);
      } finally {
        store.close?.();
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
    TIMEOUT,
  );
});

describe("blobs in a folder", () => {
  it("are the owner's alone, and a draft is none of them", async () => {
    const folder = mkdtempSync(join(root, "own-"));
    const store = new FolderBlobs(folder);
    const sha256 = sha256Of("mine");
    await store.put(sha256, Buffer.from("mine"));
    const path = store.pathOf(sha256);
    expect(statSync(path).mode & 0o077).toBe(0);
    writeFileSync(`${path}.1-2.draft`, readFileSync(path));
    expect(await all(store)).toEqual([sha256]);
    expect(readdirSync(folder)).toEqual([sha256.slice(0, 2)]);
  });
});
