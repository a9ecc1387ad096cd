import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tokens } from "../store/api-schema.ts";
import { KINDS, type TestPlaces, testPlaces } from "../store/testing/places.ts";
import { createToken, type Role, revokeToken } from "../store/tokens.ts";
import { serve } from "./serve.ts";
import { startApi, type TestApi } from "./testing/api.ts";

const NOW = "2026-01-01T00:00:00.000Z";

describe.each(KINDS)("who may, on %s", (kind) => {
  let places: TestPlaces | undefined;
  let api: TestApi;
  const token: Partial<Record<Role, string>> = {};

  beforeAll(async () => {
    places = await testPlaces(kind);
    if (places === undefined) return;
    api = await startApi(await places.place(), {
      access: { trustLocal: false, hosts: undefined },
      limits: { badTokensPerMinute: 40 },
    });
    for (const role of ["read", "submit", "admin"] as const)
      token[role] = (await createToken(api.corpus.db, { name: role, role }, NOW)).token;
  }, 120_000);
  afterAll(async () => {
    await api?.stop();
    await places?.stop();
  }, 60_000);
  const holds = (claim: string, test: () => Promise<void>) =>
    it(claim, async ({ skip }) => (places === undefined ? skip() : test()), 120_000);
  const as = (role: Role) => ({ headers: { authorization: `Bearer ${token[role]}` } });

  holds("without a token nothing but health answers, not even what does not exist", async () => {
    const { body } = await api.ask("/openapi.json", as("read"));
    const open = new Set(["/healthz", "/readyz"]);
    for (const [path, methods] of Object.entries<object>(body.paths))
      for (const method of Object.keys(methods)) {
        const url = path.replaceAll(/\{(\w+)\}/g, "00000000-0000-4000-8000-000000000000");
        const answer = await api.ask(url, { method: method.toUpperCase() });
        expect([method, path, answer.status]).toEqual([method, path, open.has(path) ? 200 : 401]);
        if (answer.status === 401) expect(answer.headers.get("www-authenticate")).toMatch(/Bearer/);
      }
    expect((await api.ask("/api/v1/nothing")).status).toBe(401);
    expect((await api.ask("/")).status).toBe(401);
  });

  holds("a role may what those below it may, and no more", async () => {
    const needs: readonly (readonly [string, string, Role])[] = [
      ["GET", "/api/v1/samples", "read"],
      ["POST", "/api/v1/samples", "submit"],
      ["POST", "/api/v1/watches", "submit"],
      ["GET", `/api/v1/samples/${"0".repeat(64)}/cart`, "submit"],
      ["GET", "/api/v1/audit", "admin"],
      ["GET", "/api/v1/tokens", "admin"],
      ["DELETE", "/api/v1/dead/00000000-0000-4000-8000-000000000000", "admin"],
    ];
    const order: readonly Role[] = ["read", "submit", "admin"];
    for (const [method, path, needed] of needs)
      for (const role of order) {
        const { status } = await api.ask(path, { method, ...as(role) });
        const may = order.indexOf(role) >= order.indexOf(needed);
        expect([path, role, status !== 403 && status !== 401]).toEqual([path, role, may]);
      }
  });

  holds("tokens that are wrong, revoked, old or cut do not hold, and are in no log and no row", async () => {
    const good = token.read as string;
    const gone = await createToken(api.corpus.db, { name: "gone", role: "admin" }, NOW);
    await revokeToken(api.corpus.db, gone.id, NOW);
    const old = await createToken(api.corpus.db, { name: "old", role: "admin", expiresAt: NOW }, NOW);
    const swapped = good.slice(0, 19) + (token.admin as string).slice(19);
    for (const bad of [
      gone.token,
      old.token,
      swapped,
      good.slice(0, -1),
      `${good}A`,
      "x",
      "assay_",
      "' or 1=1 --",
    ]) {
      const { status } = await api.ask("/api/v1/me", { headers: { authorization: `Bearer ${bad}` } });
      expect([bad.slice(0, 12), status]).toEqual([bad.slice(0, 12), 401]);
    }
    const basic = (text: string) => ({
      headers: { authorization: `Basic ${Buffer.from(text).toString("base64")}` },
    });
    expect((await api.ask("/api/v1/me", basic(`anybody:${good}`))).body).toMatchObject({
      name: "read",
      role: "read",
    });
    expect((await api.ask("/api/v1/me", basic("anybody:wrong"))).status).toBe(401);
    await api.ask(`/api/v1/samples?token=${good}`, as("read"));
    const secrets = [good, gone.token, token.admin as string].map((one) => one.slice(19));
    for (const line of api.log) for (const secret of secrets) expect(line).not.toContain(secret);
    const rows = JSON.stringify(await api.corpus.db.select().from(tokens));
    for (const secret of secrets) expect(rows).not.toContain(secret);
  });

  holds("an admin makes and revokes tokens through the API", async () => {
    const json = { "content-type": "application/json", authorization: `Bearer ${token.admin}` };
    const body = JSON.stringify({ name: "made", role: "read", days: 1 });
    const made = await api.ask("/api/v1/tokens", { method: "POST", headers: json, body });
    expect(made.status).toBe(201);
    const own = { headers: { authorization: `Bearer ${made.body.token}` } };
    expect((await api.ask("/api/v1/me", own)).body).toMatchObject({ name: "made", token: made.body.id });
    const { authorization } = json;
    const gone = await api.ask(`/api/v1/tokens/${made.body.id}`, {
      method: "DELETE",
      headers: { authorization },
    });
    expect(gone.status).toBe(204);
    expect((await api.ask("/api/v1/me", own)).status).toBe(401);
    const list = await api.ask("/api/v1/tokens", as("admin"));
    expect(list.text).not.toContain("hash");
  });

  holds("who tries tokens is told to stop", async () => {
    const statuses = new Set<number>();
    let after: string | null = null;
    for (let i = 0; i < 45; i++) {
      const answer = await api.ask("/api/v1/me", { headers: { authorization: "Bearer wrong" } });
      statuses.add(answer.status);
      after = answer.headers.get("retry-after") ?? after;
    }
    expect([...statuses].sort()).toEqual([401, 429]);
    expect(Number(after)).toBeGreaterThan(0);
  });
});

