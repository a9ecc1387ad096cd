/** A config is found through every wrapping that a layer undoes, the same as without it, and the report shows the whole way. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import { demoBatch } from "@assay/carriers/demo";
import { dotnetLoader } from "@assay/carriers/dotnet-loader";
import { wrapBatPs1GzipAes, wrapPs1Base64 } from "@assay/carriers/script-wrap";
import { packUpx } from "@assay/carriers/upx-pack";
import { withOverlay, withResources } from "@assay/carriers/wrap";
import { Ledger, type Sample } from "@assay/core/model/index";
import sevenZip from "7z-wasm";
import { beforeAll, describe, expect, it } from "vitest";
import { type Analyser, createAnalyser } from "./analyser.ts";

let analyser: Analyser;
/** The config of each carrier without anything around it, by its name. */
const bare = new Map<string, unknown>();
beforeAll(async () => {
  analyser = await createAnalyser();
  for (const { bytes, name } of CARRIERS)
    bare.set(name, (await analyser.analyseBytes(bytes, name)).findings[0]?.config);
});

/** One carrier of each family. */
const CARRIERS = ["forum.exe", "gbrem.exe", "gbquas.exe", "2024crypt.exe", "timeSync.exe"].map((name) => {
  const carrier = demoBatch().find((one) => one.name === name);
  if (carrier === undefined) throw new Error(`no carrier ${name}`);
  return carrier;
});

/** An archive made by 7-Zip itself. */
async function pack(file: string, content: Uint8Array, ...flags: string[]): Promise<Uint8Array> {
  const zip = await sevenZip({ print: () => undefined, printErr: () => undefined });
  const archive = flags.includes("-tzip") ? "out.zip" : "out.7z";
  zip.FS.writeFile(file, content);
  zip.callMain(["a", "-bd", "-y", ...flags, archive, file]);
  return zip.FS.readFile(archive);
}

type Wrap = (content: Uint8Array, name: string) => Uint8Array | Promise<Uint8Array>;

const WRAPS: Readonly<Record<string, readonly [file: string, wrap: Wrap]>> = {
  "zip with a password (ZipCrypto)": [
    "in.zip",
    (content, name) => pack(name, content, "-tzip", "-pinfected"),
  ],
  "zip with a password (AES)": [
    "in.zip",
    (content, name) => pack(name, content, "-tzip", "-mem=AES256", "-pinfected"),
  ],
  "7z with a password, names hidden": [
    "in.7z",
    (content, name) => pack(name, content, "-mhe=on", "-pinfected"),
  ],
  "zip in 7z in zip": [
    "in.zip",
    async (content, name) =>
      pack("b.7z", await pack("a.zip", await pack(name, content, "-tzip"), "-mhe=on", "-pinfected"), "-tzip"),
  ],
  "UPX, NRV2B": ["in.exe", (content) => packUpx(content, { method: "nrv2b" })],
  "UPX, NRV2D, sections renamed": [
    "in.exe",
    (content) => packUpx(content, { method: "nrv2d", sectionNames: [".text", ".data", ".rsrc"] }),
  ],
  "UPX, NRV2E, header wiped": ["in.exe", (content) => packUpx(content, { method: "nrv2e", header: "wiped" })],
  "UPX, LZMA": ["in.exe", (content) => packUpx(content, { method: "lzma" })],
  "PE overlay": ["in.exe", (content) => withOverlay(plain(), content)],
  "PE resource": ["in.exe", (content) => withResources(content)],
  "PE resource under gzip": ["in.exe", (content) => withResources(new Uint8Array(gzipSync(content)))],
  ".NET resource, raw": ["in.exe", (content) => dotnetLoader("raw resource", content)],
  ".NET resource under gzip": ["in.exe", (content) => dotnetLoader("gzip resource", content)],
  ".NET resource under AES": ["in.exe", (content) => dotnetLoader("AES-CBC, key and IV in .cctor", content)],
  "base64 in ps1": ["in.ps1", wrapPs1Base64],
  // The crypter's own form: its assembly is the program itself, or a loader that holds it.
  "bat → ps1 → gzip and AES": ["in.bat", (content) => wrapBatPs1GzipAes(content)],
  "bat → ps1 → gzip and AES → .NET loader": [
    "in.cmd",
    (content) => wrapBatPs1GzipAes(dotnetLoader("gzip resource", content)),
  ],
};

