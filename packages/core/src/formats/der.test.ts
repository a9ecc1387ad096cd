import { QUASAR_CERTIFICATE } from "@assay/carriers/quasar";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { View } from "../bytes/index.ts";
import { parseCertificate } from "./der.ts";

const DER = new Uint8Array(Buffer.from(QUASAR_CERTIFICATE, "base64"));

describe("parseCertificate", () => {
  it("reads what openssl x509 -serial -subject -dates says of the same certificate", () => {
    expect(parseCertificate(new View(DER))).toEqual({
      ok: true,
      value: {
        serial: "593c7764574af2e0792a964f67bf99d9cd7532e0",
        issuer: "Quasar Server CA",
        subject: "Quasar Server CA",
        notBefore: "2026-11-23T09:41:51Z",
        notAfter: "2126-10-30T09:41:51Z",
        at: { artifact: 0, offset: 0, length: DER.length },
      },
    });
  });

  it("leaves bytes behind the certificate out of it", () => {
    const parsed = parseCertificate(new View(Uint8Array.of(...DER, 1, 2, 3)));
    expect(parsed.ok && parsed.value.at.length).toBe(DER.length);
  });

  it("says where a cut one ends", () => {
    const parsed = parseCertificate(new View(DER.subarray(0, 100)));
    expect(parsed).toMatchObject({ ok: false, error: { code: "truncated", field: "Certificate" } });
  });

  it("never throws on corrupted ones", () => {
    fc.assert(
      fc.property(fc.nat(DER.length - 1), fc.nat(255), (at, byte) => {
        const bytes = Uint8Array.from(DER);
        bytes[at] = byte;
        parseCertificate(new View(bytes));
      }),
      { seed: 7, numRuns: 2000 },
    );
  });
});
