import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const COMMAND = fileURLToPath(new URL("../../bin/assay.cjs", import.meta.url));
const TIMEOUT = 600_000;
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "assay-serve-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const env = { ...process.env, DATABASE_URL: "", ASSAY_CORPUS: "" };

function assay(...args: string[]) {
  return spawnSync(process.execPath, [COMMAND, ...args, "--corpus", folder], { encoding: "utf8", env });
}

describe("assay token and assay serve", () => {
  it(
    "lets others in with a token only, and out again when it is told to end",
    async () => {
      const open = assay("serve", "--host", "0.0.0.0", "--port", "0");
      expect([open.status, open.stderr]).toEqual([
        2,
        expect.stringMatching(/there is no token: assay token create/),
      ]);

      const made = assay("token", "create", "somebody", "--role", "submit", "--days", "1");
      expect(made.stdout).toMatch(/^assay_[0-9a-f]{12}_[\w-]{43}\n$/);
      const token = made.stdout.trim();
      const list = assay("token", "list");
      expect(list.stdout).toMatch(/^[0-9a-f]{12} submit {2}somebody, made /);
      expect(list.stdout).not.toContain(token.slice(19));
      expect(assay("token", "create", "a\u001b[31mb").status).toBe(2);

      const args = ["serve", "--host", "0.0.0.0", "--port", "0", "--jobs", "1", "--corpus", folder];
      const server = spawn(process.execPath, [COMMAND, ...args], {
        stdio: ["ignore", "ignore", "pipe"],
        env,
      });
      let text = "";
      server.stderr.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      const gone = new Promise<number | null>((resolve) => server.once("exit", resolve));
      while (!/^assay: serving on/m.test(text)) {
        expect([server.exitCode, text.slice(0, 500)]).toEqual([null, expect.anything()]);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      const url = `http://127.0.0.1:${/serving on http:\/\/\S+:(\d+)/.exec(text)?.[1]}`;
      expect((await fetch(`${url}/healthz`)).status).toBe(200);
      expect((await fetch(`${url}/api/v1/me`)).status).toBe(401);
      const me = await fetch(`${url}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } });
      expect(await me.json()).toMatchObject({ name: "somebody", role: "submit" });

      const second = assay("token", "list");
      expect([second.status, second.stderr]).toEqual([
        2,
        expect.stringMatching(/is in use by process \d+ \(assay serve/),
      ]);

      server.kill("SIGTERM");
      expect(await gone).toBe(0);
      expect(text).not.toContain(token.slice(19));
      expect(assay("token", "revoke", token.slice(6, 18)).status).toBe(0);
      expect(assay("token", "revoke", token.slice(6, 18)).status).toBe(2);
      expect(assay("token", "list").stdout).toMatch(/revoked \d{4}-\d\d-\d\d/);
    },
    TIMEOUT,
  );
});
