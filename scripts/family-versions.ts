/** A version for each family that nobody has to remember to raise: a hash over what it is made of. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import ts from "typescript";

/** Hexadecimal digits: two versions of one family never meet by chance. */
const DIGITS = 12;

/**
 * Of the family in `<families>/<folder>/`: all its sources and rules but tests, and what they import from engines/. What lies
 * below (readers, codecs) belongs to the engine's version.
 */
export function familyVersion(families: string, folder: string): string {
  const own = readdirSync(join(families, folder))
    .filter((name) => /\.(ts|yar)$/.test(name) && !name.endsWith(".test.ts"))
    .map((name) => join(families, folder, name));
  const files = new Set(own);
  for (const file of files) for (const target of enginesOf(families, file)) files.add(target);
  const hash = createHash("sha256");
  for (const file of [...files].sort())
    hash.update(`${relative(families, file)}\n${readFileSync(file, "utf8").replaceAll("\r\n", "\n")}\0`);
  return hash.digest("hex").slice(0, DIGITS);
}

function enginesOf(families: string, file: string): string[] {
  if (!file.endsWith(".ts")) return [];
  return ts
    .preProcessFile(readFileSync(file, "utf8"))
    .importedFiles.filter(({ fileName }) => fileName.startsWith("."))
    .map(({ fileName }) => resolve(dirname(file), fileName))
    .filter((target) => relative(families, target).startsWith("engines"));
}
