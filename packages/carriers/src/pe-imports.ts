/** The `.idata` section, as "PE Format" has it. */

export interface ImportSection {
  readonly data: Uint8Array;
  readonly descriptorsSize: number;
  readonly iatOffset: number;
  readonly iatSize: number;
}

/** IMAGE_IMPORT_DESCRIPTORs, lookup tables, address tables, then names: in that order. */
export function importSection(
  imports: Readonly<Record<string, readonly string[]>>,
  rva: number,
  is64: boolean,
): ImportSection {
  const dlls = Object.entries(imports);
  const slot = is64 ? 8 : 4;
  const descriptorsSize = (dlls.length + 1) * 20;
  const tableSize = dlls.reduce((sum, [, functions]) => sum + (functions.length + 1) * slot, 0);
  const lookupOffset = align(descriptorsSize, 8);
  const iatOffset = lookupOffset + tableSize;
  const nameSize = (name: string): number => align(name.length + 1, 2);
  const namesSize = dlls.reduce(
    (sum, [dll, functions]) => functions.reduce((inner, f) => inner + 2 + nameSize(f), sum + nameSize(dll)),
    0,
  );
  const data = new Uint8Array(iatOffset + tableSize + namesSize);
  const out = new DataView(data.buffer);
  let names = iatOffset + tableSize;
  let table = 0;
  dlls.forEach(([dll, functions], i) => {
    out.setUint32(i * 20, rva + lookupOffset + table, true);
    out.setUint32(i * 20 + 12, rva + names, true);
    out.setUint32(i * 20 + 16, rva + iatOffset + table, true);
    ascii(data, names, dll);
    names += nameSize(dll);
    for (const name of functions) {
      out.setUint32(lookupOffset + table, rva + names, true);
      out.setUint32(iatOffset + table, rva + names, true);
      ascii(data, names + 2, name);
      names += 2 + nameSize(name);
      table += slot;
    }
    table += slot;
  });
  return { data, descriptorsSize, iatOffset, iatSize: tableSize };
}

function align(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}

function ascii(into: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) into[at + i] = text.charCodeAt(i);
}
