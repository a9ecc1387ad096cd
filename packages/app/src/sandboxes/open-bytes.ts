/** The archive reader behind `OpenArchive`, where the bytes are in hand. */
import { openContainer } from "../containers/open.ts";
import type { OnMember, UnpackLimits } from "./unpack.ts";

/** With the bytes in hand, in this process: what the analysis process does, and tests. */
export async function openBytes(
  bytes: Uint8Array,
  passwords: readonly string[],
  limits: UnpackLimits,
  onMember: OnMember,
): Promise<readonly { code: string; text: string }[]> {
  const opened = await openContainer({ bytes, format: "zip", passwords, limits });
  for (const member of opened.members) onMember(member.name, member.bytes);
  return opened.reasons;
}
