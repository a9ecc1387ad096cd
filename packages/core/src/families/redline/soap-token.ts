/** The authorization token, read from the code that makes the SOAP header, where #US does not show it. */
import type { Found } from "../../bytes/index.ts";
import { type Dotnet, methodEffects } from "../../formats/dotnet/index.ts";
import { constantText } from "./folded.ts";
import { methodCode } from "./stores.ts";
import { isToken } from "./user-strings.ts";

const MEMBER_REF = 0x0a;
const NAME_COLUMN = 1;
const CALL = 0x28;

/** Methods that make a header; RedLine has one. */
const MAX_MAKERS = 16;

/** The last argument of `MessageHeader.CreateHeader("Authorization", "ns1", token)`. */
export function tokenFromCode(dotnet: Dotnet): Found<string> | undefined {
  const creators = membersNamed(dotnet, "CreateHeader");
  if (creators.size === 0) return undefined;
  let left = MAX_MAKERS;
  for (const { rid, bytes } of methodCode(dotnet)) {
    if (!callsOne(bytes, creators)) continue;
    if (left-- === 0) break;
    for (const { method, args } of methodEffects(dotnet, rid).calls) {
      const value = method.endsWith("MessageHeader::CreateHeader") ? args[2] : undefined;
      const text = value && constantText(value);
      if (text !== undefined && isToken(text.value)) return text;
    }
  }
  return undefined;
}

/** Row ids of the MemberRefs of that name. */
function membersNamed(dotnet: Dotnet, name: string): ReadonlySet<number> {
  const rids = new Set<number>();
  for (let rid = 1; rid <= dotnet.rowCount(MEMBER_REF); rid++) {
    const index = dotnet.row(MEMBER_REF, rid)?.[NAME_COLUMN];
    if (index !== undefined && dotnet.string(index) === name) rids.add(rid);
  }
  return rids;
}

/** True when the bytes of a call of one of the members are there. */
function callsOne(code: Uint8Array, members: ReadonlySet<number>): boolean {
  for (let at = code.indexOf(CALL); at >= 0; at = code.indexOf(CALL, at + 1)) {
    if (code[at + 4] !== MEMBER_REF) continue;
    const rid = (code[at + 1] as number) | ((code[at + 2] as number) << 8) | ((code[at + 3] as number) << 16);
    if (members.has(rid)) return true;
  }
  return false;
}
