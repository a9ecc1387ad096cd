/**
 * Harmless .NET programs that hold any bytes as loaders do: in resources, fields and strings, compressed and
 * encrypted, with the key where such code keeps it. Their Main returns at once.
 */
import { createCipheriv, createHash, pbkdf2Sync } from "node:crypto";
import { deflateRawSync, gzipSync } from "node:zlib";
import { bmp, drawColumns, png } from "./bitmap-writer.ts";
import { ByteWriter } from "./dotnet/bytes.ts";
import { type AssemblySpec, buildAssembly, byteArray, type Cil, type TypeSpec } from "./dotnet-writer.ts";

const CRYPTO = "[mscorlib]System.Security.Cryptography";
const KEY32 = createHash("sha256").update("carrier key").digest();
const IV16 = createHash("md5").update("carrier iv").digest();
const PASSWORD = "Tr4ns!tPassw0rd";
const SALT = Uint8Array.of(73, 118, 97, 110, 32, 77, 101, 100, 118, 101, 100, 101, 118);

type Plan = (payload: Uint8Array) => Omit<AssemblySpec, "name">;

/** Each way to hold a payload. */
export const LOADER_WAYS = {
  "raw resource": (payload) => ({ types: [], resources: [{ name: "app.bin", data: payload }] }),
  "resource set, byte array": (payload) => set("bytes", payload),
  "resource set, stream": (payload) => set("stream", payload),
  "resource set, object": (payload) => set("object", payload),
  "resource set, base64 text": (payload) => set("text", text(base64(payload))),
  "gzip resource": (payload) => ({ types: [], resources: [{ name: "a.gz", data: gzipSync(payload) }] }),
  "gzip behind its length": (payload) => ({
    types: [],
    resources: [{ name: "b", data: new ByteWriter().u32(payload.length).bytes(gzipSync(payload)).toBytes() }],
  }),
  costura: (payload) => ({
    types: [],
    resources: [{ name: "costura.inner.dll.compressed", data: deflateRawSync(payload) }],
  }),
  "reversed resource": (payload) => ({
    types: [],
    resources: [{ name: "r", data: Uint8Array.from(payload).reverse() }],
  }),
  "field data": (payload) => field(payload, []),
  base64: (payload) => strings([base64(payload)]),
  "base64 of gzip": (payload) => strings([base64(gzipSync(payload))]),
  "base64, reversed": (payload) => strings([[...base64(payload)].reverse().join("")]),
  "base64, A replaced": (payload) => strings([base64(payload).replaceAll("A", "#")]),
  "base64, a word put in": (payload) => ({
    types: [
      loader([
        ["ldstr", base64(payload).replaceAll("C", "_x!x_")],
        ["ldstr", "_x!x_"],
        ["ldstr", "C"],
        ["callvirt", "instance string [mscorlib]System.String::Replace(string,string)"],
        ["call", "uint8[] [mscorlib]System.Convert::FromBase64String(string)"],
        ["pop"],
      ]),
    ],
  }),
  "base64, joined of three": (payload) => {
    const whole = base64(payload);
    const third = Math.floor(whole.length / 3) - 1;
    return {
      types: [
        loader([
          ["ldstr", whole.slice(0, third)],
          ["ldstr", whole.slice(third, 2 * third)],
          ["ldstr", whole.slice(2 * third)],
          ["call", "string [mscorlib]System.String::Concat(string,string,string)"],
          ["call", "uint8[] [mscorlib]System.Convert::FromBase64String(string)"],
          ["pop"],
        ]),
      ],
    };
  },
  hex: (payload) => strings([Buffer.from(payload).toString("hex").toUpperCase()]),
  "decimal text": (payload) => strings([payload.join(",")]),
  "AES-CBC, key and IV in .cctor": (payload) => ({
    arrays: { key: KEY32, iv: IV16 },
    resources: [{ name: "x", data: seal("aes-256-cbc", KEY32, IV16, payload) }],
    types: [
      {
        name: "Settings",
        fields: [
          { name: "Key", type: "uint8[]" },
          { name: "Iv", type: "uint8[]" },
        ],
        methods: [
          {
            name: ".cctor",
            code: [
              ...byteArray("key", 32),
              ["stsfld", "Settings::Key"],
              ...byteArray("iv", 16),
              ["stsfld", "Settings::Iv"],
              ["ret"],
            ],
          },
        ],
      },
      loader(cipher("RijndaelManaged", [["ldsfld", "Settings::Key"]], [["ldsfld", "Settings::Iv"]])),
    ],
  }),
  "AES-CBC, texts in locals": (payload) => ({
    resources: [
      {
        name: "x",
        data: seal("aes-128-cbc", Buffer.from("0123456789abcdef"), Buffer.from("fedcba9876543210"), payload),
      },
    ],
    types: [loader(cipher("AesManaged", utf8("0123456789abcdef"), utf8("fedcba9876543210")))],
  }),
  "AES-CBC of gzip, base64 key": (payload) => ({
    userStrings: [base64(seal("aes-256-cbc", KEY32, IV16, gzipSync(payload)))],
    types: [loader(cipher("AesCryptoServiceProvider", fromBase64(KEY32), fromBase64(IV16)))],
  }),
  "AES-CBC of base64 text": (payload) => ({
    resources: [{ name: "x", data: seal("aes-256-cbc", KEY32, IV16, text(base64(payload))) }],
    types: [loader(cipher("AesManaged", fromBase64(KEY32), fromBase64(IV16)))],
  }),
  "AES-CBC of deflate, IV in front": (payload) => ({
    resources: [
      { name: "x", data: Buffer.concat([IV16, seal("aes-256-cbc", KEY32, IV16, deflateRawSync(payload))]) },
    ],
    types: [
      loader([
        ...cipher("AesManaged", fromBase64(KEY32), [["ldnull"]]),
        ["ldnull"],
        ["ldc.i4", 0],
        [
          "newobj",
          "instance void [System]System.IO.Compression.DeflateStream::.ctor(class [mscorlib]System.IO.Stream,int32)",
        ],
        ["pop"],
      ]),
    ],
  }),
  "AES-ECB, MD5 of a text twice": (payload) => {
    const digest = createHash("md5").update(PASSWORD).digest();
    const key = Buffer.concat([digest.subarray(0, 15), digest, Buffer.alloc(1)]);
    return {
      resources: [{ name: "x", data: seal("aes-256-ecb", key, null, payload) }],
      types: [loader([...cipher("RijndaelManaged", utf8(PASSWORD), [["ldnull"]]), ...mode(2)])],
    };
  },
  "AES-CFB, SHA-256 of a text": (payload) => {
    const key = createHash("sha256").update(PASSWORD).digest();
    return {
      resources: [{ name: "x", data: seal("aes-256-cfb", key, IV16, payload) }],
      types: [loader([...cipher("RijndaelManaged", utf8(PASSWORD), fromBase64(IV16)), ...mode(4)])],
    };
  },
  "AES-CBC, PBKDF2": (payload) => {
    const stream = pbkdf2Sync(PASSWORD, SALT, 1000, 48, "sha1");
    return {
      arrays: { salt: SALT },
      resources: [
        { name: "x", data: seal("aes-256-cbc", stream.subarray(0, 32), stream.subarray(32), payload) },
      ],
      types: [
        loader([
          ["ldstr", PASSWORD],
          ...byteArray("salt", SALT.length),
          ["newobj", `instance void ${CRYPTO}.Rfc2898DeriveBytes::.ctor(string,uint8[])`],
          ["pop"],
          ...cipher("RijndaelManaged", [["ldnull"]], [["ldnull"]]),
        ]),
      ],
    };
  },
  "3DES-ECB, MD5 of a text": (payload) => {
    const digest = createHash("md5").update(PASSWORD).digest();
    return {
      resources: [{ name: "x", data: seal("des-ede", digest, null, payload) }],
      types: [
        loader([...cipher("TripleDESCryptoServiceProvider", utf8(PASSWORD), [["ldnull"]]), ...mode(2)]),
      ],
    };
  },
  "DES-CBC": (payload) => {
    const key = Buffer.from("8bytekey");
    return {
      resources: [{ name: "x", data: seal("des-ede-cbc", Buffer.concat([key, key]), key, payload) }],
      types: [loader(cipher("DESCryptoServiceProvider", utf8("8bytekey"), utf8("8bytekey")))],
    };
  },
  RC4: (payload) => ({
    resources: [{ name: "x", data: rc4(Buffer.from(PASSWORD), payload) }],
    types: [loader(utf8(PASSWORD).concat([["pop"]]))],
  }),
  "XOR with a text": (payload) =>
    field(
      payload.map((byte, i) => byte ^ PASSWORD.charCodeAt(i % PASSWORD.length)),
      [...utf8(PASSWORD), ["pop"]],
    ),
  "XOR with a byte": (payload) =>
    field(
      payload.map((byte) => byte ^ 0x5a),
      [["ldnull"], ["ldc.i4", 0], ["ldelem.u1"], ["ldc.i4", 0x5a], ["xor"], ["conv.u1"], ["pop"]],
    ),
  "XOR, minus the next byte": (payload) => ({
    resources: [{ name: "x", data: xorMinusNext(Buffer.from(PASSWORD), payload) }],
    types: [loader([...utf8(PASSWORD), ["pop"]])],
  }),
  "pixels of a BMP, columns, RGB": (payload) => picture(bmp(drawColumns(payload, "rgb")), []),
  "pixels of a PNG, columns, ARGB behind the length": (payload) =>
    picture(png(drawColumns(new ByteWriter().u32(payload.length).bytes(payload).toBytes(), "bgra")), []),
  "pixels of a PNG, encrypted": (payload) =>
    picture(png(drawColumns(xorMinusNext(Buffer.from(PASSWORD), payload), "rgb")), [
      ...utf8(PASSWORD),
      ["pop"],
    ]),
} as const satisfies Readonly<Record<string, Plan>>;

