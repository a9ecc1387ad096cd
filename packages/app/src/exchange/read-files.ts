/** Files of others, read from the disk: as they are, or only the few parts of one that is far too large. */
import { createReadStream, readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { fail, type Result } from "@assay/core/bytes/index";
import type { ForeignForm } from "@assay/core/foreign/forms";
import { type Foreign, MAX_FOREIGN_BYTES, readForeign } from "@assay/core/foreign/read";
import { attemptIo } from "../batch/io.ts";
import { type JsonPath, JsonPicker } from "../sandboxes/json-pick.ts";

/** CAPE's report.json holds every call of every process: of one larger than others may be, these parts are read. */
const CAPE_PATHS: readonly JsonPath[] = [
  ["CAPE", "configs"],
  ["target", "file", "sha256"],
  ["info", "started"],
];

export async function readForeignFile(
  path: string,
  form: ForeignForm | undefined,
): Promise<Result<Foreign, string>> {
  const stats = attemptIo(() => statSync(path));
  if ("code" in stats) return fail(stats.text);
  if (!stats.value.isFile()) return fail("no file");
  if (stats.value.size > MAX_FOREIGN_BYTES) {
    if (form !== undefined && form !== "cape") return fail(`more than ${MAX_FOREIGN_BYTES} bytes`);
    return readCapeParts(path);
  }
  const bytes = attemptIo(() => readFileSync(path));
  return "code" in bytes ? fail(bytes.text) : readForeign(bytes.value, form);
}

async function readCapeParts(path: string): Promise<Result<Foreign, string>> {
  const picker = new JsonPicker(CAPE_PATHS);
  for await (const chunk of createReadStream(path)) if (!picker.take(chunk as Uint8Array)) break;
  picker.end();
  const [configs, sha256, started] = CAPE_PATHS.map(
    (_, n) => picker.picked.find((one) => one.path === n)?.value,
  );
  if (configs === undefined)
    return fail(`more than ${MAX_FOREIGN_BYTES} bytes, and no report.json of CAPE with configs`);
  const small = { CAPE: { configs }, target: { file: { sha256 } }, info: { started } };
  return readForeign(new TextEncoder().encode(JSON.stringify(small)), "cape");
}

/** What a source is called when nobody says: the file, without its folder. */
export function fileName(path: string): string {
  return basename(path);
}
