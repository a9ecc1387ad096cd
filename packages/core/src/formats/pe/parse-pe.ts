import { attempt, Cursor, latin1, ParseError, type Result, type View } from "../../bytes/index.ts";
import type { Layout } from "../address-space.ts";
import { headerAnomalies, sectionAnomalies } from "./anomalies.ts";
import {
  IMAGE_NT_OPTIONAL_HDR32_MAGIC,
  IMAGE_NT_OPTIONAL_HDR64_MAGIC,
  IMAGE_NUMBEROF_DIRECTORY_ENTRIES,
  MAX_SECTIONS,
} from "./constants.ts";
import { findHeaders } from "./find-headers.ts";
import type { DataDirectory, Pe, Section } from "./model.ts";

/**
 * Reads the headers and the section table ("PE Format", learn.microsoft.com/windows/win32/debug/pe-format).
 *
 * Erased MZ, e_lfanew and PE signature are made up for by structure. Data directories and sections that a truncated
 * view lacks are left out with an anomaly. Errors: `bad-magic` when no headers are found, `truncated` inside the
 * optional header's fixed part. `layout` says how sections are judged against the view's end.
 */
export function parsePe(view: View, layout: Layout = "file"): Result<Pe> {
  return attempt(() => {
    const found = findHeaders(view);
    if (found === undefined) throw new ParseError("bad-magic", "IMAGE_NT_HEADERS", view.span(0, 0));
    const cursor = new Cursor(view, found.lfanew + 4);
    const machine = cursor.u16("Machine");
    const numberOfSections = cursor.u16("NumberOfSections");
    const timeDateStamp = cursor.u32("TimeDateStamp");
    cursor.skip(8, "PointerToSymbolTable");
    const sizeOfOptionalHeader = cursor.u16("SizeOfOptionalHeader");
    const characteristics = cursor.u16("Characteristics");
    const optional = readOptionalHeader(cursor);
    const dataDirectories = readDirectories(cursor, optional.numberOfRvaAndSizes);
    const sections = readSections(view, found.lfanew + 24 + sizeOfOptionalHeader, numberOfSections);
    const { numberOfRvaAndSizes, ...kept } = optional;
    const pe = {
      lfanew: found.lfanew,
      machine,
      timeDateStamp,
      characteristics,
      sizeOfOptionalHeader,
      ...kept,
      sections,
      dataDirectories,
    };
    const anomalies = [
      ...headerAnomalies(view, pe, found, numberOfSections, numberOfRvaAndSizes),
      ...sectionAnomalies(view, pe, layout),
    ];
    return { ...pe, anomalies };
  });
}

function readOptionalHeader(cursor: Cursor) {
  const magic = cursor.u16("Magic");
  const is64 = magic === IMAGE_NT_OPTIONAL_HDR64_MAGIC;
  if (!is64 && magic !== IMAGE_NT_OPTIONAL_HDR32_MAGIC) cursor.reject("Magic", 2);
  cursor.skip(14, "SizeOfCode");
  const addressOfEntryPoint = cursor.u32("AddressOfEntryPoint");
  cursor.skip(is64 ? 4 : 8, "BaseOfCode");
  const imageBase = is64 ? cursor.u64("ImageBase") : BigInt(cursor.u32("ImageBase"));
  const sectionAlignment = cursor.u32("SectionAlignment");
  const fileAlignment = cursor.u32("FileAlignment");
  cursor.skip(16, "MajorOperatingSystemVersion");
  const sizeOfImage = cursor.u32("SizeOfImage");
  const sizeOfHeaders = cursor.u32("SizeOfHeaders");
  const checkSum = cursor.u32("CheckSum");
  const subsystem = cursor.u16("Subsystem");
  const dllCharacteristics = cursor.u16("DllCharacteristics");
  cursor.skip(is64 ? 36 : 20, "SizeOfStackReserve");
  const numberOfRvaAndSizes = cursor.u32("NumberOfRvaAndSizes");
  return {
    is64,
    addressOfEntryPoint,
    imageBase,
    sectionAlignment,
    fileAlignment,
    sizeOfImage,
    sizeOfHeaders,
    checkSum,
    subsystem,
    dllCharacteristics,
    numberOfRvaAndSizes,
  };
}

/** The loader takes NumberOfRvaAndSizes as it stands and reads no more than 16. */
function readDirectories(cursor: Cursor, count: number): readonly DataDirectory[] {
  const directories: DataDirectory[] = [];
  for (let i = 0; i < Math.min(count, IMAGE_NUMBEROF_DIRECTORY_ENTRIES) && cursor.remaining >= 8; i++) {
    directories.push({ virtualAddress: cursor.u32("VirtualAddress"), size: cursor.u32("Size") });
  }
  return directories;
}

function readSections(view: View, start: number, count: number): readonly Section[] {
  const sections: Section[] = [];
  for (let i = 0; i < Math.min(count, MAX_SECTIONS) && view.has(start + 40 * i, 40); i++) {
    const cursor = new Cursor(view, start + 40 * i);
    const name = cursor.take(8, "Name").bytes;
    const end = name.indexOf(0);
    const virtualSize = cursor.u32("VirtualSize");
    const virtualAddress = cursor.u32("VirtualAddress");
    const sizeOfRawData = cursor.u32("SizeOfRawData");
    const pointerToRawData = cursor.u32("PointerToRawData");
    cursor.skip(12, "PointerToRelocations");
    sections.push({
      name: latin1(end < 0 ? name : name.subarray(0, end)),
      virtualSize,
      virtualAddress,
      sizeOfRawData,
      pointerToRawData,
      characteristics: cursor.u32("Characteristics"),
    });
  }
  return sections;
}
