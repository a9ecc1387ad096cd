import { writeCfb } from "@assay/carriers/cfb-writer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { latin1, latin1Bytes, utf8Bytes, utf16leBytes } from "../../bytes/index.ts";
import { writeCart } from "../../formats/cart.ts";
import { openImage } from "../../formats/index.ts";
import { applySteps, Ledger } from "../../model/index.ts";
import { Budget, DEFAULT_LIMITS } from "../budget.ts";
import { cart } from "../cart.ts";
import type { Layer, LayerOutput } from "../layer.ts";
import { passwordCandidates } from "../passwords.ts";
import { mail, mailText } from "./mail.ts";
import { msg, msgText } from "./msg.ts";
import { onenote } from "./onenote.ts";

const payload = latin1Bytes("MZ the payload, 0123456789 ".repeat(40));
const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes).toString("base64").replace(/.{76}/g, "$&\r\n");

interface Peeled extends LayerOutput {
  readonly ledger: Ledger;
}

function peel(layer: Layer, bytes: Uint8Array, budget = new Budget()): Peeled {
  const ledger = new Ledger(bytes);
  const image = openImage(ledger.sample);
  return { ...layer.peel({ image, format: "", name: undefined, ledger, budget }), ledger };
}
const named = (output: LayerOutput): (string | undefined)[] => output.inner.map((inner) => inner.name);
const contents = (output: LayerOutput): string[] => output.inner.map((inner) => latin1(inner.view.bytes));

const lines = (...text: string[]): Uint8Array => utf8Bytes(text.join("\r\n"));
const letter = lines(
  "Received: from somewhere",
  "From: a@example.com",
  "Subject: =?utf-8?B?UmVjaG51bmc=?= Passwort",
  "MIME-Version: 1.0",
  'Content-Type: multipart/mixed;\r\n boundary="--=_x"',
  "",
  "preamble",
  "----=_x",
  "Content-Type: text/plain; charset=utf-8",
  "Content-Transfer-Encoding: quoted-printable",
  "",
  "Das Passwort ist: Sch=C3=B6n=\r\n77",
  "----=_x",
  "Content-Type: application/zip; name=plain.zip",
  "Content-Transfer-Encoding: base64",
  "Content-Disposition: attachment; filename*0*=utf-8''Rechn%C3%BCng; filename*1=\"-1.zip\"",
  "",
  base64(payload),
  "----=_x",
  "Content-Type: message/rfc822",
  "",
  "From: b@example.com",
  "Subject: inner",
  "",
  "text",
  "----=_x",
  'Content-Type: application/octet-stream; name="=?utf-8?Q?a=5Fb_c.exe?="',
  "",
  "MZ in the clear",
  "----=_x--",
  "epilogue",
);