/** A small program with nothing in it. */
function plain(): Uint8Array {
  const path = fileURLToPath(new URL("../../core/src/formats/pe/fixtures/hello32.exe", import.meta.url));
  return new Uint8Array(readFileSync(path));
}

/** Whether each artifact on the way can be traced to the sample, parents first. */
function reachesTheSample(sample: Sample, id: number): boolean {
  const artifact = sample.artifacts[id];
  if (id === 0) return true;
  return (
    artifact?.from?.every((span) => span.artifact < id && reachesTheSample(sample, span.artifact)) ?? false
  );
}

describe.each(Object.entries(WRAPS))("%s", (_, [file, wrap]) => {
  it.each(CARRIERS.map((carrier) => [carrier.family, carrier] as const))(
    "%s comes out with the same config",
    async (_, carrier) => {
      const sample = await analyser.analyseBytes(await wrap(carrier.bytes, carrier.name), file);
      expect(sample.outcome, JSON.stringify(sample.reasons)).toBe("config");
      expect(sample.findings.map((finding) => finding.family)).toEqual([carrier.family]);
      const finding = sample.findings[0];
      expect(finding?.c2).toEqual(carrier.expected.c2);
      expect(finding?.config).toEqual(bare.get(carrier.name));
      expect(finding?.config).toBeDefined();
      expect(finding?.artifact).toBeGreaterThan(0);
      expect(reachesTheSample(sample, finding?.artifact ?? -1)).toBe(true);
    },
  );
});

describe("what is around", () => {
  it("an iso image made by genisoimage gives each of its files as a subject of its own", async () => {
    const path = fileURLToPath(new URL("./containers/fixtures/carriers.iso.gz", import.meta.url));
    const sample = await analyser.analyseBytes(new Uint8Array(gunzipSync(readFileSync(path))), "mail.iso");
    expect(sample.findings.map((finding) => finding.family).sort()).toEqual(
      CARRIERS.map((carrier) => carrier.family).sort(),
    );
    const subjects = sample.findings.map((finding) => sample.artifacts[finding.subject]?.name?.toLowerCase());
    expect(subjects.sort()).toEqual(CARRIERS.map((carrier) => carrier.name.toLowerCase()).sort());
  });

  it("a 300 MB inflated program is cut to its image, and both hashes stand in the report", async () => {
    const carrier = CARRIERS[1];
    if (carrier === undefined) throw new Error("no carrier");
    const big = new Uint8Array(300 * 1024 * 1024);
    big.set(carrier.bytes);
    const sample = await analyser.analyseBytes(big, "setup.exe");
    expect(sample.findings[0]?.c2).toEqual(carrier.expected.c2);
    expect(sample.size).toBe(big.length);
    expect(sample.artifacts.map((artifact) => artifact.size).some((size) => size < 100_000)).toBe(true);
  });

  it("steps that the report names give the artifact again when applied to what it names", async () => {
    const carrier = CARRIERS[1];
    if (carrier === undefined) throw new Error("no carrier");
    const bytes = withResources(new Uint8Array(gzipSync(carrier.bytes)));
    const sample = await analyser.analyseBytes(bytes, "in.exe");
    const ledger = new Ledger(bytes);
    for (const artifact of sample.artifacts.slice(1)) {
      const view = ledger.derive(artifact.from ?? [], artifact.steps ?? []);
      expect(view?.length, artifact.label).toBe(artifact.size);
    }
    expect(sample.artifacts.length).toBeGreaterThan(2);
  });
});

describe("an archive of many programs", () => {
  it("is ten files to the relations, and no password is needed beyond the field's own", async () => {
    const zip = await sevenZip({ print: () => undefined, printErr: () => undefined });
    for (const carrier of demoBatch()) zip.FS.writeFile(carrier.name, carrier.bytes);
    zip.callMain([
      "a",
      "-bd",
      "-y",
      "-mhe=on",
      "-pinfected",
      "batch.7z",
      ...demoBatch().map((carrier) => carrier.name),
    ]);
    const sample = await analyser.analyseBytes(zip.FS.readFile("batch.7z"), "batch.7z");
    expect(sample.findings.length).toBe(10);
    expect(new Set(sample.findings.map((finding) => finding.subject)).size).toBe(10);
  });
});
