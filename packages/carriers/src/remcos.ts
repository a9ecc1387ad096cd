/** Carriers of win.remcos: RCDATA/SETTINGS as the builder writes it, in a program that returns at once. */
import { concatBytes, latin1Bytes, utf16leBytes } from "@assay/core/bytes/index";
import { decodeBase64, rc4 } from "@assay/core/codecs/index";
import type { Carrier } from "./carrier.ts";
import { buildPe, type PeOptions } from "./pe-writer.ts";

export interface RemcosC2 {
  readonly host: string;
  readonly port: number;
  /** `0` or `1` as the third part. */
  readonly tls?: boolean;
  /** The third part of older builds. */
  readonly password?: string;
}

export type FieldContent = string | Uint8Array;

export interface RemcosOptions {
  /** R1: `@@` (1.7 Pro). R2: 1E (2.x). R3: 7C 1E 1E 1F 7C (4.9.3 Pro). */
  readonly layout: "R1" | "R2" | "R3";
  readonly c2s: readonly RemcosC2[];
  /** By default `|` in R1 and R2, 1E in R3; behind the last entry, too. */
  readonly c2Separator?: FieldContent;
  /** By index, over those of a default build of the layout. Text is written one byte a character; see `wide`. */
  readonly fields?: Readonly<Record<number, FieldContent>>;
  /** By default RCDATA (10) / SETTINGS. */
  readonly resourceType?: number | string;
  readonly resourceName?: number | string;
  readonly keyLength?: number;
  readonly version?: string;
  readonly timeDateStamp?: number;
}

/** The text of a later build's field: UTF-16LE, without an end mark. */
export const wide = utf16leBytes;

const SEPARATOR: Readonly<Record<RemcosOptions["layout"], string>> = {
  R1: "@@",
  R2: "\x1e",
  R3: "|\x1e\x1e\x1f|",
};

const ON = "\x01";
const OFF = "\0";

/** 1.7 Pro: 51 fields, the last one empty, all text in one-byte characters. */
const FIELDS_1_7: Readonly<Record<number, FieldContent>> = {
  1: "Host",
  2: "5",
  3: ON,
  4: ON,
  5: OFF,
  6: OFF,
  7: "100000",
  8: OFF,
  9: "6",
  10: "remcos.exe",
  11: "remcos",
  12: OFF,
  13: "0",
  14: "remcos_kqzwtbnxhf",
  15: "1",
  16: "6",
  17: "logs.dat",
  18: OFF,
  19: OFF,
  20: OFF,
  21: "10",
  22: OFF,
  23: "wikipedia;solitaire;",
  24: "5",
  25: "6",
  26: "Screens",
  27: OFF,
  28: OFF,
  29: OFF,
  30: OFF,
  34: OFF,
  35: OFF,
  36: "5",
  37: "6",
  38: "audio",
  39: OFF,
  40: "0",
  41: "0",
  42: "",
  43: OFF,
  44: OFF,
  45: "0",
  46: OFF,
  48: "remcos",
  49: "remcos",
};

/** 2.x: three more ways of persistence, the size of the log at 54. */
const FIELDS_2: Readonly<Record<number, FieldContent>> = {
  ...FIELDS_1_7,
  1: "RemoteHost",
  6: OFF,
  7: OFF,
  8: OFF,
  14: "Remcos-4QXZ1B",
  26: "Screenshots",
  38: "MicRecords",
  50: OFF,
  51: OFF,
  52: "",
  53: OFF,
  54: "100000",
  55: "",
};

