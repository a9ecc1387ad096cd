/** From an address space to a .NET module: finds the metadata and chooses what to trust. */
import { fail, ok, type Result } from "../../bytes/index.ts";
import type { AddressSpace } from "../address-space.ts";
import type { Anomaly } from "../pe/model.ts";
import { type CliHeader, findHeaderOf, findRoots, NO_CLI_HEADER, readCliHeader } from "./cli-header.ts";
import { chooseStreams, parseRoot, ROOT_SIGNATURE } from "./metadata-root.ts";
import type { Dotnet } from "./model.ts";
import { Module } from "./module.ts";
import { TABLE } from "./table-layout.ts";
import { parseTables } from "./tables.ts";

/**
 * The .NET module in `space`. `cliHeader` is data directory 14; without one, or when it does not lead to a
 * metadata root, the root is searched by its signature and the best of several taken.
 *
 * Fails with `bad-magic` when no metadata root with a readable tables stream is there.
 */
export function parseDotnet(
  space: AddressSpace,
  cliHeader?: { readonly rva: number; readonly size: number },
): Result<Dotnet> {
  const anomalies: Anomaly[] = [];
  const isStated = cliHeader !== undefined && cliHeader.rva !== 0;
  const header = isStated ? headerAt(space, cliHeader.rva) : undefined;
  if (header !== undefined) {
    const offset = space.offsetOfRva(header.metadataRva);
    const module = offset === undefined ? undefined : readModule(space, offset, header, undefined);
    if (module !== undefined) return ok(module);
    anomalies.push({ code: "bad-cli-header", text: "the CLI header does not lead to metadata" });
  } else if (isStated)
    anomalies.push({ code: "bad-cli-header", text: "the CLI header lies outside the image" });

  let best: { offset: number; score: number } | undefined;
  for (const offset of findRoots(space.view)) {
    const score = scoreOf(readModule(space, offset, NO_CLI_HEADER, undefined));
    if (score > (best?.score ?? 0)) best = { offset, score };
  }
  if (best === undefined) return fail({ code: "bad-magic", field: "MetadataRoot.Signature" });
  anomalies.push({
    code: "metadata-by-signature",
    text: "found by its signature, not through a CLI header",
    at: space.view.span(best.offset, 4),
  });
  const own = findHeaderOf(space, best.offset);
  const module = readModule(
    space,
    best.offset,
    own?.header ?? header ?? NO_CLI_HEADER,
    own?.delta,
    anomalies,
  );
  return module === undefined ? fail({ code: "bad-magic", field: "MetadataRoot.Signature" }) : ok(module);
}

function headerAt(space: AddressSpace, rva: number): CliHeader | undefined {
  const offset = space.offsetOfRva(rva);
  return offset === undefined ? undefined : readCliHeader(space.view, offset);
}

function readModule(
  space: AddressSpace,
  offset: number,
  header: CliHeader,
  delta: number | undefined,
  before: readonly Anomaly[] = [],
): Module | undefined {
  const anomalies = [...before];
  const view = space.view.clip(offset);
  if (view.u32(0) !== ROOT_SIGNATURE) return undefined;
  const root = parseRoot(view, anomalies);
  if (root === undefined) return undefined;
  const chosen = chooseStreams(root.streams, anomalies);
  const tables = chosen.tables && parseTables(chosen.tables, chosen.allBig, anomalies);
  if (tables === undefined) return undefined;
  const offsetOfRva = (rva: number): number | undefined =>
    delta === undefined ? space.offsetOfRva(rva) : rva - delta;
  return new Module({ view: space.view, offsetOfRva, header, root, chosen, tables, anomalies });
}

/** How much of a module is there: what can be read counts, what is broken takes away. 0: nothing. */
function scoreOf(module: Module | undefined): number {
  if (module === undefined) return 0;
  const members = module.rowCount(TABLE.TypeDef) + module.rowCount(TABLE.MethodDef);
  const isNamed = module.moduleName !== "";
  return 1 + (isNamed ? 1000 : 0) + Math.min(members, 500) - Math.min(module.anomalies.length, 10) * 50;
}