describe("a server of this machine", () => {
  let places: TestPlaces;
  let api: TestApi;
  beforeAll(async () => {
    places = (await testPlaces("PGlite in a folder")) as TestPlaces;
    api = await startApi(await places.place(), { limits: { perMinute: 60 } });
  }, 120_000);
  afterAll(async () => {
    await api.stop();
    await places.stop();
  }, 60_000);

  /** With headers that fetch does not let anybody set. */
  function asked(path: string, headers: Record<string, string>, method = "GET"): Promise<number> {
    return new Promise((resolve, reject) => {
      const one = request({ host: "127.0.0.1", port: api.port, path, method, headers }, (answer) => {
        answer.resume();
        answer.once("end", () => resolve(answer.statusCode ?? 0));
      });
      one.once("error", reject);
      one.end();
    });
  }

  it("does not answer to another name, whatever address that name has", async () => {
    expect(await asked("/api/v1/me", { host: "evil.example" })).toBe(421);
    expect(await asked("/api/v1/me", { host: `evil.example:${api.port}` })).toBe(421);
    expect(await asked("/healthz", { host: "127.0.0.1.evil.example" })).toBe(421);
    for (const host of ["127.0.0.1", "localhost:1234", "LOCALHOST", "[::1]:80"])
      expect([host, await asked("/api/v1/me", { host })]).toEqual([host, 200]);
  });

  it("takes nothing from pages of other sites, and lets them link to its pages only", async () => {
    const own = `http://127.0.0.1:${api.port}`;
    const host = `127.0.0.1:${api.port}`;
    const path = "/api/v1/watches?value=x";
    const foreign: readonly Record<string, string>[] = [
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
      { origin: "http://evil.example" },
      { origin: "null" },
      { origin: `http://127.0.0.1:${api.port + 1}` },
      { origin: `https://evil.example/${host}` },
    ];
    for (const headers of foreign)
      expect([headers, await asked(path, { host, ...headers }, "DELETE")]).toEqual([headers, 403]);
    expect(await asked(path, { host, origin: own, "sec-fetch-site": "same-origin" }, "DELETE")).toBe(404);
    expect(
      await asked("/api/v1/samples", { host, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" }),
    ).toBe(403);
    expect(await asked("/docs", { host, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" })).toBe(
      200,
    );
    expect(await asked("/docs", { host, "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" })).toBe(
      403,
    );
    const cors = await api.ask("/healthz", { headers: { origin: "http://evil.example" } });
    expect([...cors.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
  });

  it("says what browsers must not do, with every answer", async () => {
    for (const path of ["/healthz", "/api/v1/nothing", "/docs"]) {
      const { headers } = await api.ask(path);
      expect(headers.get("content-security-policy")).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("x-frame-options")).toBe("DENY");
      expect(headers.get("referrer-policy")).toBe("no-referrer");
      expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
      expect(headers.get("cache-control")).toMatch(/no-store|no-cache/);
      expect(headers.get("x-powered-by")).toBeNull();
    }
  });

  it("limits how often one client asks, and never its health", async () => {
    let limited: Awaited<ReturnType<typeof api.ask>> | undefined;
    for (let i = 0; i < 80; i++) {
      const answer = await api.ask("/api/v1/me");
      if (answer.status === 429) limited = answer;
    }
    expect(limited?.body).toMatchObject({ status: 429, type: "/problems/rate-limited" });
    expect(Number(limited?.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await api.ask("/healthz")).status).toBe(200);
  });

  it("does not start where others get at it while there is no token", async () => {
    const options = { port: 0, jobs: 0, log: undefined };
    for (const more of [
      { host: "0.0.0.0", names: [], requireToken: false },
      { host: "127.0.0.1", names: ["assay.example"], requireToken: false },
      { host: "127.0.0.1", names: [], requireToken: true },
    ])
      await expect(serve(api.corpus, { ...options, ...more })).rejects.toThrow(
        /there is no token: assay token create NAME --role admin/,
      );
  });
});
