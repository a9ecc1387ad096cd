import type { View } from "../../bytes/index.ts";
import type { Layout } from "../address-space.ts";
import {
  DIRECTORY,
  IMAGE_NUMBEROF_DIRECTORY_ENTRIES,
  MACHINES,
  PAGE_SIZE,
  SECTOR_SIZE,
} from "./constants.ts";
import type { HeadersAt } from "./find-headers.ts";
import type { Anomaly, Pe } from "./model.ts";

type Headers = Omit<Pe, "anomalies">;

/** What is odd in the headers, as it stands; nothing is mended for it. */
export function headerAnomalies(
  view: View,
  pe: Headers,
  found: HeadersAt,
  numberOfSections: number,
  numberOfRvaAndSizes: number,
): readonly Anomaly[] {
  const anomalies: Anomaly[] = [];
  const note = (code: string, text: string, offset: number, length: number) =>
    anomalies.push({ code, text, at: view.span(offset, length) });
  const optional = pe.lfanew + 24;

  if (!found.hasMz) note("no-mz", "The MZ signature is gone", 0, 2);
  if (found.searched) note("e-lfanew", "e_lfanew does not lead to the PE headers", 0x3c, 4);
  else if (pe.lfanew < 0x40) note("e-lfanew", "The PE headers lie inside the DOS header", 0x3c, 4);
  else if (pe.lfanew % 4 !== 0) note("e-lfanew", "e_lfanew is no multiple of 4", 0x3c, 4);
  if (!found.hasSignature) note("no-pe-signature", "The PE signature is gone", pe.lfanew, 4);
  if (!MACHINES.has(pe.machine)) note("machine", `Unknown Machine ${hex(pe.machine)}`, pe.lfanew + 4, 2);
  if (numberOfSections === 0) note("zero-sections", "NumberOfSections is 0", pe.lfanew + 6, 2);
  if (pe.sections.length < numberOfSections)
    note(
      "section-table-cut",
      `${pe.sections.length} of ${numberOfSections} section headers could be read`,
      pe.lfanew + 6,
      2,
    );
  if (numberOfRvaAndSizes !== IMAGE_NUMBEROF_DIRECTORY_ENTRIES)
    note(
      "number-of-rva-and-sizes",
      `NumberOfRvaAndSizes is ${numberOfRvaAndSizes}`,
      optional + (pe.is64 ? 108 : 92),
      4,
    );
  if (pe.dataDirectories.length < Math.min(numberOfRvaAndSizes, IMAGE_NUMBEROF_DIRECTORY_ENTRIES))
    note("directories-cut", `${pe.dataDirectories.length} data directories could be read`, optional, 2);
  if (pe.sizeOfOptionalHeader < (pe.is64 ? 112 : 96) + 8 * pe.dataDirectories.length)
    note(
      "size-of-optional-header",
      `SizeOfOptionalHeader ${pe.sizeOfOptionalHeader} is too small for its content`,
      pe.lfanew + 20,
      2,
    );
  if (pe.fileAlignment < SECTOR_SIZE)
    note("low-alignment", `FileAlignment is ${hex(pe.fileAlignment)}`, optional + 36, 4);
  else if (!isPowerOfTwo(pe.fileAlignment))
    note("file-alignment", `FileAlignment ${hex(pe.fileAlignment)} is no power of 2`, optional + 36, 4);
  if (!isPowerOfTwo(pe.sectionAlignment) || pe.sectionAlignment < pe.fileAlignment)
    note("section-alignment", `SectionAlignment is ${hex(pe.sectionAlignment)}`, optional + 32, 4);
  if (pe.imageBase > BigInt(Number.MAX_SAFE_INTEGER))
    note("image-base", `ImageBase 0x${pe.imageBase.toString(16)} is no user-space address`, optional + 24, 8);
  else if (pe.imageBase % 0x10000n !== 0n)
    note("image-base", `ImageBase 0x${pe.imageBase.toString(16)} is no multiple of 64 KB`, optional + 24, 8);
  pe.dataDirectories.forEach((directory, i) => {
    if (i === DIRECTORY.security || directory.virtualAddress < pe.sizeOfImage || pe.sizeOfImage === 0) return;
    const text = `Data directory ${i} lies outside the image, at ${hex(directory.virtualAddress)}`;
    note("directory-outside", text, optional + (pe.is64 ? 112 : 96) + 8 * i, 8);
  });
  const tableEnd = optional + pe.sizeOfOptionalHeader + 40 * pe.sections.length;
  if (pe.sizeOfHeaders < tableEnd || pe.sizeOfHeaders > view.length)
    note("size-of-headers", `SizeOfHeaders is ${hex(pe.sizeOfHeaders)}`, optional + 60, 4);
  return anomalies;
}

/** What is odd in the section table. */
export function sectionAnomalies(view: View, pe: Headers, layout: Layout): readonly Anomaly[] {
  const anomalies: Anomaly[] = [];
  const table = pe.lfanew + 24 + pe.sizeOfOptionalHeader;
  let end = 0;
  pe.sections.forEach((section, i) => {
    const note = (code: string, text: string) =>
      anomalies.push({
        code,
        text: `Section ${i} "${section.name}" ${text}`,
        at: view.span(table + 40 * i, 40),
      });
    if (section.virtualAddress < end)
      note("section-overlap", "overlaps the one before it, or stands before it");
    end = section.virtualAddress + (section.virtualSize || section.sizeOfRawData);
    if (layout !== "file") {
      if (end > view.length) note("section-past-end", "runs past the end of the view");
      return;
    }
    if (section.sizeOfRawData === 0 || section.pointerToRawData === 0) return;
    const rawEnd = section.pointerToRawData + section.sizeOfRawData;
    if (section.pointerToRawData >= view.length) note("section-past-end", "lies past the end of the file");
    else if (rawEnd > view.length) note("section-past-end", "runs past the end of the file");
    if (pe.sectionAlignment >= PAGE_SIZE && section.pointerToRawData % SECTOR_SIZE !== 0)
      note("section-pointer", `has the unaligned PointerToRawData ${hex(section.pointerToRawData)}`);
  });
  if (pe.addressOfEntryPoint > 0 && pe.sections.length > 0 && !holdsEntryPoint(pe))
    anomalies.push({
      code: "entry-point",
      text: `AddressOfEntryPoint ${hex(pe.addressOfEntryPoint)} lies in no section`,
      at: view.span(pe.lfanew + 40, 4),
    });
  return anomalies;
}

function holdsEntryPoint(pe: Headers): boolean {
  return pe.sections.some(
    (section) =>
      pe.addressOfEntryPoint >= section.virtualAddress &&
      pe.addressOfEntryPoint < section.virtualAddress + Math.max(section.virtualSize, section.sizeOfRawData),
  );
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && Math.log2(value) % 1 === 0;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