/** Ours; nobody's server. */
const CLIENT_CERTIFICATE = fromBase64(
  "MIIBTjCB9qADAgECAg9NTsp+jYEwR8Uslui8HcEwCgYIKoZIzj0EAwIwADAeFw0yNjExMjMwOTM5MjJaFw00NjExMTgwOTM5MjJaMAAw" +
    "WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQg6QJgwfGxKhzSqf/EXQVgDfF0duAkoVatg+rpManyUf6EJbPWqi40GaEnl89B+uaIWYQR" +
    "vrvkVlvQgT67PbOFo1MwUTAdBgNVHQ4EFgQU73VtZHOKIidSS6juPX4YmaJyKJ0wHwYDVR0jBBgwFoAU73VtZHOKIidSS6juPX4YmaJy" +
    "KJ0wDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiA50zHX97cOVPEoN5bx2VlV/79/TnBh7OfNfwgYlwUeqwIgfrfqekUx" +
    "mu4C4p5jqO2UekEEwyKFfQ+u44JYG47out0=",
);
const SERVER_CERTIFICATE = fromBase64(
  "MIIBUDCB9qADAgECAg90TXVJIA3w9hKB+2Kgsa0wCgYIKoZIzj0EAwIwADAeFw0yNjExMjMwOTM5MjJaFw00NjExMTgwOTM5MjJaMAAw" +
    "WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQyhqCuPMNv543rJSc9eIGxkVTg5DgIVoHyUq5foIPKUcj3vRRL46q79m8qigmE7futvGvG" +
    "22wf3l58m24DC4fio1MwUTAdBgNVHQ4EFgQU1wpZKv//qbXgDI3R9U2Yzbpl/ecwHwYDVR0jBBgwFoAU1wpZKv//qbXgDI3R9U2Yzbpl" +
    "/ecwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEAjqZnppKCjSFaKO21I+qZQpRBrVurBkLKmeFOuO/vdA8CIQCyBNKL" +
    "VvuAOYtnukAONw239ZNAHe8fwNBwL+AEQbdg/g==",
);
/** The shape of an EC private key (RFC 5915) around bytes that are none. */
const PRIVATE_KEY = concatBytes(
  Uint8Array.of(0x30, 0x31, 0x02, 0x01, 0x01, 0x04, 0x20),
  pseudoRandom(32, 7),
  Uint8Array.of(0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07),
);

/** 4.9.3 Pro: 57 fields, names of files and folders in UTF-16LE, TLS material at the end. */
const FIELDS_4_9: Readonly<Record<number, FieldContent>> = {
  ...FIELDS_2,
  2: "1",
  3: OFF,
  4: ON,
  5: ON,
  6: "",
  7: "100000",
  8: OFF,
  9: "8",
  10: wide("remcos.exe"),
  11: wide("Remcos"),
  14: "Rmc-7KD2QH",
  17: wide("logs.dat"),
  23: wide("wikipedia;solitaire;"),
  37: Uint8Array.of(1),
  42: wide("\0"),
  48: wide("Remcos"),
  49: wide("remcos"),
  50: OFF,
  52: "8E5A2C41B7D09F63E1A4C85D7B20F916",
  53: OFF,
  54: CLIENT_CERTIFICATE,
  55: PRIVATE_KEY,
  56: SERVER_CERTIFICATE,
};

const FIELDS: Readonly<Record<RemcosOptions["layout"], Readonly<Record<number, FieldContent>>>> = {
  R1: FIELDS_1_7,
  R2: FIELDS_2,
  R3: FIELDS_4_9,
};
const VERSIONS: Readonly<Record<RemcosOptions["layout"], string>> = {
  R1: "1.7 Pro",
  R2: "2.5.0 Pro",
  R3: "4.9.3 Pro",
};

