import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { collect } from "../batch/collect.ts";
import { readAnalysisFolder } from "./analysis-folder.ts";
import { analysisFolderKind, capeAnalyses } from "./folder-kind.ts";
import { openBytes } from "./open-bytes.ts";
import type { Run } from "./run.ts";
import { makeZip } from "./test-servers/make-zip.ts";
import type { OpenArchive } from "./unpack.ts";

const open: OpenArchive = (zip, ...rest) => openBytes(readFileSync(zip), ...rest);
const sha = (text: string): string => createHash("sha256").update(text).digest("hex");

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "assay-folder-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(files: Readonly<Record<string, string | Uint8Array>>, under = root): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(under, name)), { recursive: true });
    writeFileSync(join(under, name), content);
  }
}

async function runOf(path: string): Promise<Run> {
  const kind = analysisFolderKind(path);
  if (kind === undefined) throw new Error(`${path} is not recognised`);
  const reading = await readAnalysisFolder(path, kind, open, join(root, "scratch"));
  if (reading.kind !== "run") throw new Error("no run");
  return reading.run;
}

const line = (path: string, metadata: string, pids: number[], category: string): string =>
  `${JSON.stringify({ path, filepath: "C:\\out.bin", pids, ppids: [1], metadata, category })}\n`;

function capeAnalysis(under: string): void {
  write(
    {
      "files.json": [
        line(
          `CAPE/${sha("pe")}`,
          "3;?C:\\loader.exe;?C:\\loader.exe;?C:\\Windows\\RegAsm.exe;?4711;?",
          [100],
          "CAPE",
        ),
        line(`CAPE/${sha("sc")}`, "9;?C:\\loader.exe;?C:\\loader.exe;?0x00401000;?", [100], "CAPE"),
        "{broken\n",
        line(`procdump/${sha("pd")}`, "1;?C:\\client.exe;?C:\\client.exe;?", [200], "procdump"),
        line("files/aa", "", [100], "files"),
      ].join(""),
      [`CAPE/${sha("pe")}`]: "pe",
      [`CAPE/${sha("sc")}`]: "sc",
      [`procdump/${sha("pd")}`]: "pd",
      "memory/4711.dmp": "dump",
      "memory/4711_0x7ff000": "cut out",
      "memory/4711.dmp.strings": "strings",
      "files/aa": "dropped",
      "selfextracted/UPX/bb": "unpacked",
      binary: "the sample",
      "reports/report.json": JSON.stringify({
        info: { id: 12 },
        target: { file: { name: "invoice.exe", sha256: sha("the sample") } },
        behavior: { processes: [{ process_id: 4711, process_name: "RegAsm.exe", calls: [1, 2] }] },
        CAPE: {
          payloads: [{ sha256: sha("pe"), cape_type: "Injected PE Image" }],
          configs: [{ Fam: { C2: ["a.example:1"] } }],
        },
        malfamily: "Fam",
      }),
    },
    under,
  );
}

