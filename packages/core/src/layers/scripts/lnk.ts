/** Shell links ([MS-SHLLINK]): what they run, and what hangs behind them. */
import { attempt, Cursor, latin1, type Result, utf16le, type View } from "../../bytes/index.ts";

export interface ShellLink {
  readonly target?: string;
  readonly name?: string;
  readonly relativePath?: string;
  readonly workingDir?: string;
  readonly arguments?: string;
  readonly iconLocation?: string;
  /** EnvironmentVariableDataBlock. */
  readonly environment?: string;
  /** Where the arguments stand. */
  readonly argumentsAt?: { readonly offset: number; readonly length: number };
  /** Bytes behind the terminal block. */
  readonly overlay: View | undefined;
}

const FLAG = {
  idList: 1,
  linkInfo: 2,
  name: 4,
  relative: 8,
  working: 0x10,
  arguments: 0x20,
  icon: 0x40,
  unicode: 0x80,
};
const HEADER_SIZE = 0x4c;
const ENVIRONMENT_BLOCK = 0xa000_0001;
/** Extra data blocks of one link; the specification has eleven kinds. */
const MAX_BLOCKS = 32;

export function parseLnk(view: View): Result<ShellLink> {
  return attempt(() => {
    const cursor = new Cursor(view);
    if (cursor.u32("HeaderSize") !== HEADER_SIZE) cursor.reject("HeaderSize", 4);
    cursor.skip(16, "LinkCLSID");
    const flags = cursor.u32("LinkFlags");
    cursor.skip(HEADER_SIZE - 24, "ShellLinkHeader");
    if (flags & FLAG.idList) cursor.skip(cursor.u16("IDListSize"), "IDList");
    let target: string | undefined;
    if (flags & FLAG.linkInfo) {
      const at = cursor.offset;
      const size = cursor.u32("LinkInfoSize");
      if (size < 4) cursor.reject("LinkInfoSize", 4);
      target = localPath(view.clip(at, size));
      cursor.skip(size - 4, "LinkInfo");
    }
    const wide = (flags & FLAG.unicode) !== 0;
    let argumentsAt: ShellLink["argumentsAt"];
    const text = (flag: number, field: string): string | undefined => {
      if ((flags & flag) === 0) return undefined;
      const length = cursor.u16(field) * (wide ? 2 : 1);
      const at = cursor.offset;
      const { bytes } = cursor.take(length, field);
      if (flag === FLAG.arguments) argumentsAt = { offset: at, length };
      return wide ? utf16le(bytes) : latin1(bytes);
    };
    const name = text(FLAG.name, "NAME_STRING");
    const relativePath = text(FLAG.relative, "RELATIVE_PATH");
    const workingDir = text(FLAG.working, "WORKING_DIR");
    const args = text(FLAG.arguments, "COMMAND_LINE_ARGUMENTS");
    const iconLocation = text(FLAG.icon, "ICON_LOCATION");
    let environment: string | undefined;
    for (let i = 0; i < MAX_BLOCKS && cursor.remaining >= 4; i++) {
      const size = cursor.u32("BlockSize");
      // The terminal block.
      if (size < 4) break;
      if (size < 8 || size - 4 > cursor.remaining) {
        cursor.offset -= 4;
        break;
      }
      const block = cursor.take(size - 4, "ExtraData");
      if (block.u32(0) === ENVIRONMENT_BLOCK && block.length >= 4 + 260 + 520)
        environment =
          untilNul(utf16le(block.bytes.subarray(264, 784))) || untilNul(latin1(block.bytes.subarray(4, 264)));
    }
    return {
      ...(target === undefined ? {} : { target }),
      ...(name === undefined ? {} : { name }),
      ...(relativePath === undefined ? {} : { relativePath }),
      ...(workingDir === undefined ? {} : { workingDir }),
      ...(args === undefined ? {} : { arguments: args }),
      ...(iconLocation === undefined ? {} : { iconLocation }),
      ...(environment === undefined || environment === "" ? {} : { environment }),
      ...(argumentsAt === undefined ? {} : { argumentsAt }),
      overlay: cursor.remaining > 0 ? view.clip(cursor.offset) : undefined,
    };
  });
}

function untilNul(text: string): string {
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}

/** LocalBasePath of a LinkInfo (2.3). */
function localPath(info: View): string | undefined {
  const flags = info.u32(8) ?? 0;
  const offset = info.u32(16) ?? 0;
  if ((flags & 1) === 0 || offset < 28 || offset >= info.length) return undefined;
  return untilNul(latin1(info.bytes.subarray(offset, offset + 520)));
}