export type LoaderWay = keyof typeof LOADER_WAYS;

/** A loader assembly that holds `payload` in the given way. */
export function dotnetLoader(way: LoaderWay, payload: Uint8Array): Uint8Array {
  return buildAssembly({ name: "Loader", ...(LOADER_WAYS[way] as Plan)(payload) });
}

function set(kind: ResourceKind, data: Uint8Array): Omit<AssemblySpec, "name"> {
  const filler = { name: "title", kind: "text", data: text("a title") } as const;
  return {
    types: [],
    resources: [
      { name: "Loader.Resources.resources", data: resourceSet([filler, { name: "data", kind, data }]) },
    ],
  };
}

function picture(data: Uint8Array, code: readonly Cil[]): Omit<AssemblySpec, "name"> {
  const pixel: Cil[] = [
    ["ldnull"],
    ["ldc.i4", 0],
    ["ldc.i4", 0],
    [
      "callvirt",
      "instance valuetype [System.Drawing]System.Drawing.Color [System.Drawing]System.Drawing.Bitmap::GetPixel(int32,int32)",
    ],
    ["pop"],
  ];
  return { ...set("object", data), types: [loader([...pixel, ...code])] };
}

function field(data: Uint8Array, code: readonly Cil[]): Omit<AssemblySpec, "name"> {
  return {
    arrays: { payload: data },
    types: [loader([...byteArray("payload", data.length), ["pop"], ...code])],
  };
}

