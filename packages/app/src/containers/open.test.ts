import { readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { gunzipSync, gzipSync } from "node:zlib";
import { concatBytes, latin1, latin1Bytes, View } from "@assay/core/bytes/index";
import { classify } from "@assay/core/formats/index";
import { containerKind } from "@assay/core/layers/container-kind";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ContainerResult, openContainer } from "./open.ts";

const fixture = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`./fixtures/${name}`, import.meta.url)));

interface Overrides {
  readonly name?: string;
  readonly passwords?: readonly string[];
  readonly bytes?: number;
  readonly members?: number;
}

function open(bytes: Uint8Array, options: Overrides = {}): Promise<ContainerResult> {
  return openContainer({
    bytes,
    format: classify(new View(bytes)),
    passwords: options.passwords ?? [],
    limits: { bytes: options.bytes ?? 16 * 1024 * 1024, members: options.members ?? 2000 },
    ...(options.name === undefined ? {} : { name: options.name }),
  });
}
const names = (result: ContainerResult): string[] => result.members.map(({ name }) => name);
const codes = (result: ContainerResult): string[] => result.reasons.map(({ code }) => code);
const text = (result: ContainerResult, name: string): string => {
  const member = result.members.find((each) => each.name === name);
  return member === undefined ? "" : latin1(member.bytes);
};

const A = "first member of a container\n";
const B = `${Array.from({ length: 400 }, (_, i) => i + 1).join("\n")}\n`;
const C = "in a folder\n";

describe("containers made by the formats' own tools", () => {
  it.each([
    ["7z-plain.7z", ["a.txt", "b.txt", "d/c.txt"]],
    ["7z-headers.7z", ["a.txt", "b.txt", "d/c.txt"]],
    ["7z-encrypted.7z", ["a.txt", "b.txt"]],
    ["zip-plain.zip", ["a.txt", "b.txt", "d/c.txt"]],
    ["zip-prepended.zip", ["a.txt", "b.txt", "d/c.txt"]],
    ["zip-zipcrypto.zip", ["a.txt", "b.txt"]],
    ["zip-aes.zip", ["a.txt", "b.txt"]],
    ["zip-deflate64.zip", ["b.txt"]],
    ["zip-lzma.zip", ["b.txt"]],
    ["zip-bzip2.zip", ["b.txt"]],
    ["zip-ppmd.zip", ["b.txt"]],
    ["cab.cab", ["a.txt", "b.txt"]],
    ["arj.arj", ["a.txt", "b.txt"]],
    ["wim.wim", ["a.txt", "d/c.txt"]],
    ["tar-links.tar", ["a.txt", "d/c.txt"]],
    ["rar4.rar", ["a.txt", "b.txt", "d/c.txt"]],
    ["rar4-headers.rar", ["a.txt", "b.txt", "d/c.txt"]],
    ["rar5.rar", ["a.txt", "b.txt", "d/c.txt"]],
    ["rar5-encrypted.rar", ["a.txt", "b.txt"]],
    ["rar5-headers.rar", ["a.txt", "b.txt", "d/c.txt"]],
    ["squashfs.squashfs", ["a.txt", "b.txt", "d/c.txt"]],
    ["cramfs.cramfs", ["a.txt", "b.txt", "d/c.txt"]],
    ["fat.img.gz", ["a.txt", "b.txt", "d/c.txt"]],
    ["ext4.img.gz", ["a.txt", "b.txt", "d/c.txt"]],
    ["udf.img.gz", ["a.txt", "b.txt", "d/c.txt"]],
    ["vhd.vhd.gz", ["a.txt", "b.txt", "d/c.txt"]],
    ["vhd-fixed.vhd.gz", ["a.txt", "b.txt", "d/c.txt"]],
  ])("%s gives its members, bytes and names", async (file, members) => {
    const bytes = /\.(img|vhd)\.gz$/.test(file) ? new Uint8Array(gunzipSync(fixture(file))) : fixture(file);
    expect(containerKind(new View(bytes), classify(new View(bytes)))).toBeDefined();
    const result = await open(bytes);
    expect(names(result).sort()).toEqual(members);
    const expected: Record<string, string> = { "a.txt": A, "b.txt": B, "d/c.txt": C };
    for (const name of members) expect(text(result, name)).toBe(expected[name]);
  });

  it.each(["gz", "bz2", "xz", "zst"])("tar.tar.%s gives the tar, which gives its files", async (ending) => {
    const outer = await open(fixture(`tar.tar.${ending}`), { name: `folder/tar.tar.${ending}` });
    expect(names(outer)).toEqual(["tar.tar"]);
    expect(text(await open(outer.members[0]?.bytes ?? new Uint8Array()), "d/c.txt")).toBe(C);
  });

  it("an iso, an msi, and zips written to a pipe give their files", async () => {
    expect(text(await open(new Uint8Array(gunzipSync(fixture("iso.iso.gz")))), "a.txt")).toBe(A);
    expect(text(await open(fixture("msi.msi")), "payload.txt")).toBe(B);
    expect(text(await open(fixture("zip-stream.zip")), "-")).toBe(B);
    expect(text(await open(fixture("zip64.zip")), "-")).toBe(B);
  });
});

