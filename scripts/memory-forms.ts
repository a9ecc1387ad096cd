/** What becomes of a PE in memory, made by hand from its file, and what the families say of it as it lies there. */
import { pbkdf2Sync } from "node:crypto";
import { mapPe } from "../packages/carriers/src/dumps/index.ts";
import { families } from "../packages/core/src/families/index.ts";
import { type ImageHint, openImage } from "../packages/core/src/formats/index.ts";
import { type Finding, Ledger } from "../packages/core/src/model/index.ts";

export interface MemoryForm {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly hint?: ImageHint;
}

/** Where no program is linked for. */
const ELSEWHERE = 0x2b4_0000;
const ELSEWHERE_64 = 0x7ff6_1234_0000;
const PAGE = 0x1000;

/** Mapped with and without headers, at its base and another, relocated or not, and as a region that nobody knows. */
export function formsOf(file: Uint8Array): MemoryForm[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const nt = view.getUint32(0x3c, true);
  const is64 = view.getUint16(nt + 24, true) === 0x20b;
  const base = is64 ? Number(view.getBigUint64(nt + 48, true)) : view.getUint32(nt + 52, true);
  const elsewhere = is64 ? ELSEWHERE_64 : ELSEWHERE;
  const image = mapPe(file);
  const moved = mapPe(file, BigInt(elsewhere));
  const bare = image.slice().fill(0, 0, PAGE);
  const bareMoved = moved.slice().fill(0, 0, PAGE);
  return [
    { name: "mapped", bytes: image },
    { name: "mapped elsewhere", bytes: moved, hint: { layout: "mapped", base: elsewhere } },
    {
      name: "mapped elsewhere, not relocated",
      bytes: image,
      hint: { layout: "mapped", base: elsewhere },
    },
    {
      name: "mapped, marks and section headers erased",
      bytes: image
        .slice()
        .fill(0, 0, nt + 4)
        .fill(0, nt + 24 + view.getUint16(nt + 20, true), PAGE),
    },
    { name: "without headers", bytes: bare, hint: { layout: "raw", base } },
    { name: "without headers, elsewhere", bytes: bareMoved, hint: { layout: "raw", base: elsewhere } },
    { name: "without headers, not relocated", bytes: bare, hint: { layout: "raw", base: elsewhere } },
    { name: "region alone", bytes: bare, hint: { layout: "raw" } },
    { name: "region alone, from elsewhere", bytes: bareMoved, hint: { layout: "raw" } },
    { name: "region alone, first page gone", bytes: image.slice(PAGE), hint: { layout: "raw" } },
    { name: "region alone, without a hint", bytes: bare },
  ];
}

/** The configs that the families read in these bytes themselves, nothing taken out of them first. */
export function extractAll(bytes: Uint8Array, hint?: ImageHint): Finding[] {
  return families.flatMap((family) => {
    const ledger = new Ledger(bytes);
    const extraction = family.extract({
      image: openImage(ledger.sample, hint),
      rules: [],
      matches: [],
      ledger,
      pbkdf2Sha1: (password, salt, iterations, length) =>
        pbkdf2Sync(password, salt, iterations, length, "sha1"),
    });
    return extraction.status === "config" ? [extraction.finding] : [];
  });
}