function strings(texts: readonly string[]): Omit<AssemblySpec, "name"> {
  return { types: [loader(texts.flatMap((value): Cil[] => [["ldstr", value], ["pop"]]))] };
}

function loader(code: readonly Cil[]): TypeSpec {
  return { name: "Loader", methods: [{ name: "Load", code: [...code, ["ret"]] }] };
}

/** `new <type> { Key = …, IV = … }`. */
function cipher(type: string, key: readonly Cil[], iv: readonly Cil[]): Cil[] {
  return [
    ["newobj", `instance void ${CRYPTO}.${type}::.ctor()`],
    ["dup"],
    ...key,
    ["callvirt", `instance void ${CRYPTO}.SymmetricAlgorithm::set_Key(uint8[])`],
    ["dup"],
    ...iv,
    ["callvirt", `instance void ${CRYPTO}.SymmetricAlgorithm::set_IV(uint8[])`],
    ["pop"],
  ];
}

function mode(value: number): Cil[] {
  return [
    ["ldnull"],
    ["ldc.i4", value],
    ["callvirt", `instance void ${CRYPTO}.SymmetricAlgorithm::set_Mode(valuetype ${CRYPTO}.CipherMode)`],
  ];
}

function utf8(value: string): Cil[] {
  return [
    ["call", "class [mscorlib]System.Text.Encoding [mscorlib]System.Text.Encoding::get_UTF8()"],
    ["ldstr", value],
    ["callvirt", "instance uint8[] [mscorlib]System.Text.Encoding::GetBytes(string)"],
  ];
}

function fromBase64(bytes: Uint8Array): Cil[] {
  return [
    ["ldstr", base64(bytes)],
    ["call", "uint8[] [mscorlib]System.Convert::FromBase64String(string)"],
  ];
}