describe("passwords", () => {
  it("that work are in the step", async () => {
    const { members } = await open(fixture("7z-headers.7z"));
    expect(members[0]?.step).toEqual({ op: "7z", params: { member: "a.txt", password: "infected" } });
    expect((await open(fixture("7z-plain.7z"))).members[0]?.step.params).toEqual({ member: "a.txt" });
  });

  it("that were tried in vain are in the reason", async () => {
    const result = await open(fixture("7z-unknown.7z"), { passwords: ["one", "two"] });
    expect(result.members).toEqual([]);
    expect(codes(result)).toEqual(["encrypted"]);
    expect(result.reasons[0]?.text).toMatch(/a\.txt.*2 passwords.*one, two/);
    expect(codes(await open(fixture("7z-headers.7z"), { passwords: ["one", "two"] }))).toEqual(["encrypted"]);
    expect(codes(await open(fixture("zip-aes.zip"), { passwords: ["one"] }))).toEqual(["encrypted"]);
  });

  it("are tried one after the other", async () => {
    for (const file of ["7z-headers.7z", "7z-encrypted.7z", "zip-aes.zip", "zip-zipcrypto.zip"])
      expect(text(await open(fixture(file), { passwords: ["one", "two", "infected"] }), "b.txt")).toBe(B);
    expect(
      text(await open(fixture("7z-unknown.7z"), { passwords: ["x", "nobody-guesses-this"] }), "a.txt"),
    ).toBe(A);
  });

  it("that are right are told from damage", async () => {
    const bytes = fixture("7z-headers.7z").slice();
    bytes[60] = (bytes[60] as number) ^ 0xff;
    const result = await open(bytes, { passwords: ["infected"] });
    expect(codes(result)).toContain("damaged");
    expect(codes(result)).not.toContain("encrypted");
  });
});

/** A zip of stored members, as the format's description has it; CRCs are left zero unless they matter. */
function storedZip(members: readonly (readonly [name: string, data: Uint8Array])[]): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const [name, data] of members) {
    const fields = new DataView(new ArrayBuffer(26));
    fields.setUint16(0, 20, true);
    fields.setUint32(10, crc32(data), true);
    fields.setUint32(14, data.length, true);
    fields.setUint32(18, data.length, true);
    fields.setUint16(22, name.length, true);
    const common = new Uint8Array(fields.buffer);
    const tail = new DataView(new ArrayBuffer(14));
    tail.setUint32(10, at, true);
    const local = [latin1Bytes("PK\x03\x04"), common, latin1Bytes(name), data];
    directory.push(latin1Bytes("PK\x01\x02\x14\0"), common, new Uint8Array(tail.buffer), latin1Bytes(name));
    parts.push(...local);
    at += local.reduce((sum, part) => sum + part.length, 0);
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x0605_4b50, true);
  end.setUint16(8, Math.min(members.length, 0xffff), true);
  end.setUint16(10, Math.min(members.length, 0xffff), true);
  end.setUint32(12, size, true);
  end.setUint32(16, at, true);
  return Buffer.concat([...parts, ...directory, new Uint8Array(end.buffer)]);
}