/** The resource's bytes: key length, key, ciphertext. */
export function remcosBlob(options: RemcosOptions): Uint8Array {
  const { layout, c2s } = options;
  const c2Separator = toBytes(options.c2Separator ?? (layout === "R3" ? "\x1e" : "|"));
  const c2List = c2s.flatMap(({ host, port, tls, password }) => {
    const third = tls === undefined ? (password ?? "") : tls ? "1" : "0";
    return [latin1Bytes(`${host}:${port}:${third}`), c2Separator];
  });
  const fields = { ...FIELDS[layout], ...options.fields, 0: concatBytes(...c2List) };
  const count = Math.max(...Object.keys(fields).map(Number)) + 1;
  const parts = Array.from({ length: count }, (_, i) => toBytes(fields[i as keyof typeof fields] ?? ""));
  const separator = latin1Bytes(SEPARATOR[layout]);
  // 1.7 ends with a separator, so that its field 50 is empty.
  const plain = concatBytes(
    ...parts.flatMap((part, i) => (i === 0 ? [part] : [separator, part])),
    layout === "R1" ? separator : new Uint8Array(0),
  );
  const key = pseudoRandom(options.keyLength ?? (layout === "R1" ? 4 : 118), 1);
  return concatBytes(Uint8Array.of(key.length), key, rc4(key, plain));
}

export function remcosCarrier(options: RemcosOptions): Uint8Array {
  return buildPe(remcosPe(options));
}

/** The carrier before it is written, for those who want to change more. */
export function remcosPe(options: RemcosOptions): PeOptions {
  const strings = [...TEXTS, options.version ?? VERSIONS[options.layout]];
  return {
    sections: [
      { name: ".text", data: new Uint8Array(0x400).fill(0x90) },
      { name: ".rdata", data: latin1Bytes(`\0${strings.join("\0")}\0`) },
      { name: ".data", data: new Uint8Array(16), virtualSize: 0x1800 },
    ],
    imports: { "KERNEL32.dll": ["ExitProcess"] },
    resources: [
      { type: 3, name: 1, data: ICON },
      {
        type: options.resourceType ?? 10,
        name: options.resourceName ?? "SETTINGS",
        language: 0,
        data: remcosBlob(options),
      },
      { type: 14, name: 1, data: GROUP_ICON },
    ],
    ...(options.timeDateStamp === undefined ? {} : { timeDateStamp: options.timeDateStamp }),
  };
}

/** Texts of the real program, and one of another program's version. */
const TEXTS = [
  "Remcos_Mutex_Inj",
  "Mutex_RemWatchdog",
  "Remcos restarted by watchdog!",
  "Offline Keylogger Started",
  "Online Keylogger Started",
  "[Following text has been pasted from clipboard:]",
  " * Breaking-Security.Net",
  "2.12",
  " * REMCOS v",
];

/** 32 by 32, 4 bits, with the mask whose last rows stand right before RCDATA/SETTINGS in the real files. */
const ICON = concatBytes(
  Uint8Array.of(40, 0, 0, 0, 32, 0, 0, 0, 64, 0, 0, 0, 1, 0, 4, 0),
  new Uint8Array(24 + 64 + 512 + 128 - 12).fill(0x11),
  Uint8Array.of(0xe0, 0, 0, 7, 0xe0, 0, 0, 7, 0xff, 0xff, 0xff, 0xff),
);
const GROUP_ICON = Uint8Array.of(0, 0, 1, 0, 1, 0, 32, 32, 16, 0, 1, 0, 4, 0, 0xe8, 2, 0, 0, 1, 0);

function toBytes(content: FieldContent): Uint8Array {
  return typeof content === "string" ? latin1Bytes(content) : content;
}

function fromBase64(text: string): Uint8Array {
  return decodeBase64(latin1Bytes(text)) ?? new Uint8Array(0);
}

/** The same bytes for the same seed (Park and Miller's generator). */
function pseudoRandom(length: number, seed: number): Uint8Array {
  let state = 20231126 + seed;
  return Uint8Array.from({ length }, () => {
    state = (state * 48271) % 0x7fffffff;
    return state >> 16;
  });
}

