import type { Space } from "../space.ts";
import { DIRECTORY } from "./constants.ts";
import type { ExportTable, Pe } from "./model.ts";
import { NameBudget, nameAt, printableName } from "./names.ts";

/** Ordinals have 16 bits. */
const MAX_EXPORTS = 65_536;

/**
 * IMAGE_EXPORT_DIRECTORY: every used slot of the address table, once for each of its names. A slot that leads back
 * into the directory is a forwarder (`NTDLL.RtlAllocateHeap`). Undefined when there is no directory in the view.
 */
export function readExports(space: Space, pe: Pe): ExportTable | undefined {
  const directory = pe.dataDirectories[DIRECTORY.export];
  if (directory === undefined || directory.virtualAddress === 0) return undefined;
  const at = space.readRva(directory.virtualAddress, 40);
  if (at === undefined) return undefined;
  const field = (offset: number) => at.u32(offset) ?? 0;
  const base = field(16);
  const addresses = space.clipRva(field(28), 4 * Math.min(field(20), MAX_EXPORTS));
  const names = readNames(space, Math.min(field(24), MAX_EXPORTS), field(32), field(36));

  const functions: ExportTable["functions"][number][] = [];
  const forwarders = new NameBudget();
  const count = addresses === undefined ? 0 : Math.floor(addresses.length / 4);
  for (let i = 0; i < count; i++) {
    const rva = addresses?.u32(4 * i) ?? 0;
    if (rva === 0) continue;
    const isForwarder = rva >= directory.virtualAddress && rva < directory.virtualAddress + directory.size;
    const forwarder = isForwarder ? printableName(space, rva) : undefined;
    if (!forwarders.take(forwarder?.length ?? 0)) break;
    const slot = { ordinal: base + i, rva, ...(forwarder === undefined ? {} : { forwarder }) };
    const own = names.get(i);
    if (own === undefined) functions.push(slot);
    else for (const name of own) functions.push({ ...slot, name });
  }
  return { name: printableName(space, field(12)) ?? "", timeDateStamp: field(4), functions };
}

/** Names by slot of the address table. */
function readNames(
  space: Space,
  count: number,
  namesRva: number,
  ordinalsRva: number,
): ReadonlyMap<number, string[]> {
  const bySlot = new Map<number, string[]>();
  const budget = new NameBudget();
  const pointers = space.clipRva(namesRva, 4 * count);
  const slots = space.clipRva(ordinalsRva, 2 * count);
  if (pointers === undefined || slots === undefined) return bySlot;
  for (let i = 0; i < count; i++) {
    const pointer = pointers.u32(4 * i);
    const slot = slots.u16(2 * i);
    if (pointer === undefined || slot === undefined) break;
    const offset = space.offsetOfRva(pointer);
    const name = offset === undefined ? undefined : nameAt(space.view, offset);
    if (name === undefined) continue;
    if (!budget.take(name.value.length)) break;
    const own = bySlot.get(slot);
    if (own === undefined) bySlot.set(slot, [name.value]);
    else own.push(name.value);
  }
  return bySlot;
}
