/** What stands in the fields of Remcos builds, by index: the default settings of three versions. */
import { concatBytes, latin1Bytes, utf16leBytes } from "@assay/core/bytes/index";
import { decodeBase64 } from "@assay/core/codecs/index";

/** Text is written one byte a character. */
export type FieldContent = string | Uint8Array;

/** The text of a later build's field: UTF-16LE, without an end mark. */
export const wide = utf16leBytes;

export const ON = "\x01";
const OFF = "\0";

/** 1.7 Pro: 51 fields, the last one empty, all text in one-byte characters. */
export const FIELDS_1_7: Readonly<Record<number, FieldContent>> = {
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
export const FIELDS_2: Readonly<Record<number, FieldContent>> = {
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
export const CLIENT_CERTIFICATE = fromBase64(
  "MIIBTjCB9qADAgECAg9NTsp+jYEwR8Uslui8HcEwCgYIKoZIzj0EAwIwADAeFw0yNjExMjMwOTM5MjJaFw00NjExMTgwOTM5MjJaMAAw" +
    "WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQg6QJgwfGxKhzSqf/EXQVgDfF0duAkoVatg+rpManyUf6EJbPWqi40GaEnl89B+uaIWYQR" +
    "vrvkVlvQgT67PbOFo1MwUTAdBgNVHQ4EFgQU73VtZHOKIidSS6juPX4YmaJyKJ0wHwYDVR0jBBgwFoAU73VtZHOKIidSS6juPX4YmaJy" +
    "KJ0wDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiA50zHX97cOVPEoN5bx2VlV/79/TnBh7OfNfwgYlwUeqwIgfrfqekUx" +
    "mu4C4p5jqO2UekEEwyKFfQ+u44JYG47out0=",
);
export const SERVER_CERTIFICATE = fromBase64(
  "MIIBUDCB9qADAgECAg90TXVJIA3w9hKB+2Kgsa0wCgYIKoZIzj0EAwIwADAeFw0yNjExMjMwOTM5MjJaFw00NjExMTgwOTM5MjJaMAAw" +
    "WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQyhqCuPMNv543rJSc9eIGxkVTg5DgIVoHyUq5foIPKUcj3vRRL46q79m8qigmE7futvGvG" +
    "22wf3l58m24DC4fio1MwUTAdBgNVHQ4EFgQU1wpZKv//qbXgDI3R9U2Yzbpl/ecwHwYDVR0jBBgwFoAU1wpZKv//qbXgDI3R9U2Yzbpl" +
    "/ecwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEAjqZnppKCjSFaKO21I+qZQpRBrVurBkLKmeFOuO/vdA8CIQCyBNKL" +
    "VvuAOYtnukAONw239ZNAHe8fwNBwL+AEQbdg/g==",
);
/** The shape of an EC private key (RFC 5915) around bytes that are none. */
export const PRIVATE_KEY = concatBytes(
  Uint8Array.of(0x30, 0x31, 0x02, 0x01, 0x01, 0x04, 0x20),
  pseudoRandom(32, 7),
  Uint8Array.of(0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07),
);

/** 4.9.3 Pro: 57 fields, names of files and folders in UTF-16LE, TLS material at the end. */
export const FIELDS_4_9: Readonly<Record<number, FieldContent>> = {
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

function fromBase64(text: string): Uint8Array {
  return decodeBase64(latin1Bytes(text)) ?? new Uint8Array(0);
}

/** The same bytes for the same seed (Park and Miller's generator). */
export function pseudoRandom(length: number, seed: number): Uint8Array {
  let state = 20231126 + seed;
  return Uint8Array.from({ length }, () => {
    state = (state * 48271) % 0x7fffffff;
    return state >> 16;
  });
}
