/** What the build does with the bundle before it writes the code cache: the work of an ordinary triage. */
import { families } from "@assay/core/families/index";
import { assemble } from "@assay/core/triage/report";
import { createAnalyser } from "./analyser.ts";
import { program } from "./cli/main.ts";
import { paintFor } from "./render/paint.ts";
import { toText } from "./render/text.ts";

/** Analyses each file and renders a report of all, as the command would. */
export async function warmUp(
  files: readonly { readonly name: string; readonly bytes: Uint8Array }[],
): Promise<void> {
  program().helpInformation();
  const analyser = await createAnalyser();
  const samples = [];
  for (const { name, bytes } of files) samples.push(await analyser.analyseBytes(bytes, name));
  const ids = families.map((family) => family.id);
  const report = assemble(samples, ids, new Date(0).toISOString(), 0);
  toText(report, { paint: paintFor({}, false), width: 120, configs: false });
}
