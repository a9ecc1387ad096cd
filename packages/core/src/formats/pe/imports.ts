import type { Space } from "../space.ts";
import { DIRECTORY } from "./constants.ts";
import type { ImportedDll, Pe } from "./model.ts";
import { NameBudget, nameAt, printableName } from "./names.ts";

/** Far more DLLs than any program names. */
const MAX_DLLS = 1024;
/** Functions over all DLLs; the largest programs import some ten thousand. */
const MAX_FUNCTIONS = 65_536;

type ImportedFunction = ImportedDll["functions"][number];

/** How a table of either kind states its DLL: RVAs of the name, of the look-up table, and of the address table. */
interface Descriptor {
  readonly name: number;
  readonly lookup: number;
  readonly addresses: number;
  /** What the table's addresses count from: 0 for RVAs, the image's base for virtual addresses. */
  readonly from: number;
}

interface Budget {
  functions: number;
  readonly names: NameBudget;
}

/**
 * IMAGE_IMPORT_DESCRIPTOR and ImgDelayDescr tables, in file order. A table ends at the first descriptor without a
 * readable DLL name; the directories' sizes count for nothing, as with the loader.
 */
export function readImports(space: Space, pe: Pe): readonly ImportedDll[] {
  const budget: Budget = { functions: MAX_FUNCTIONS, names: new NameBudget() };
  return [
    ...readTable(space, pe, DIRECTORY.import, 20, importDescriptor, budget),
    ...readTable(space, pe, DIRECTORY.delayImport, 32, delayDescriptor, budget),
  ];
}

function importDescriptor(space: Space, offset: number): Descriptor | undefined {
  const lookup = space.view.u32(offset);
  const name = space.view.u32(offset + 12);
  const addresses = space.view.u32(offset + 16);
  if (lookup === undefined || name === undefined || addresses === undefined) return undefined;
  return { name, lookup, addresses, from: 0 };
}

function delayDescriptor(space: Space, offset: number): Descriptor | undefined {
  const attributes = space.view.u32(offset);
  const name = space.view.u32(offset + 4);
  const addresses = space.view.u32(offset + 12);
  const lookup = space.view.u32(offset + 16);
  if (attributes === undefined || name === undefined || addresses === undefined || lookup === undefined)
    return undefined;
  // dlattrRva: without this bit (Visual C++ 6) the fields and thunks are virtual addresses.
  const from = (attributes & 1) !== 0 ? 0 : (space.pointerBase ?? space.base);
  return { name: name - from, addresses: addresses - from, lookup: lookup - from, from };
}

function readTable(
  space: Space,
  pe: Pe,
  directory: number,
  stride: number,
  descriptorAt: (space: Space, offset: number) => Descriptor | undefined,
  budget: Budget,
): readonly ImportedDll[] {
  const rva = pe.dataDirectories[directory]?.virtualAddress ?? 0;
  const start = rva > 0 ? space.offsetOfRva(rva) : undefined;
  const dlls: ImportedDll[] = [];
  if (start === undefined) return dlls;
  for (let i = 0; i < MAX_DLLS; i++) {
    const descriptor = descriptorAt(space, start + stride * i);
    const name = descriptor === undefined ? undefined : printableName(space, descriptor.name);
    if (descriptor === undefined || name === undefined || !budget.names.take(name.length)) break;
    const functions = readThunks(space, pe, descriptor, budget);
    dlls.push({ name, functions, delayed: directory === DIRECTORY.delayImport });
  }
  return dlls;
}

/** The look-up table names the functions; where a linker left it out, the address table of an unbound file does. */
function readThunks(
  space: Space,
  pe: Pe,
  descriptor: Descriptor,
  budget: Budget,
): readonly ImportedFunction[] {
  const lookup = descriptor.lookup > 0 ? space.offsetOfRva(descriptor.lookup) : undefined;
  const start = lookup ?? space.offsetOfRva(descriptor.addresses);
  const functions: ImportedFunction[] = [];
  if (start === undefined) return functions;
  const width = pe.is64 ? 8 : 4;
  for (let offset = start; budget.functions > 0; offset += width) {
    const low = space.view.u32(offset);
    const high = pe.is64 ? space.view.u32(offset + 4) : low;
    if (low === undefined || high === undefined || (low === 0 && high === 0)) break;
    const entry: ImportedFunction | undefined =
      high >= 0x8000_0000 ? { ordinal: low & 0xffff } : readHintName(space, low - descriptor.from);
    if (entry === undefined || !budget.names.take(entry.name?.length ?? 0)) break;
    budget.functions--;
    functions.push(entry);
  }
  return functions;
}

/** IMAGE_IMPORT_BY_NAME. */
function readHintName(space: Space, rva: number): ImportedFunction | undefined {
  const offset = space.offsetOfRva(rva);
  const hint = offset === undefined ? undefined : space.view.u16(offset);
  const name = offset === undefined ? undefined : nameAt(space.view, offset + 2);
  return hint === undefined || name === undefined ? undefined : { name: name.value, hint };
}
