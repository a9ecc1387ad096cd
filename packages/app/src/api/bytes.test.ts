/** Bytes of artifacts, as the hex pane asks for them. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { demoBatch, processOf, writeMinidump } from "@assay/carriers/index";
import type { Sample } from "@assay/core/model/index";
import { describe, expect, it } from "vitest";
import { createAnalyser } from "../analyser.ts";
import { testPlaces } from "../store/testing/places.ts";
import { empty, sha256Of } from "../store/testing/samples.ts";
import { startApi } from "./testing/api.ts";

describe("the hex pane", () => {
  it("makes an artifact of an archive again from the stored sample", async () => {
    const places = await testPlaces("PGlite in a folder");
    if (places === undefined) throw new Error("PGlite runs everywhere");
    const api = await startApi(await places.place());
    try {
      const content = Buffer.from("the member's own bytes, of no format");
      const zip = storedZip("inner.txt", content);
      const { body } = await api.upload([{ name: "outer.zip", content: zip }]);
      const outer = createHash("sha256").update(zip).digest("hex");
      const inner = createHash("sha256").update(content).digest("hex");
      const gone = sha256Of("gone");
      await api.work(body.batch, async () => ({
        ...empty("outer.zip"),
        ...{ sha256: outer, size: zip.length, format: "zip" },
        artifacts: [
          { id: 0, kind: "sample", sha256: outer, size: zip.length, format: "zip" },
          {
            ...{ id: 1, kind: "member", by: "unzip", sha256: inner, size: content.length, format: "data" },
            from: [{ artifact: 0, offset: 0, length: zip.length }],
          },
          {
            ...{ id: 2, kind: "member", by: "unzip", sha256: gone, size: 4, format: "data" },
            from: [{ artifact: 0, offset: 0, length: zip.length }],
          },
          {
            ...{ id: 3, kind: "carved", sha256: inner, size: content.length, format: "data" },
            from: [{ artifact: 0, offset: zip.indexOf(content), length: content.length }],
          },
        ],
      }));
      for (const id of [1, 3]) {
        const { body: bytes } = await api.ask(
          `/api/v1/samples/${outer}/artifacts/${id}/bytes?offset=4&length=6`,
        );
        expect(bytes).toMatchObject({ artifact: id, size: content.length, length: 6 });
        expect(Buffer.from(bytes.base64, "base64").toString()).toBe("member");
      }
      const missing = await api.ask(`/api/v1/samples/${outer}/artifacts/2/bytes`);
      expect(missing.body).toMatchObject({ status: 422, type: "/problems/cannot-remake" });
    } finally {
      await api.stop();
      await places.stop();
    }
  }, 120_000);

  it("decodes a value of a memory dump again, by its steps or by searching the dump once more", async () => {
    const places = await testPlaces("PGlite in a folder");
    if (places === undefined) throw new Error("PGlite runs everywhere");
    const api = await startApi(await places.place());
    const folder = mkdtempSync(join(tmpdir(), "assay-api-dump-"));
    try {
      const carrier = demoBatch().find(({ name }) => name === "gbrem.exe")?.bytes ?? new Uint8Array();
      const dump = writeMinidump(processOf(carrier, { base: 0x2340000n, headers: "wiped" }));
      const { body } = await api.upload([{ name: "gbrem.dmp", content: Buffer.from(dump) }]);
      const path = join(folder, "gbrem.dmp");
      writeFileSync(path, dump);
      const analyser = await createAnalyser();
      const sample = await analyser.analyseFile(Buffer.from(path), "gbrem.dmp");
      expect(sample.findings[0]?.family).toBe("win.remcos");
      const decoded = sample.artifacts.find(({ steps }) => (steps?.length ?? 0) > 0);
      const id = decoded?.id ?? -1;
      // Says that more than steps was needed for it.
      const region = { ...sample.artifacts[1], steps: [{ op: "a program of its own" }] };
      const artifacts = [...sample.artifacts, { ...region, id: sample.artifacts.length }];
      await api.work(body.batch, async () => ({ ...sample, artifacts }) as Sample);
      const { at = [] } =
        sample.findings[0]?.evidence.find(({ pointer }) => /c2|network/i.test(pointer)) ?? {};
      const url = `/api/v1/samples/${sample.sha256}/artifacts`;
      const bytesOf = async (place: number, query: string) =>
        Buffer.from((await api.ask(`${url}/${place}/bytes?${query}`)).body.base64, "base64");
      expect(at[0]?.artifact).toBe(id);
      const value = await bytesOf(id, `offset=${at[0]?.offset}&length=${at[0]?.length}`);
      expect(value.toString()).toMatch(/77\.105\.132/);
      const again = await bytesOf(artifacts.length - 1, "length=65536");
      expect(again.length).toBeGreaterThan(4096);
      const dumped = (region.from ?? []).map((one) => dump.subarray(one.offset, one.offset + one.length));
      expect(again).toEqual(Buffer.concat(dumped));
    } finally {
      await api.stop();
      rmSync(folder, { recursive: true });
      await places.stop();
    }
  }, 120_000);
});

/** A ZIP of one member that is not compressed. */
function storedZip(name: string, content: Buffer): Buffer<ArrayBuffer> {
  const crc = crc32(content);
  const head = (signature: number, extra: number) => {
    const out = Buffer.alloc(extra);
    out.writeUInt32LE(signature);
    return out;
  };
  const local = head(0x04034b50, 30);
  local.writeUInt16LE(10, 4);
  local.writeUInt32LE(crc, 14);
  local.writeUInt32LE(content.length, 18);
  local.writeUInt32LE(content.length, 22);
  local.writeUInt16LE(name.length, 26);
  const central = head(0x02014b50, 46);
  central.writeUInt16LE(10, 4);
  central.writeUInt16LE(10, 6);
  central.writeUInt32LE(crc, 16);
  central.writeUInt32LE(content.length, 20);
  central.writeUInt32LE(content.length, 24);
  central.writeUInt16LE(name.length, 28);
  const end = head(0x06054b50, 22);
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(46 + name.length, 12);
  end.writeUInt32LE(30 + name.length + content.length, 16);
  return Buffer.concat([local, Buffer.from(name), content, central, Buffer.from(name), end]);
}

function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ -1) >>> 0;
}
