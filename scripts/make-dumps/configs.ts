/** What the harmless programs decrypt: configs in the forms that families leave in memory, of hosts that do not exist. */
import { remcosBlob } from "../../packages/carriers/src/remcos.ts";
import { utf16leBytes } from "../../packages/core/src/bytes/index.ts";
import { rc4 } from "../../packages/core/src/codecs/index.ts";

/** Vidar's strings, one heap block each, as its start-up routine decrypts them. */
const VIDAR = [
  "MachineID: ",
  "Work Dir: In memory",
  "[Hardware]",
  "[Software]",
  "build_id",
  "file_data",
  "wallet.dat",
  "http://203.0.113.44:80",
  "https://steamcommunity.com/profiles/76561199000000001",
  "7f9a3c51e8b24d60a1c2d3e4f5061728",
  "13.2",
];

/** Settings of a Quasar client 1.3, in the order of Settings.Initialize. */
const QUASAR = [
  "Office04",
  "1.3.0.0",
  "c2.quasar.example:4782;203.0.113.9:1604;",
  "SubDir",
  "Client.exe",
  "QSR_MUTEX_M6ajmD3hhoJo7CTsvN",
  "Quasar Client Startup",
  "Logs",
];

export function managedSettings(): readonly string[] {
  return QUASAR;
}

/** The file that harmless.c reads. */
export function nativeConfigs(): Uint8Array {
  const blob = remcosBlob({
    layout: "R3",
    c2s: [
      { host: "first.example", port: 2404, tls: true },
      { host: "198.51.100.7", port: 443, tls: false },
    ],
  });
  const start = 1 + (blob[0] as number);
  const remcos = rc4(blob.subarray(1, start), blob.subarray(start));
  const records = [
    record("b", remcos),
    ...VIDAR.map((text) => record("s", Buffer.from(text))),
    ...QUASAR.map((text) => record("s", clrString(text))),
  ];
  return Buffer.concat(records);
}

/** A string object of the CLR's: type, length in characters, UTF-16, a terminator. */
function clrString(text: string): Uint8Array {
  const head = Buffer.alloc(12);
  head.writeUInt32LE(0x5e3a1c48, 0);
  head.writeUInt32LE(0x7ffb, 4);
  head.writeUInt32LE(text.length, 8);
  return Buffer.concat([head, utf16leBytes(text)]);
}

function record(kind: "b" | "s", plain: Uint8Array): Uint8Array {
  const out = Buffer.alloc(5 + plain.length);
  out.write(kind, 0, "latin1");
  out.writeUInt32LE(plain.length, 1);
  plain.forEach((byte, i) => {
    out[5 + i] = byte ^ ((0xa7 + 13 * i) & 0xff);
  });
  return out;
}
