import type { Space } from "../space.ts";
import {
  DIRECTORY,
  EFI_SUBSYSTEMS,
  IMAGE_FILE_DLL,
  IMAGE_FILE_SYSTEM,
  IMAGE_SUBSYSTEM_NATIVE,
} from "./constants.ts";
import type { Pe } from "./model.ts";

/** Short name for people: `PE32 exe`, `PE32+ dll`, `.NET exe`, `PE32+ sys`, `PE32+ efi`. */
export function kindOf(pe: Pe, space: Space): string {
  const cli = pe.dataDirectories[DIRECTORY.comDescriptor]?.virtualAddress ?? 0;
  const isDotnet = cli > 0 && space.readRva(cli, 4)?.u32(0) === 72;
  const container = isDotnet ? ".NET" : pe.is64 ? "PE32+" : "PE32";
  return `${container} ${roleOf(pe)}`;
}

function roleOf(pe: Pe): string {
  if (EFI_SUBSYSTEMS.includes(pe.subsystem)) return "efi";
  if ((pe.characteristics & IMAGE_FILE_DLL) !== 0) return "dll";
  if (pe.subsystem === IMAGE_SUBSYSTEM_NATIVE || (pe.characteristics & IMAGE_FILE_SYSTEM) !== 0) return "sys";
  return "exe";
}