describe("a finished CAPE analysis", () => {
  it("gives the submitted file, all that came out of it with whose and where it was, and what CAPE says", async () => {
    capeAnalysis(root);
    const run = await runOf(root);
    expect(run).toMatchObject({ sandbox: "cape", task: "12", sha256: sha("the sample"), notes: [] });
    expect(run.name).toBe(join(root, "invoice.exe"));
    // Payloads are listed by their hash.
    expect(new Set(run.artefacts.map(({ hint, description }) => [description, hint.base]))).toEqual(
      new Set([
        ["injected PE of RegAsm.exe (4711)", undefined],
        ["unpacked shellcode of loader.exe (100) at 0x401000", 0x401000n],
        ["process dump of client.exe (200)", undefined],
        ["memory of RegAsm.exe (4711)", undefined],
        ["memory of RegAsm.exe (4711) at 0x7ff000", 0x7ff000n],
        ["dropped as C:\\out.bin", undefined],
        ["self-extracted file", undefined],
      ]),
    );
    expect(run.said).toEqual({
      families: ["Fam"],
      configs: [{ family: "Fam", values: [{ name: "C2", value: "a.example:1" }] }],
    });
  });

  it("takes no file from outside, whatever links and JSON say", async () => {
    write({ "secret/key": "secret", "analysis/files.json": "" });
    const analysis = join(root, "analysis");
    write(
      {
        "files.json":
          line("../secret/key", "8;?a;?b;?0x1;?", [1], "CAPE") + line("/etc/passwd", "", [1], "CAPE"),
        "CAPE/real": "real",
      },
      analysis,
    );
    symlinkSync(join(root, "secret", "key"), join(analysis, "CAPE", "link"));
    symlinkSync(join(root, "secret"), join(analysis, "procdump"));
    symlinkSync("/etc/passwd", join(analysis, "binary"));
    symlinkSync("real", join(analysis, "CAPE", "inner-link"));
    const kind = analysisFolderKind(analysis);
    expect(kind).toBe("cape");
    const reading = await readAnalysisFolder(analysis, "cape", open, root);
    const files = reading.kind === "files" ? reading.files : [];
    expect(files.map(({ name }) => name.slice(analysis.length))).toEqual(["/inner-link", "/real"]);
    expect(new Set(files.map(({ path }) => path.toString()))).toEqual(
      new Set([join(analysis, "CAPE", "real")]),
    );
  });

  it("finds the submitted file where CAPE keeps it, and does without one that was deleted", async () => {
    const stored = join(root, "storage", "binaries", sha("the sample"));
    write({ [`storage/binaries/${sha("the sample")}`]: "the sample" });
    const analysis = join(root, "storage", "analyses", "3");
    capeAnalysis(analysis);
    rmSync(join(analysis, "binary"));
    symlinkSync(stored, join(analysis, "binary"));
    expect((await runOf(analysis)).submitted?.path.toString()).toBe(stored);
    rmSync(stored);
    const without = await runOf(analysis);
    expect(without.submitted).toBeUndefined();
    expect(without.sha256).toBe(sha("the sample"));
  });

  it("reads what there is without a report, or with a broken one", async () => {
    write({ "files.json": "", "CAPE/x": "x", binary: "b" });
    expect((await runOf(root)).notes).toMatchObject([{ code: "not-found" }]);
    write({ "reports/report.json": '{"malfamily": "Fam", "CAPE": {"conf' });
    const run = await runOf(root);
    expect(run.said.families).toEqual(["Fam"]);
    expect(run.notes).toMatchObject([{ text: expect.stringContaining("ends half-way") }]);
  });

  it("is one of many: by number, `latest` left out, in cape:FOLDER and in any folder", () => {
    for (const name of ["10", "9", "2"]) capeAnalysis(join(root, "analyses", name));
    write({ "analyses/11/task.json": "{}" });
    symlinkSync(join(root, "analyses", "10"), join(root, "analyses", "latest"));
    const all = ["2", "9", "10"].map((name) => join(root, "analyses", name));
    expect([...capeAnalyses(join(root, "analyses"))]).toEqual(all);
    const inputs = [...collect([`cape:${join(root, "analyses")}`])];
    expect(inputs.map((input) => [input.kind, input.name])).toEqual(all.map((path) => ["analysis", path]));
    expect([...collect([root])].filter(({ kind }) => kind === "analysis")).toHaveLength(3);
    expect([...collect([`cape:${join(root, "analyses", "11")}`])]).toMatchObject([
      { kind: "unreadable", text: expect.stringContaining("no finished CAPE analysis") },
    ]);
    expect([...collect(["cape:/nowhere/at/all"])]).toMatchObject([
      { kind: "unreadable", text: expect.stringContaining("no such file") },
    ]);
  });
});

