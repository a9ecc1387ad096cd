/** The two commands of 7-Zip that are used: list, and extract to standard output. */
import { type Listing, ListingReader } from "./listing.ts";
import { type CollectorOptions, MemberCollector } from "./members.ts";
import { type Exit, SELECTION_FILE, type SevenZipSession } from "./seven-zip.ts";

const QUIET = ["-y", "-bsp0", "-bse2", "-sccUTF-8", "-scsUTF-8"];
/** Characters of 7-Zip's complaints about a listing. */
const MAX_SAID = 65_536;
/** Up to this many names are selected by name; beyond, unwanted bytes are decoded and dropped. */
const MAX_SELECTION = 256;

/** At most `limit` members, and what 7-Zip complains of. */
export async function list(
  session: SevenZipSession,
  password: string,
  limit: number,
): Promise<{ listing: Listing; exit: Exit; said: string }> {
  const reader = new ListingReader(limit);
  const decoder = new TextDecoder();
  let said = "";
  const exit = await session.run({
    args: ["l", "-slt", ...QUIET, `-p${password}`],
    out: (bytes) => reader.take(bytes),
    log: (bytes) => {
      said += decoder.decode(bytes, { stream: true });
      return said.length < MAX_SAID;
    },
  });
  return { listing: reader.end(), exit, said };
}

export interface ExtractOptions extends CollectorOptions {
  /** Narrows the run to some names; 7-Zip then need not decode the others. */
  readonly selection?: readonly string[];
  readonly password?: string;
}

export async function extract(
  session: SevenZipSession,
  options: ExtractOptions,
): Promise<{ collector: MemberCollector; exit: Exit }> {
  const collector = new MemberCollector(options);
  const names = options.selection?.length ?? 0;
  const narrow = names > 0 && names <= MAX_SELECTION;
  const exit = await session.run({
    args: [
      "x",
      "-so",
      "-bb1",
      "-bso2",
      ...QUIET,
      `-p${options.password ?? ""}`,
      ...(narrow ? ["-ssc", `-i@${SELECTION_FILE}`] : []),
    ],
    ...(narrow ? { selection: (options.selection ?? []).map(wildcard) } : {}),
    out: (bytes) => collector.data(bytes),
    log: (bytes) => collector.log(bytes),
  });
  collector.end(exit === "crashed" ? "7-Zip cannot go on from here" : undefined);
  // A name that 7-Zip takes for something else in a list: once more, over all names.
  if (narrow && collector.met.size === 0 && exit === "ended" && collector.errors.length === 0)
    return extract(session, { ...options, selection: [] });
  return { collector, exit };
}

/** A name as a line of a selection: `_` may stand for a control character, and quotes and wildcards for themselves. */
function wildcard(path: string): string {
  return path.replace(/[_"*]/g, "?");
}
