/** The command as people run it, against servers on real sockets. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { demoBatch } from "@assay/carriers/demo";
import { processOf, writeCapeDump } from "@assay/carriers/dumps/index";
import { type Report, ReportSchema } from "@assay/core/model/index";
import { Check } from "typebox/value";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CapeServer, type CapeServerOptions, throttled } from "./test-servers/cape-server.ts";
import { DrakvufServer } from "./test-servers/drakvuf-server.ts";
import { TriageServer } from "./test-servers/triage-server.ts";

const bin = fileURLToPath(new URL("../../bin/assay.cjs", import.meta.url));
const TOKEN = "t0ken-0f-the-test";
const sha = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");

function carrier(name: string): Uint8Array {
  const found = demoBatch().find((one) => one.name === name);
  if (found === undefined) throw new Error(name);
  return found.bytes;
}
const REMCOS = carrier("gbrem.exe");
const QUASAR = carrier("gbquas.exe");
const C2 = "tcp://77.105.132.70:2404";
/** Packed: nothing can be read of it statically. */
const PACKED = "MZ harmless stand-in for a packed sample";

const RUN: CapeServerOptions["run"] = {
  folders: {
    CAPE: [{ name: `CAPE/${sha(REMCOS)}`, bytes: REMCOS }],
    procdump: [{ name: `procdump/${sha(REMCOS)}`, bytes: REMCOS }],
    memory: [
      {
        name: "memory/4711.dmp",
        bytes: writeCapeDump(processOf(REMCOS, { base: 0x10000000n, headers: "wiped" })),
      },
    ],
    files: [{ name: "files/x", bytes: new TextEncoder().encode("nothing in it") }],
  },
  configs: [{ Remcos: { Control: ["77.105.132.70:2404", "elsewhere.example:9"], Mutex: "Rmc-5P0XQ1" } }],
  report: {
    CAPE: {
      payloads: [
        {
          sha256: sha(REMCOS),
          cape_type: "Injected PE Image",
          target_process: "RegAsm.exe",
          target_pid: "4711",
        },
      ],
    },
    detections: [{ family: "Remcos" }],
  },
};

let folder = "";
let sample = "";
let stop: (() => Promise<void>) | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "assay-detonate-test-"));
  sample = join(folder, "packed.exe");
  writeFileSync(sample, PACKED);
});
afterEach(async () => {
  await stop?.();
  stop = undefined;
  rmSync(folder, { recursive: true, force: true });
});