export function remcosCarriers(): Carrier[] {
  const carrier = (
    name: string,
    options: RemcosOptions,
    c2: readonly string[],
    values: Readonly<Record<string, unknown>>,
  ): Carrier => ({
    name,
    family: "win.remcos",
    layout: options.layout,
    bytes: remcosCarrier(options),
    expected: { c2, confidence: "proved", values },
  });
  return [
    carrier(
      "remcos-1.7.exe",
      {
        layout: "R1",
        c2s: [
          { host: "first.example", port: 2404, password: "pass" },
          { host: "198.51.100.7", port: 5888, password: "a:b" },
        ],
      },
      ["tcp://first.example:2404", "tcp://198.51.100.7:5888"],
      {
        "/version": "1.7 Pro",
        "/config/password": ["pass", "a:b"],
        "/config/mutex": ["remcos_kqzwtbnxhf"],
        "/config/sleep_delay": 5000,
        "/config/paths/0": { path: "%AppData%\\remcos\\remcos.exe", usage: "install" },
      },
    ),
    carrier(
      "remcos-2.5.exe",
      {
        layout: "R2",
        c2s: [{ host: "ddns.second.example", port: 1990, password: "1" }],
        c2Separator: "|",
        fields: { 6: ON, 7: ON, 8: ON, 9: Uint8Array.of(3), 13: "svchost.exe" },
      },
      ["tcp://ddns.second.example:1990"],
      {
        "/version": "2.5.0 Pro",
        "/config/password": ["1"],
        "/config/inject_exe": ["svchost.exe"],
        "/config/other/keylog_max_size": 100000,
        "/config/registry/2/key":
          "HKLM\\Software\\Microsoft\\Windows\\CurrentVersion\\Policies\\Explorer\\Run\\remcos",
        "/config/registry/3/key": "HKLM\\Software\\Microsoft\\Windows NT\\CurrentVersion\\Winlogon\\Shell",
      },
    ),
    carrier(
      "remcos-4.9.3.exe",
      {
        layout: "R3",
        c2s: [
          { host: "third.example", port: 57844, tls: true },
          { host: "2001:db8::1:5", port: 2404, tls: false },
          { host: "203.0.113.9", port: 443, tls: true },
        ],
        fields: { 3: ON, 17: wide("журнал.dat") },
      },
      ["tcp://third.example:57844", "tcp://[2001:db8::1:5]:2404", "tcp://203.0.113.9:443"],
      {
        "/version": "4.9.3 Pro",
        "/config/campaign_id": ["RemoteHost"],
        "/config/mutex": ["Rmc-7KD2QH"],
        "/config/other/license": "8E5A2C41B7D09F63E1A4C85D7B20F916",
        "/config/other/tls_certificates/1/sha256":
          "fbbc86aac020c40b6c859938bba7864bdbf861cdf7098efb4b01e96d176498cb",
        "/config/other/tls_private_key": "present",
        "/config/paths/0/path": "%ProgramData%\\Remcos\\remcos.exe",
        "/config/paths/1/path": "%AppData%\\remcos\\журнал.dat",
      },
    ),
    carrier(
      "remcos-renamed.exe",
      {
        layout: "R3",
        c2s: [{ host: "fourth.example", port: 8080, tls: true }],
        c2Separator: "\xff\xff\xff\xff",
        resourceType: "ASSETS",
        resourceName: 101,
        keyLength: 255,
        version: "7.2.6 Pro",
        fields: { 54: "", 55: "", 56: CLIENT_CERTIFICATE, 57: PRIVATE_KEY, 58: SERVER_CERTIFICATE },
      },
      ["tcp://fourth.example:8080"],
      {
        "/version": "7.2.6 Pro",
        "/config/other/install_path": "%ProgramData%\\Remcos\\remcos.exe",
        "/config/other/tls_certificates/0": {
          field: 56,
          sha1: "d5e0240f5194fca1a2db6246e1d3ff16f8efb84b",
          sha256: "9b1f29277cd55b83e3850135893c12cab23c9e3e0edbe41213d17e8ed26e9a44",
        },
      },
    ),
  ];
}