describe("mails", () => {
  it("give their attachments under the names that mail programs show", () => {
    const out = peel(mail, letter);
    expect(named(out)).toEqual(["Rechnüng-1.zip", "message.eml", "a_b c.exe"]);
    expect(contents(out)).toEqual([
      latin1(payload),
      "From: b@example.com\r\nSubject: inner\r\n\r\ntext",
      "MZ in the clear",
    ]);
    expect(out.reasons).toEqual([]);
  });

  it("name the bytes and the steps that make an attachment again", () => {
    const { ledger } = peel(mail, letter);
    const entry = ledger.entries[1];
    const input = ledger.read(entry?.from ?? []);
    expect(input && applySteps(entry?.steps ?? [], input)).toEqual(payload);
  });

  it("tell the password of their archive", () => {
    const { sample } = new Ledger(letter);
    expect(mailText(sample)).toContain("Rechnung Passwort");
    expect(passwordCandidates([], "Rechnüng-1.zip", mailText(sample))).toContain("Schön77");
  });

  it("with broken base64 give what mail programs make of it", () => {
    const bad = lines(
      "From: a",
      "To: b",
      "Content-Type: application/zip; name=a.zip",
      "Content-Transfer-Encoding: base64",
      "",
      `${base64(payload)}\r\n!! scanned !!`,
    );
    expect(latin1(peel(mail, bad).inner[0]?.view.bytes ?? new Uint8Array())).toContain(latin1(payload));
  });

  it("that are cut off give the part in which they end", () => {
    const out = peel(mail, letter.subarray(0, letter.length - 400));
    expect(out.inner.length).toBeGreaterThan(0);
  });

  it("end at depth and number of parts, and say so", () => {
    const deep = Array.from(
      { length: 40 },
      (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n--b${i}`,
    );
    expect(peel(mail, lines("From: a", "To: b", ...deep, "", "x")).reasons[0]?.code).toBe("cut");
    const many = ["From: a", "To: b", "Content-Type: multipart/mixed; boundary=b", ""];
    for (let i = 0; i < 5000; i++) many.push("--b", "Content-Type: image/png", "", "x");
    expect(peel(mail, lines(...many)).inner.length).toBeLessThanOrEqual(2000);
  });

  it("are not seen in scripts and notes with colons", () => {
    for (const text of ["note: this\nother: that\n", "var a: string;", "label:\n  goto label", "{\\rtf1 x}"])
      expect(peel(mail, latin1Bytes(text)).inner).toEqual([]);
  });
});

describe("Outlook mails", () => {
  const file = writeCfb({
    "__properties_version1.0": new Uint8Array(32),
    "__substg1.0_1000001F": utf16leBytes("The password is 8841"),
    "__attach_version1.0_#00000000/__substg1.0_3707001F": utf16leBytes("invoice.zip"),
    "__attach_version1.0_#00000000/__substg1.0_37010102": payload,
    "__attach_version1.0_#00000001/__substg1.0_3701000D/__attach_version1.0_#00000000/__substg1.0_37010102":
      new Uint8Array(9000).fill(0x41),
  });

  it("give attachments, also of the mail inside", () => {
    const out = peel(msg, file);
    expect(named(out)).toEqual(["invoice.zip", undefined]);
    expect(contents(out)).toEqual([latin1(payload), "A".repeat(9000)]);
    expect(out.ledger.read(out.ledger.entries[1]?.from ?? [])).toEqual(payload);
  });

  it("tell the password of their archive", () => {
    expect(passwordCandidates([], undefined, msgText(new Ledger(file).sample))).toContain("8841");
  });

  it("are not seen in other compound files", () => {
    expect(peel(msg, writeCfb({ WordDocument: payload, __substg: payload })).inner).toEqual([]);
  });
});

describe("OneNote sections", () => {
  const guid = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
  const magic = guid("e4525c7b8cd8a74daeb15378d02996d3");
  const frame = (data: Uint8Array, length = data.length): Uint8Array => {
    const head = new Uint8Array(36);
    head.set(guid("e716e3bd65261145a4c48d4d0b7a9eac"));
    new DataView(head.buffer).setBigUint64(16, BigInt(length), true);
    return Buffer.concat([head, data, guid("22a7fb71790f0b4abb13899256426b24")]);
  };

  it("give the files embedded in them", () => {
    const file = Buffer.concat([
      magic,
      new Uint8Array(1000),
      frame(payload),
      frame(latin1Bytes("@echo off")),
    ]);
    expect(contents(peel(onenote, file))).toEqual([latin1(payload), "@echo off"]);
  });

  it("give what is there of a file whose length lies, and say so", () => {
    const out = peel(onenote, Buffer.concat([magic, frame(payload, 2 ** 40)]));
    expect(out.inner.length).toBe(1);
    expect(out.reasons[0]?.code).toBe("damaged");
  });
});

describe("CaRT files", () => {
  it("give what is sealed in them, under its name, by steps that can be run again", () => {
    const out = peel(cart, writeCart(payload, { name: "a.exe" }));
    expect(named(out)).toEqual(["a.exe"]);
    const entry = out.ledger.entries[1];
    expect(applySteps(entry?.steps ?? [], out.ledger.read(entry?.from ?? []) as Uint8Array)).toEqual(payload);
    expect(out.reasons).toEqual([]);
  });

  it("under a private key are named, not opened", () => {
    expect(peel(cart, writeCart(payload, { key: payload.subarray(0, 9) })).reasons[0]?.code).toBe(
      "encrypted",
    );
  });

  it("that are bombs are cut at the budget", () => {
    const bomb = writeCart(new Uint8Array(4_000_000), {});
    const out = peel(cart, bomb, new Budget({ ...DEFAULT_LIMITS, bytes: 2_000_000 }));
    expect(out.reasons[0]?.code).toBe("cut");
    expect(out.ledger.entries[1]?.view.length).toBeLessThanOrEqual(2_000_000);
  });
});

describe("document layers", () => {
  const files: readonly (readonly [Layer, Uint8Array])[] = [
    [mail, letter],
    [msg, writeCfb({ "__properties_version1.0": new Uint8Array(32), "a/__substg1.0_37010102": payload })],
    [cart, writeCart(payload, { name: "a" })],
  ];
  it("never throw, hang or grow on corrupted bytes", () => {
    for (const [layer, file] of files) {
      fc.assert(
        fc.property(
          fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 20 }),
          fc.nat(file.length),
          (edits, cut) => {
            const bytes = file.slice(0, cut < 16 ? file.length : cut);
            for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
            const { inner } = peel(layer, bytes);
            expect(inner.reduce((sum, { view }) => sum + view.length, 0)).toBeLessThan(1_000_000);
          },
        ),
        { numRuns: Number(process.env.ASSAY_FUZZ ?? 150), seed: 11 },
      );
    }
  });
});