describe("folders of pe-sieve and hollows_hunter", () => {
  it("give each dump its base, its layout and its process, from the reports or from its name", async () => {
    write({
      "scan/process_4711/dump_report.json": JSON.stringify({
        pid: 4711,
        minidump_path: "C:\\out\\process_4711\\RegAsm.dmp",
        dumps: [
          {
            module: "400000",
            module_size: "5000",
            dump_file: "400000.RegAsm.exe",
            dump_mode: "UNMAPPED",
            is_shellcode: 0,
          },
          { module: "7ff612340000", dump_file: "7ff612340000.dll", dump_mode: "VIRTUAL", is_shellcode: 0 },
          {
            module: "1a0000",
            dump_base: "10000000",
            dump_file: "1a0000.x.dll",
            dump_mode: "REALIGNED",
            is_shellcode: 0,
          },
          { module: "2b0000", dump_file: "../../evil.shc", is_shellcode: 1 },
        ],
      }),
      "scan/process_4711/scan_report.json": JSON.stringify({
        pid: 4711,
        main_image_path: "C:\\Windows\\RegAsm.exe",
      }),
      "scan/process_4711/400000.RegAsm.exe": "a",
      "scan/process_4711/400000.RegAsm.exe.imports.txt": "no memory",
      "scan/process_4711/7ff612340000.dll": "b",
      "scan/process_4711/1a0000.x.dll": "c",
      "scan/process_4711/3c0000.shc": "d",
      "scan/process_4711/notes": "not pe-sieve's",
      "scan/process_4711/RegAsm.dmp": "MDMP",
      "scan/summary.json": "{}",
      "evil.shc": "outside",
    });
    const [input] = [...collect([join(root, "scan")])].filter(({ kind }) => kind === "analysis");
    expect(input).toMatchObject({ folder: "pe-sieve", name: join(root, "scan", "process_4711") });
    const reading = await readAnalysisFolder(join(root, "scan", "process_4711"), "pe-sieve", open, root);
    const process = { name: "RegAsm.exe", pid: 4711 };
    expect(
      reading.kind === "files" && reading.files.map(({ name, memory }) => [name.split("/").at(-1), memory]),
    ).toEqual([
      ["1a0000.x.dll", { kind: "payload", process, base: 0x10000000n, layout: "file" }],
      ["3c0000.shc", { kind: "payload", process, base: 0x3c0000n, layout: "raw" }],
      ["400000.RegAsm.exe", { kind: "payload", process, base: 0x400000n, layout: "file" }],
      ["7ff612340000.dll", { kind: "payload", process, base: 0x7ff612340000n, layout: "mapped" }],
      ["RegAsm.dmp", { kind: "memory", process }],
    ]);
  });
});

describe("an analysis of DRAKVUF Sandbox", () => {
  it("gives the dumps of its archive, or of the folder unpacked from it", async () => {
    const dumps = [{ name: "dumps/400000_aaaaaaaaaaaaaaaa", bytes: new TextEncoder().encode("one") }];
    const metadata = {
      id: "x",
      file: { name: "invoice.exe", type: "PE32", sha256: sha("sample") },
      dumps_metadata: [{ filename: "dumps/400000_aaaaaaaaaaaaaaaa", base_address: "0x401000" }],
    };
    const report = {
      processes: [{ seqid: 0, pid: 7, procname: "C:\\a.exe" }],
      memdumps: [{ process_seqid: 0, dumps: [{ filename: "400000_aaaaaaaaaaaaaaaa" }] }],
    };
    write({
      "metadata.json": JSON.stringify(metadata),
      "report.json": JSON.stringify(report),
      "dumps.zip": await makeZip(dumps),
    });
    const zipped = await runOf(root);
    expect(zipped).toMatchObject({ sandbox: "drakvuf", sha256: sha("sample"), notes: [] });
    expect(zipped.artefacts.map(({ description }) => description)).toEqual([
      "memory of a.exe (7) at 0x401000",
    ]);
    expect(readFileSync(zipped.artefacts[0]?.path ?? "", "utf8")).toBe("one");
    write({ "dumps/400000_aaaaaaaaaaaaaaaa": "one" });
    expect((await runOf(root)).artefacts[0]?.path).toBe(join(root, "dumps", "400000_aaaaaaaaaaaaaaaa"));
  });

  it("notes an archive that does not open", async () => {
    write({
      "metadata.json": JSON.stringify({ file: { sha256: sha("s") } }),
      "dumps.zip": "PK\x03\x04 no zip",
    });
    const run = await runOf(root);
    expect(run.artefacts).toEqual([]);
    expect(run.notes).toMatchObject([{ code: "broken-archive" }]);
  });
});

describe("any other folder", () => {
  it("is read as a folder", () => {
    write({ "files.json": "{}", "a/metadata.json": "{}", "b/CAPE/x": "x", "c/reports/report.json": "{}" });
    for (const name of ["", "a", "b", "c"]) expect(analysisFolderKind(join(root, name))).toBeUndefined();
  });
});
