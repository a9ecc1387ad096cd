import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sandboxSettings } from "./config.ts";

let folder = "";
let env: Record<string, string>;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "assay-config-"));
  mkdirSync(join(folder, "assay"));
  env = { XDG_CONFIG_HOME: folder };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function config(content: unknown, name = "config.json", mode = 0o600): string {
  const path = join(folder, "assay", name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  chmodSync(path, mode);
  return path;
}
const FILE = {
  sandbox: "cape",
  sandboxes: {
    cape: { url: "https://cape.example/", token: "file-token", password: "pw" },
    triage: { token: "triage-token" },
  },
};

describe("where settings come from", () => {
  it("takes flags before the environment before the file, each by itself", () => {
    config(FILE);
    expect(sandboxSettings({}, env)).toMatchObject({
      value: { kind: "cape", token: "file-token", password: "pw", warnings: [] },
    });
    const environment = {
      ...env,
      ASSAY_SANDBOX: "drakvuf",
      ASSAY_SANDBOX_URL: "https://d.example",
      ASSAY_SANDBOX_TOKEN: "env-token",
    };
    const fromEnv = sandboxSettings({}, environment);
    expect(fromEnv).toMatchObject({ value: { kind: "drakvuf", token: "env-token" } });
    expect(fromEnv.ok && fromEnv.value.base.href).toBe("https://d.example/");
    const flags = { sandbox: "triage", url: "https://t.example/api", token: "flag-token" };
    const fromFlags = sandboxSettings(flags, environment);
    expect(fromFlags).toMatchObject({ value: { kind: "triage", token: "flag-token" } });
    expect(fromFlags.ok && fromFlags.value.base.href).toBe("https://t.example/api/");
  });

  it("reads the file that --config names, which must be there", () => {
    const path = config(FILE, "other.json");
    expect(sandboxSettings({ config: path }, env)).toMatchObject({ value: { token: "file-token" } });
    expect(sandboxSettings({ config: join(folder, "none.json") }, env)).toMatchObject({
      error: { text: expect.stringContaining("no such file") },
    });
    expect(sandboxSettings({ sandbox: "cape", url: "https://a.example" }, env).ok).toBe(true);
  });

  it("never sends the file's token to an address that is not the file's", () => {
    config(FILE);
    const answer = sandboxSettings({ url: "https://typo.example" }, env);
    expect(answer.ok && answer.value.token).toBeUndefined();
    expect(answer.ok && answer.value.warnings).toEqual([
      expect.stringContaining("another address than typo.example"),
    ]);
    expect(sandboxSettings({ url: "https://cape.example/apiv2/" }, env)).toMatchObject({
      value: { token: "file-token" },
    });
    expect(sandboxSettings({ sandbox: "triage" }, env)).toMatchObject({ value: { token: "triage-token" } });
  });

  it("takes an address as it is copied from a browser", () => {
    for (const url of ["https://c.example", "https://c.example/apiv2", "https://c.example/apiv2/?a=b#c"]) {
      const answer = sandboxSettings({ sandbox: "cape", url }, env);
      expect(answer.ok && answer.value.base.href).toBe("https://c.example/");
    }
  });

  it("says what is missing or wrong, and never shows a token", () => {
    const secret = "to ken";
    const cases = [
      sandboxSettings({}, env),
      sandboxSettings({ sandbox: "joe" }, env),
      sandboxSettings({ sandbox: "cape" }, env),
      sandboxSettings({ sandbox: "cape", url: "cape.example" }, env),
      sandboxSettings({ sandbox: "cape", url: "https://u:to ken@cape.example" }, env),
      sandboxSettings({ sandbox: "cape", url: "https://cape.example", token: secret }, env),
      sandboxSettings({ sandbox: "triage" }, env),
      sandboxSettings({ config: config("{", "broken.json") }, env),
    ];
    for (const answer of cases) {
      expect(answer).toMatchObject({ ok: false, error: { code: "settings" } });
      expect(JSON.stringify(answer)).not.toContain(secret);
    }
  });

  it("warns of a token in clear: in a file that others read, and over http", () => {
    const open = config(FILE, "open.json", 0o644);
    expect(sandboxSettings({ config: open }, env)).toMatchObject({
      value: { warnings: [expect.stringContaining("chmod 600")] },
    });
    const http = sandboxSettings({ sandbox: "cape", url: "http://cape.example", token: "t" }, env);
    expect(http).toMatchObject({ value: { warnings: [expect.stringContaining("in clear")] } });
    expect(sandboxSettings({ sandbox: "cape", url: "http://127.0.0.1:8000", token: "t" }, env)).toMatchObject(
      { value: { warnings: [] } },
    );
  });
});