/** The checksum that gzip keeps in its trailer. */
function crc32(data: Uint8Array): number {
  const packed = gzipSync(data, { level: 1 });
  return packed.readUInt32LE(packed.length - 8);
}

describe("traps", () => {
  it("names that climb, start at the root or name devices stay names, and write nothing", async () => {
    const hostile = [
      "../../../../tmp/assay-escaped",
      "/tmp/assay-escaped",
      "C:\\assay",
      "con",
      "a\nb",
      "-x",
      "@l",
      "*",
      "dup",
      "dup",
    ];
    const before = readdirSync(tmpdir());
    const result = await open(storedZip(hostile.map((name) => [name, latin1Bytes(`data of ${name}`)])));
    expect(names(result)).toEqual(hostile.map((name) => name.replace("\n", "_")));
    expect(result.members.map(({ bytes }) => latin1(bytes))).toEqual(
      hostile.map((name) => `data of ${name}`),
    );
    expect(
      readdirSync(tmpdir()).filter((name) => !before.includes(name) && name.includes("assay-escaped")),
    ).toEqual([]);
  });

  it("links are not followed", async () => {
    const result = await open(fixture("tar-links.tar"));
    expect(names(result)).not.toContain("link");
    expect(result.reasons).toEqual([
      { code: "links-ignored", text: "links and devices are not followed: link" },
    ]);
  });

  it("2 GiB of zeros in a 7z are not unpacked", async () => {
    const before = process.memoryUsage().arrayBuffers;
    const begin = performance.now();
    const result = await open(fixture("bomb.7z"), { bytes: 62_000_000 });
    expect(codes(result)).toEqual(["over-budget"]);
    expect(result.members).toEqual([]);
    expect(performance.now() - begin).toBeLessThan(5000);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(300_000_000);
  });

  it("a dictionary of 1 GiB is not allocated", async () => {
    const bytes = fixture("7z-lzma.7z");
    const view = new DataView(bytes.buffer);
    const header = 32 + Number(view.getBigUint64(12, true));
    // Coder with properties: LZMA, five bytes, of which four are the dictionary's size.
    const coder = Buffer.from(bytes).indexOf(Buffer.from("23030101055d", "hex"), header);
    view.setUint32(coder + 6, 2 ** 30, true);
    view.setUint32(28, crc32(bytes.subarray(header)), true);
    view.setUint32(8, crc32(bytes.subarray(12, 32)), true);
    expect(codes(await open(bytes))).toEqual(["needs-memory"]);
    expect(text(await open(fixture("7z-lzma.7z")), "b.txt")).toBe(B);
  });

  it("a stream that lies about its size is cut at the budget", async () => {
    const packed = new Uint8Array(gzipSync(new Uint8Array(30_000_000)));
    packed.set([1, 0, 0, 0], packed.length - 4);
    const result = await open(packed, { bytes: 1_000_000, name: "a.gz" });
    expect(result.members[0]?.bytes.length).toBe(1_000_000);
    expect(result.members[0]?.step.params).toMatchObject({ member: "a", "cut-at": 1_000_000 });
    expect(codes(result)).toContain("cut");
  });

  it("a program inflated beyond the budget gives its beginning, other files of that size nothing", async () => {
    const pumped = concatBytes(latin1Bytes("MZ program"), new Uint8Array(3_000_000));
    const zip = storedZip([
      ["a.exe", pumped],
      ["b.bin", new Uint8Array(3_000_000)],
      ["c.txt", latin1Bytes(C)],
    ]);
    const result = await open(zip, { bytes: 1_000_000 });
    expect(names(result).sort()).toEqual(["a.exe", "c.txt"]);
    expect(result.members.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBe(1_000_000);
    expect(codes(result)).toEqual(["cut", "over-budget"]);
  });

  it("of very many members the first are taken", async () => {
    const many = Array.from({ length: 20_000 }, (_, i) => [`f${i}`, latin1Bytes("x")] as const);
    const result = await open(storedZip(many), { members: 100 });
    expect(names(result)).toEqual(many.slice(0, 100).map(([name]) => name));
    expect(codes(result)).toEqual(["too-many-members"]);
  });

  it("zips in zips give one level a call: depth is the caller's to bound", async () => {
    const inner = storedZip([["0.zip", storedZip([["1.zip", storedZip([["2.txt", latin1Bytes(C)]])]])]]);
    expect(names(await open(inner))).toEqual(["0.zip"]);
  });

  it("a wrong CRC is said, and the bytes are kept", async () => {
    const zip = storedZip([
      ["a.txt", latin1Bytes(A)],
      ["c.txt", latin1Bytes(C)],
    ]);
    zip[35] = 0x21;
    const result = await open(zip);
    expect(names(result)).toEqual(["a.txt", "c.txt"]);
    expect(result.members[0]?.step.params).toMatchObject({ damage: "CRC Failed" });
    expect(codes(result)).toEqual(["damaged"]);
  });

  it("a zip without its directory is read by the members' own headers", async () => {
    for (const file of ["zip-plain.zip", "zip-zipcrypto.zip", "zip-stream.zip"]) {
      const bytes = fixture(file);
      const directory = latin1(bytes).indexOf("PK\x01\x02");
      const result = await open(bytes.subarray(0, directory));
      expect(result.members.some(({ bytes: data }) => latin1(data) === B)).toBe(true);
      expect(codes(result)[0]).toBe("damaged");
    }
  });

  it("one volume of a set is not taken for the whole", async () => {
    const result = await open(fixture("rar5-volume.part1.rar"));
    expect(names(result)).toEqual(["b.txt"]);
    expect(B.startsWith(text(result, "b.txt"))).toBe(true);
    expect(result.reasons[0]).toMatchObject({
      code: "damaged",
      text: expect.stringContaining("volume of a set"),
    });
  });

  it("truncated archives give a reason", async () => {
    for (const file of ["7z-plain.7z", "cab.cab", "wim.wim", "tar.tar.xz"]) {
      const bytes = fixture(file);
      expect((await open(bytes.subarray(0, bytes.length >> 1))).reasons.length).toBeGreaterThan(0);
    }
  });

  it("what is no archive gives nothing but a reason", async () => {
    const result = await open(latin1Bytes("just text"));
    expect(result).toMatchObject({ members: [], reasons: [{ code: "damaged" }] });
  });
});

describe("containers under corruption", () => {
  const files = [
    "7z-plain.7z",
    "zip-plain.zip",
    "cab.cab",
    "tar.tar.gz",
    "arj.arj",
    "wim.wim",
    "msi.msi",
  ].map(fixture);
  it("never throw and never exceed their limits", async () => {
    const exitCode = process.exitCode;
    await fc.assert(
      fc.asyncProperty(
        fc.nat(files.length - 1),
        fc.array(fc.tuple(fc.nat(10_000), fc.nat(255)), { minLength: 1, maxLength: 10 }),
        async (which, edits) => {
          const bytes = (files[which] as Uint8Array).slice();
          for (const [at, value] of edits) bytes[at % bytes.length] = value;
          const result = await open(bytes, { bytes: 100_000, members: 10, passwords: ["infected"] });
          expect(result.members.reduce((sum, member) => sum + member.bytes.length, 0)).toBeLessThanOrEqual(
            100_000,
          );
          expect(result.members.length).toBeLessThanOrEqual(10);
        },
      ),
      { numRuns: Number(process.env.ASSAY_FUZZ ?? 40), seed: 5 },
    );
    expect(process.exitCode).toBe(exitCode);
  }, 600_000);
});