function seal(name: string, key: Uint8Array, iv: Uint8Array | null, data: Uint8Array): Uint8Array {
  const sealing = createCipheriv(name, key, iv);
  return Buffer.concat([sealing.update(data), sealing.final()]);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function text(value: string): Uint8Array {
  return Buffer.from(value);
}

function rc4(key: Uint8Array, data: Uint8Array): Uint8Array {
  const state = Uint8Array.from({ length: 256 }, (_, i) => i);
  const swap = (a: number, b: number) => {
    [state[a], state[b]] = [state[b] as number, state[a] as number];
  };
  for (let i = 0, j = 0; i < 256; i++) {
    j = (j + (state[i] as number) + (key[i % key.length] as number)) & 255;
    swap(i, j);
  }
  let [i, j] = [0, 0];
  return data.map((byte) => {
    i = (i + 1) & 255;
    j = (j + (state[i] as number)) & 255;
    swap(i, j);
    return byte ^ (state[((state[i] as number) + (state[j] as number)) & 255] as number);
  });
}

/** What a loader undoes with `(data[i] ^ key[i % key.Length]) - data[i + 1]`. */
function xorMinusNext(key: Uint8Array, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(data.length + 1);
  out[data.length] = 0x77;
  for (let i = data.length - 1; i >= 0; i--)
    out[i] = (((data[i] as number) + (out[i + 1] as number)) & 255) ^ (key[i % key.length] as number);
  return out;
}

type ResourceKind = "text" | "bytes" | "stream" | "object";

export interface ResourceSpec {
  readonly name: string;
  readonly kind: ResourceKind;
  readonly data: Uint8Array;
}

const TYPE_CODES = { text: 1, bytes: 0x20, stream: 0x21, object: 0x40 } as const;

/** A `.resources` file as ResourceWriter writes it (version 2); `object` is a serialized object around a byte array. */
export function resourceSet(entries: readonly ResourceSpec[]): Uint8Array {
  const types = ["System.Drawing.Bitmap, System.Drawing, Version=4.0.0.0, Culture=neutral"];
  const names = new ByteWriter();
  const data = new ByteWriter();
  const positions: number[] = [];
  for (const entry of entries) {
    positions.push(names.length);
    const name = Buffer.from(entry.name, "utf16le");
    length7(names, name.length).bytes(name).u32(data.length);
    data.u8(TYPE_CODES[entry.kind]);
    if (entry.kind === "text") length7(data, entry.data.length).bytes(entry.data);
    else if (entry.kind === "object") data.bytes(serialized(entry.data));
    else data.u32(entry.data.length).bytes(entry.data);
  }
  const header = new ByteWriter();
  for (const name of [
    "System.Resources.ResourceReader, mscorlib, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089",
    "System.Resources.RuntimeResourceSet",
  ])
    length7(header, name.length).ascii(name);
  const out = new ByteWriter().u32(0xbeefcace).u32(1).u32(header.length).bytes(header.toBytes());
  out.u32(2).u32(entries.length).u32(types.length);
  for (const type of types) length7(out, type.length).ascii(type);
  for (let i = 0; out.length % 8 !== 0; i++) out.ascii("PAD".charAt(i % 3));
  for (const entry of entries) out.u32(hashOf(entry.name));
  for (const position of positions) out.u32(position);
  out.u32(out.length + 4 + names.length);
  return out.bytes(names.toBytes()).bytes(data.toBytes()).toBytes();
}

/** The hash by which ResourceReader finds a name. */
function hashOf(name: string): number {
  let hash = 5381;
  for (let i = 0; i < name.length; i++) hash = (Math.imul(hash, 33) ^ name.charCodeAt(i)) >>> 0;
  return hash;
}

/** A Bitmap as BinaryFormatter writes it ([MS-NRBF]): library, class with one member `Data`, byte array, end. */
function serialized(data: Uint8Array): Uint8Array {
  const out = new ByteWriter().u8(0).u32(1).u32(0xffffffff).u32(1).u32(0);
  const library = "System.Drawing, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b03f5f7f11d50a3a";
  length7(out.u8(12).u32(2), library.length).ascii(library);
  length7(out.u8(5).u32(1), 21).ascii("System.Drawing.Bitmap").u32(1);
  length7(out, 4).ascii("Data").u8(7).u8(2).u32(2);
  return out.u8(9).u32(3).u8(15).u32(3).u32(data.length).u8(2).bytes(data).u8(11).toBytes();
}

/** BinaryWriter's length in 7-bit groups. */
function length7(out: ByteWriter, length: number): ByteWriter {
  let rest = length;
  for (; rest >= 0x80; rest >>>= 7) out.u8((rest & 0x7f) | 0x80);
  return out.u8(rest);
}
