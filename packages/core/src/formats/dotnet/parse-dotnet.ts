/** From an address space to a .NET module: finds the metadata and chooses what to trust. */
import { fail, ok, type Result } from "../../bytes/index.ts";
import type { AddressSpace } from "../address-space.ts";
import type { Anomaly } from "../pe/model.ts";
import { type CliHeader, findRoots, NO_CLI_HEADER, readCliHeader } from "./cli-header.ts";
import { chooseStreams, parseRoot, ROOT_SIGNATURE } from "./metadata-root.ts";
import type { Dotnet } from "./model.ts";
import { Module } from "./module.ts";
import { findHeaders, type Placement, placeModule } from "./placement.ts";
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
    const module = offset === undefined ? undefined : readModule(space, offset, { header, delta: undefined });
    if (module !== undefined) return ok(module);
    anomalies.push({ code: "bad-cli-header", text: "the CLI header does not lead to metadata" });
  } else if (isStated)
    anomalies.push({ code: "bad-cli-header", text: "the CLI header lies outside the image" });

  const found = findModules(space, anomalies, header)[0];
  return found === undefined ? fail({ code: "bad-magic", field: "MetadataRoot.Signature" }) : ok(found);
}

/** Modules handed out of one space. */
const MAX_MODULES = 8;

/**
 * Every module whose metadata root the signature shows, the fullest first: in memory without headers there may be
 * several. `before`: what led to looking for it; `stated`: the CLI header, when it is there but leads nowhere.
 */
export function findModules(
  space: AddressSpace,
  before: readonly Anomaly[] = [],
  stated?: CliHeader,
): readonly Module[] {
  const scored = findRoots(space).flatMap((offset) => {
    const module = readModule(space, offset, { header: NO_CLI_HEADER, delta: undefined });
    return module === undefined ? [] : [{ offset, module, score: scoreOf(module) }];
  });
  const best = scored
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .slice(0, MAX_MODULES);
  const headers = best.length > 0 ? findHeaders(space.view) : [];
  return best.flatMap(({ offset, module }) => {
    const { header, delta } = placeModule(space, module.tables, offset, headers);
    const anomaly = {
      code: "metadata-by-signature",
      text: "found by its signature, not through a CLI header",
      at: space.view.span(offset, 4),
    };
    const own = header === NO_CLI_HEADER ? (stated ?? header) : header;
    return readModule(space, offset, { header: own, delta }, [...before, anomaly]) ?? [];
  });
}

function headerAt(space: AddressSpace, rva: number): CliHeader | undefined {
  const offset = space.offsetOfRva(rva);
  return offset === undefined ? undefined : readCliHeader(space.view, offset);
}

function readModule(
  space: AddressSpace,
  offset: number,
  { header, delta }: Placement,
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
function scoreOf(module: Module): number {
  const members = module.rowCount(TABLE.TypeDef) + module.rowCount(TABLE.MethodDef);
  const isNamed = module.moduleName !== "";
  return 1 + (isNamed ? 1000 : 0) + Math.min(members, 500) - Math.min(module.anomalies.length, 10) * 50;
}