async function cape(options: Partial<CapeServerOptions> = {}): Promise<CapeServer> {
  const server = await new CapeServer({ token: TOKEN, run: RUN, ...options }).start();
  stop = () => server.stop();
  return server;
}

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function assay(
  args: readonly string[],
  url: URL | undefined,
  onStart?: (kill: () => void) => void,
): Promise<Ended> {
  const child = spawn(process.execPath, [bin, ...args], {
    env: {
      ...process.env,
      XDG_CONFIG_HOME: join(folder, "config"),
      XDG_STATE_HOME: join(folder, "state"),
      ASSAY_SANDBOX_TOKEN: TOKEN,
      ...(url === undefined ? {} : { ASSAY_SANDBOX: "cape", ASSAY_SANDBOX_URL: url.href }),
    },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
  child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
  onStart?.(() => child.kill("SIGINT"));
  return new Promise((resolve) => child.on("close", (status) => resolve({ status, stdout, stderr })));
}

/** Labels of the run's files that an artifact came out of. */
function rootsOf(sample: Report["samples"][number], id: number): string[] {
  const artifact = sample.artifacts[id];
  if (artifact === undefined || id === 0) return [];
  if (artifact.by === "detonate") return [artifact.label ?? ""];
  return rootsOf(sample, artifact.from?.[0]?.artifact ?? 0);
}

const reportOf = ({ stdout }: Ended): Report => JSON.parse(stdout) as Report;
const remembered = (): string[] => {
  const state = join(folder, "state", "assay", "tasks");
  mkdirSync(state, { recursive: true });
  return readdirSync(state);
};

describe("assay detonate", () => {
  it("finds in a run's payload the config that the file hides, and sets the sandbox's own beside it", async () => {
    const server = await cape();
    const ended = await assay(["detonate", sample, "--json"], server.url);
    const report = reportOf(ended);
    expect(ended.status).toBe(0);
    expect(Check(ReportSchema, report)).toBe(true);
    expect(report.samples).toHaveLength(1);
    const [only] = report.samples;
    expect(only).toMatchObject({
      sha256: sha(PACKED),
      names: [sample],
      outcome: "config",
      families: ["win.remcos"],
    });
    expect(only?.findings).toHaveLength(1);
    expect(only?.findings[0]).toMatchObject({
      confidence: "proved",
      c2: [C2, "tcp://177.105.132.124:2404"],
      subject: 0,
    });
    const artifact = only?.artifacts[only.findings[0]?.artifact ?? 0];
    expect(only?.artifacts.find(({ by }) => by === "detonate")).toMatchObject({
      kind: "payload",
      label: "Injected PE Image of RegAsm.exe (4711)",
      sha256: sha(REMCOS),
    });
    expect(artifact).toBeDefined();
    expect(only?.findings[0]?.evidence[0]?.steps[0]).toBe("Injected PE Image of RegAsm.exe (4711)");
    expect(only?.sandbox).toMatchObject({ name: "cape", task: "1", artefacts: 3, families: ["Remcos"] });
    // The dump of the process that it was injected into holds it too: one finding, a further place.
    const [also] = only?.findings[0]?.also ?? [];
    expect(also && only && rootsOf(only, also.artifact)).toEqual(["memory of RegAsm.exe (4711)"]);
    const said = (where: string): string[] | undefined =>
      only?.sandbox?.differences.filter((one) => one.in === where).map(({ value }) => value);
    expect(said("both")).toEqual(["77.105.132.70:2404", "Rmc-5P0XQ1"]);
    expect(said("sandbox")).toEqual(["elsewhere.example:9"]);
    expect(said("assay")).toContain("tcp://177.105.132.124:2404");
    expect(JSON.stringify(only?.findings)).not.toContain("elsewhere.example");
    expect(remembered()).toEqual([]);
  });

  it("shows both configs to people, defanged, and its progress on stderr; the token nowhere", async () => {
    const server = await cape({ disabled: ["taskprocmemory"] });
    const { status, stdout, stderr } = await assay(["detonate", sample], server.url);
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /Said by the sandbox\npacked\.exe {2}cape task 1: Remcos; 2 files of the run analysed/,
    );
    expect(stdout).toMatch(/both {10}Control: 77\.105\.132\[\.\]70:2404/);
    expect(stdout).toMatch(/sandbox only {2}Control: elsewhere\[\.\]example:9/);
    expect(stdout).toContain("procmemory: switched off on this server");
    expect(stderr).toMatch(/packed\.exe: submitting\n.*task 1\n.*task 1: reported\n.*fetching\n/s);
    expect(stdout + stderr).not.toContain(TOKEN);
  });

  it("leaves the run to the sandbox on Ctrl-C, and picks it up again", async () => {
    const states = ["running"];
    const server = await cape({ states });
    const polled = server.next(/status/);
    const ended = await assay(["detonate", sample, "--json"], server.url, (kill) => void polled.then(kill));
    expect(ended.status).toBe(130);
    expect(ended.stderr).toContain("task 1 is kept: the same call picks it up");
    expect(remembered()).toHaveLength(1);
    states[0] = "reported";
    const again = await assay(["detonate", sample, "--json"], server.url);
    expect(again.status).toBe(0);
    expect(again.stderr).toContain("task 1, picked up: submitted 20");
    expect(reportOf(again).samples[0]?.outcome).toBe("config");
    expect(server.tasks.size).toBe(1);
    expect(remembered()).toEqual([]);
  });

  it("submits without waiting, and fetches when it is called again", async () => {
    const server = await cape();
    const first = await assay(["detonate", sample, "--no-wait", "--json"], server.url);
    expect(first.status).toBe(0);
    expect(reportOf(first).samples[0]?.reasons).toContainEqual(
      expect.objectContaining({ stage: "sandbox", code: "submitted" }),
    );
    const second = await assay(["detonate", sample, "--json"], server.url);
    expect(reportOf(second).samples[0]?.outcome).toBe("config");
    expect(server.tasks.size).toBe(1);
  });

  it("submits again when the server has lost the task, and only once when the same bytes come twice", async () => {
    const server = await cape();
    await assay(["detonate", sample, "--no-wait"], server.url);
    server.tasks.clear();
    // Several, so that the first of the list is seldom the first that was analysed.
    const twins = ["a.exe", "b.exe", "c.exe"].map((name) => join(folder, name));
    for (const twin of twins) writeFileSync(twin, PACKED);
    const { status, stdout, stderr } = await assay(["detonate", sample, ...twins, "--json"], server.url);
    expect(status).toBe(0);
    expect(stderr).toContain("does not know this task any more");
    const { samples } = reportOf({ status, stdout, stderr });
    expect(samples.map(({ names, outcome }) => [names.length, outcome])).toEqual([[4, "config"]]);
    expect(server.tasks.size).toBe(1);
  });

  it("ends in a reason and status 1 when the token is refused, the run fails, or nobody answers; what is static stands", async () => {
    const server = await cape({ token: "another" });
    const open = join(folder, "open.exe");
    writeFileSync(open, QUASAR);
    const refused = await assay(["detonate", open, "--json"], server.url);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain("401: token refused: Invalid token.; check --token");
    expect(refused.stdout + refused.stderr).not.toContain(TOKEN);
    expect(reportOf(refused).samples[0]).toMatchObject({ outcome: "config", families: ["win.quasar_rat"] });
    await server.stop();
    const failing = await cape({ states: ["failed_analysis"] });
    const failed = await assay(["detonate", sample, "--json"], failing.url);
    expect(failed.status).toBe(1);
    expect(reportOf(failed).samples[0]?.reasons.at(-1)).toMatchObject({
      stage: "sandbox",
      code: "task-failed",
      text: "task 1 failed in the sandbox (failed_analysis)",
    });
    expect(remembered()).toEqual([]);
  });

  it("gives a wrong password as the reason why there is nothing", async () => {
    const server = await cape({ zipPassword: "secret" });
    const ended = await assay(["detonate", sample, "--json"], server.url);
    expect(reportOf(ended).samples[0]?.reasons).toContainEqual(
      expect.objectContaining({ code: "wrong-password", text: expect.stringContaining("--password") }),
    );
    const right = await assay(["detonate", sample, "--json", "--password", "secret"], server.url);
    expect(reportOf(right).samples[0]?.outcome).toBe("config");
  });

  it("gets through throttling, a 502 and half-sent archives", async () => {
    const server = await cape();
    server
      .order(/create/, { kind: "answer", answer: throttled(1) })
      .order(/status/, { kind: "answer", answer: { status: 502, body: "bad gateway" } })
      .order(/payloadfiles/, { kind: "cut", bytes: 500 });
    const ended = await assay(["detonate", sample, "--json"], server.url);
    expect(ended.status).toBe(0);
    expect(reportOf(ended).samples[0]?.outcome).toBe("config");
  });

  it("does the same with Triage and with DRAKVUF", async () => {
    const name = "memory/1692-4-0x0000000000400000-memory.exe";
    const triage = await new TriageServer({
      token: TOKEN,
      overview: { analysis: { family: ["remcos"] }, tasks: [{ kind: "behavioral", name: "behavioral1" }] },
      report: {
        processes: [{ procid: 4, image: "C:\\RegAsm.exe" }],
        extracted: [{ config: { family: "remcos", c2: ["77.105.132.70:2404"] } }],
      },
      dumps: [{ name, bytes: REMCOS, entry: { pid: 1692, procid: 4, addr: 4194304, sha256: sha(REMCOS) } }],
    }).start();
    stop = () => triage.stop();
    const one = await assay(["detonate", sample, "--json", "--sandbox", "triage"], triage.url);
    expect(reportOf(one).samples[0]).toMatchObject({
      outcome: "config",
      sandbox: { name: "triage", families: ["remcos"] },
    });
    expect(reportOf(one).samples[0]?.sandbox?.differences).toContainEqual(
      expect.objectContaining({ in: "both", value: "77.105.132.70:2404" }),
    );
    await triage.stop();
    const drakvuf = await new DrakvufServer({
      dumps: [{ name: "dumps/400000_aaaaaaaaaaaaaaaa", bytes: REMCOS }],
      dumpsMetadata: [{ filename: "dumps/400000_aaaaaaaaaaaaaaaa", base_address: "0x400000" }],
      report: {},
    }).start();
    stop = () => drakvuf.stop();
    const two = await assay(["detonate", sample, "--json", "--sandbox", "drakvuf"], drakvuf.url);
    expect(reportOf(two).samples[0]).toMatchObject({
      outcome: "config",
      sandbox: { name: "drakvuf", configs: [] },
    });
  });

  it("ends with status 2 before anything is sent when it is called wrongly", async () => {
    const server = await cape();
    for (const [args, text] of [
      [["detonate", sample, "--sandbox", "joe"], "--sandbox cape, triage, drakvuf"],
      [["detonate", sample, "--url", "nowhere"], "--url"],
      [["detonate", sample, "--option", "x"], "name=value"],
      [["detonate", sample, "--rules", join(folder, "none.yar")], "no such file"],
    ] as const) {
      const { status, stderr, stdout } = await assay(args, server.url);
      expect([status, stdout]).toEqual([2, ""]);
      expect(stderr).toContain(text);
    }
    expect(server.asked).toEqual([]);
  });
});

describe("assay triage over what sandboxes leave on disk", () => {
  it("reads finished CAPE analyses, many at a time, each as one sample", async () => {
    for (const number of ["1", "2", "3"]) {
      const analysis = join(folder, "analyses", number);
      mkdirSync(join(analysis, "CAPE"), { recursive: true });
      mkdirSync(join(analysis, "reports"));
      writeFileSync(join(analysis, "files.json"), "");
      writeFileSync(join(analysis, "binary"), `${PACKED} ${number}`);
      writeFileSync(join(analysis, "CAPE", sha(REMCOS)), REMCOS);
      writeFileSync(
        join(analysis, "reports", "report.json"),
        JSON.stringify({ ...(RUN.report as object), info: { id: Number(number) } }),
      );
    }
    const ended = await assay(["triage", `cape:${join(folder, "analyses")}`, "--json"], undefined);
    const { samples, clusters } = reportOf(ended);
    expect(ended.status).toBe(0);
    expect(samples.map(({ outcome, sandbox }) => [outcome, sandbox?.task])).toEqual([
      ["config", "1"],
      ["config", "2"],
      ["config", "3"],
    ]);
    expect(clusters[0]?.samples).toHaveLength(3);
  });
});
