import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { latin1, latin1Bytes } from "../bytes/index.ts";
import {
  type Base64Dialect,
  customBase64,
  DOTNET,
  decodeBase64,
  LUMMA,
  STANDARD,
  UNPADDED,
  URL_SAFE,
} from "./base64.ts";

const decode = (text: string, dialect: Base64Dialect = STANDARD) => {
  const bytes = decodeBase64(latin1Bytes(text), dialect);
  return bytes && latin1(bytes);
};

/** RFC 4648, section 10. */
const RFC4648: [plain: string, encoded: string][] = [
  ["", ""],
  ["f", "Zg=="],
  ["fo", "Zm8="],
  ["foo", "Zm9v"],
  ["foob", "Zm9vYg=="],
  ["fooba", "Zm9vYmE="],
  ["foobar", "Zm9vYmFy"],
];

describe("base64", () => {
  it.each(RFC4648)("decodes RFC 4648's %j", (plain, encoded) => {
    for (const dialect of [STANDARD, UNPADDED, URL_SAFE, DOTNET, LUMMA])
      expect(decode(encoded, dialect)).toBe(plain);
    for (const dialect of [UNPADDED, URL_SAFE, LUMMA])
      expect(decode(encoded.replace(/=/g, ""), dialect)).toBe(plain);
  });

  it("agrees with Node's encoder in both alphabets, padded and not", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (data) => {
        const standard = Buffer.from(data).toString("base64");
        const url = Buffer.from(data).toString("base64url");
        for (const dialect of [STANDARD, UNPADDED, DOTNET, LUMMA])
          expect(decodeBase64(latin1Bytes(standard), dialect)).toEqual(data);
        for (const dialect of [URL_SAFE, LUMMA])
          expect(decodeBase64(latin1Bytes(url), dialect)).toEqual(data);
        expect(decodeBase64(latin1Bytes(standard.replace(/=/g, "")), UNPADDED)).toEqual(data);
      }),
      { seed: 6, numRuns: 200 },
    );
  });

  it("refuses a character outside the dialect, wherever it stands", () => {
    for (const text of ["Zm9-", "Zm9_", "Zm 9v", "Zm9v\n", "Z\u00e99v", "Zm9v!", "\0m9v"])
      expect(decode(text)).toBeUndefined();
    expect(decode("Zm9+", URL_SAFE)).toBeUndefined();
  });

  it("refuses lengths and padding that no encoder gives", () => {
    for (const text of [
      "Z",
      "Zm9vY",
      "Zg",
      "Zg=",
      "Zm8",
      "Zm8==",
      "Zm9v=",
      "Zm9v====",
      "=",
      "====",
      "Zg==Zg==",
      "Zg=a",
    ])
      expect(decode(text), text).toBeUndefined();
    for (const text of ["Z", "Zm9vY", "Zm8===", "Zg=a"]) expect(decode(text, UNPADDED), text).toBeUndefined();
  });

  it("takes left-over bits that are not zero, as Convert.FromBase64String does", () => {
    expect(decode("Zh==")).toBe("f");
    expect(decode("Zm9=")).toBe("fo");
  });

  it("passes over .NET's four white-space characters, also within the padding, and over no other", () => {
    expect(decode(" Zm9v\r\n\tYg = = \n", DOTNET)).toBe("foob");
    expect(decode("Zm9v\u000b", DOTNET)).toBeUndefined();
    expect(decode("Zm9v\u00a0", DOTNET)).toBeUndefined();
    expect(decode("Zm8", DOTNET)).toBeUndefined();
    expect(decode("Zg== Zg==", DOTNET)).toBeUndefined();
  });

  it("reads both alphabets at once and `.` as padding in Lumma's dialect", () => {
    expect(decode("-_+/", LUMMA)).toBe(decode("+/+/"));
    expect(decode("Zg..", LUMMA)).toBe("f");
    expect(decode("Zg.=", LUMMA)).toBe("f");
    expect(decode("Zg.a", LUMMA)).toBeUndefined();
  });

  it("decodes alphabets of the malware's own", () => {
    // DarkGate's, as published by CAPE-parsers.
    const darkgate = customBase64("zLAxuU0kQKf3sWE7ePRO2imyg9GSpVoYC6rhlX48ZHnvjJDBNFtMd1I5acwbqT+=", "");
    const swap = (text: string) =>
      [...text].map((c) => darkgate.alphabet[STANDARD.alphabet.indexOf(c)]).join("");
    expect(decode(swap("aHR0cDovL2M"), darkgate)).toBe("http://c");
    expect(() => customBase64("abc")).toThrow(RangeError);
    expect(() => customBase64(`${STANDARD.alphabet.slice(1)}B`)).toThrow(RangeError);
  });
});
