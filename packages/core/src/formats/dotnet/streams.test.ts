import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { latin1Bytes, View } from "../../bytes/index.ts";
import { openImage } from "../open-image.ts";
import {
  makeRoot,
  type PlainStream,
  streamsOf,
  withPointerTables,
  withStreams,
} from "./fixtures/rebuild-metadata.ts";
import { type Dotnet, fieldsOf, parseDotnet, staticFieldStores } from "./index.ts";
import { parseRoot } from "./metadata-root.ts";

const file = new Uint8Array(readFileSync(new URL("./fixtures/settings.exe", import.meta.url)));
const image = openImage(new View(file));
const cli = image.pe?.dataDirectories[14];
const original = parseDotnet(image, { rva: cli?.virtualAddress ?? 0, size: 72 });
if (!original.ok) throw new Error(original.error.code);
const streams = streamsOf(original.value);

function rebuilt(list: readonly PlainStream[]): Dotnet {
  const { space, cliHeader } = withStreams(image, list);
  const result = parseDotnet(space, cliHeader);
  if (!result.ok) throw new Error(result.error.code);
  return result.value;
}

const renamed = (from: string, to: string): PlainStream[] =>
  streams.map((s) => (s.name === from ? { ...s, name: to } : s));
const junk = (name: string): PlainStream => ({ name, bytes: latin1Bytes("junk that is no heap at all") });
const isWhole = (module: Dotnet): boolean =>
  module.moduleName === "settings.exe" &&
  staticFieldStores(module, 2).length === 28 &&
  module.userStrings()[0]?.text.value === "example.com:4782;192.0.2.7:443;";

describe("streams under their own names", () => {
  it("are read from a root laid out anew", () => {
    const module = rebuilt(streams);
    expect(isWhole(module)).toBe(true);
    expect(module.anomalies).toEqual([]);
    expect(isWhole(rebuilt([...streams].reverse()))).toBe(true);
  });

  it("may be uncompressed", () => {
    expect(isWhole(rebuilt(renamed("#~", "#-")))).toBe(true);
  });

  it("may stand beside streams that nobody knows", () => {
    expect(isWhole(rebuilt([junk("#Koi"), ...streams, junk("\x01\xff")]))).toBe(true);
    expect(isWhole(rebuilt([junk(""), ...streams]))).toBe(true);
  });
});

describe("streams that are there twice", () => {
  it("count the last one when tables are compressed", () => {
    const module = rebuilt([junk("#Strings"), junk("#US"), junk("#Blob"), junk("#GUID"), ...streams]);
    expect(isWhole(module)).toBe(true);
    expect(module.anomalies.map((a) => a.code)).toEqual(Array.from({ length: 4 }, () => "duplicate-stream"));
    expect(isWhole(rebuilt([...streams, junk("#Strings")]))).toBe(false);
  });

  it("count the first one, whatever its case, when tables are uncompressed", () => {
    expect(isWhole(rebuilt([...renamed("#~", "#-"), junk("#Strings"), junk("#blob"), junk("#US")]))).toBe(
      true,
    );
    expect(isWhole(rebuilt([junk("#STRINGS"), ...renamed("#~", "#-")]))).toBe(false);
  });

  it("count the first one when a #Schema stream makes the tables uncompressed", () => {
    expect(isWhole(rebuilt([...streams, junk("#Strings"), junk("#Blob"), junk("#Schema")]))).toBe(true);
  });
});

describe("streams that are not as stated", () => {
  it("are found by content when the tables stream has lost its name", () => {
    const module = rebuilt(renamed("#~", "#x"));
    expect(isWhole(module)).toBe(true);
    expect(module.anomalies.map((a) => a.code)).toEqual(["renamed-tables"]);
  });

  it("are clipped to what is there, and overlaps are noted", () => {
    const root = makeRoot(streams);
    const data = new DataView(root.buffer);
    // The first stream header stands behind the 32 bytes of a root with this version string.
    data.setUint32(32 + 4, 0xffffffff, true);
    const anomalies: { code: string }[] = [];
    const parsed = parseRoot(new View(root), anomalies as never[]);
    expect(parsed?.streams[0]?.view.length).toBe(root.length - data.getUint32(32, true));
    expect(anomalies.map((a) => a.code)).toEqual(["stream-clipped", "streams-overlap"]);
  });

  it("keep the tables that come before the one that is cut", () => {
    const tables = streams.find((s) => s.name === "#~") as PlainStream;
    const cut = streams.map((s) => (s === tables ? { ...s, bytes: s.bytes.subarray(0, 700) } : s));
    const module = rebuilt(cut);
    expect(module.typeDefs.map((t) => t.name)).toContain("Settings");
    expect(module.rowCount(0x28)).toBe(0);
    expect(module.anomalies.map((a) => a.code)).toContain("table-clipped");
  });

  it("may hold a table that nobody knows, behind those that are known", () => {
    const module = rebuilt(
      streams.map((s) => {
        if (s.name !== "#~") return s;
        const header = s.bytes.slice(0, 24);
        const count = [...new Uint32Array(header.slice(8, 16).buffer)].reduce(
          (sum, word) => sum + word.toString(2).replaceAll("0", "").length,
          0,
        );
        header[15] = (header[15] as number) | 0x80;
        const rows = s.bytes.subarray(24, 24 + 4 * count);
        const rest = s.bytes.subarray(24 + 4 * count);
        return { ...s, bytes: Uint8Array.from([...header, ...rows, 5, 0, 0, 0, ...rest]) };
      }),
    );
    expect(isWhole(module)).toBe(true);
    expect(module.anomalies.map((a) => a.code)).toEqual(["unknown-table"]);
  });
});

describe("pointer tables", () => {
  const module = rebuilt(
    streams.map((s) => (s.name === "#~" ? { name: "#-", bytes: withPointerTables(s.bytes) } : s)),
  );

  it("say which members a type's range means", () => {
    // Listed in reverse: what was field 4 to 31 of the list is now row 44 down to 17.
    const settings = module.typeDefs.findIndex((t) => t.name === "Settings") + 1;
    expect(fieldsOf(module, settings).map((f) => f.rid)).toEqual(
      Array.from({ length: 28 }, (_, i) => 17 + i),
    );
    expect(module.methods[12]?.typeRid).toBe(settings);
    expect(module.nameOf(0x0600000d)).toBe("Fixture.Settings::Main");
  });

  it("and extra data behind the row counts do not move what follows", () => {
    expect(module.rowCount(3)).toBe(47);
    expect(module.moduleName).toBe("settings.exe");
    expect(module.assemblyName).toBe("settings");
    expect(module.resources()[0]?.data?.length).toBe(17);
  });
});
