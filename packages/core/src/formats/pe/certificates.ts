import type { View } from "../../bytes/index.ts";
import { DIRECTORY } from "./constants.ts";
import type { CertificateEntry, Pe } from "./model.ts";

/** Files carry one or two. */
const MAX_CERTIFICATES = 64;

/**
 * WIN_CERTIFICATE entries. The directory's address is a file offset, so only files have them. The last entry's data
 * is cut short where the file ends.
 */
export function readCertificates(view: View, pe: Pe): readonly CertificateEntry[] {
  const directory = pe.dataDirectories[DIRECTORY.security];
  const entries: CertificateEntry[] = [];
  if (directory === undefined || directory.virtualAddress === 0) return entries;
  const table = view.clip(directory.virtualAddress, directory.size);
  for (let offset = 0; entries.length < MAX_CERTIFICATES && table.has(offset, 8); ) {
    const length = table.u32(offset) ?? 0;
    if (length < 8) break;
    entries.push({
      revision: table.u16(offset + 4) ?? 0,
      type: table.u16(offset + 6) ?? 0,
      data: table.clip(offset + 8, length - 8),
    });
    offset += Math.ceil(length / 8) * 8;
  }
  return entries;
}
