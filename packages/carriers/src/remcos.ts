/** Carriers of win.remcos: RCDATA/SETTINGS as the builder writes it, in a program that returns at once. */
import { concatBytes, latin1Bytes } from "@assay/core/bytes/index";
import { rc4 } from "@assay/core/codecs/index";
import type { Carrier } from "./carrier.ts";
import { buildPe, type PeOptions } from "./pe-writer.ts";
import {
  CLIENT_CERTIFICATE,
  FIELDS_1_7,
  FIELDS_2,
  FIELDS_4_9,
  type FieldContent,
  ON,
  PRIVATE_KEY,
  pseudoRandom,
  SERVER_CERTIFICATE,
  wide,
} from "./remcos-fields.ts";

export { type FieldContent, wide } from "./remcos-fields.ts";

export interface RemcosC2 {
  readonly host: string;
  readonly port: number;
  /** `0` or `1` as the third part. */
  readonly tls?: boolean;
  /** The third part of older builds. */
  readonly password?: string;
}

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

const SEPARATOR: Readonly<Record<RemcosOptions["layout"], string>> = {
  R1: "@@",
  R2: "\x1e",
  R3: "|\x1e\x1e\x1f|",
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
          serial: "4d4eca7e8d813047c52c96e8bc1dc1",
          notBefore: "2026-11-23T09:39:22Z",
          notAfter: "2046-11-18T09:39:22Z",
        },
      },
    ),
  ];
}
