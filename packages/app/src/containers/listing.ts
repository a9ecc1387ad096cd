/** Reads what `7z l -slt` prints: the archive's own properties, then a block of `Name = value` lines a member. */

export interface ListedMember {
  /** Path as 7-Zip prints it: control characters replaced by `_`. */
  readonly path: string;
  /** Unpacked size in bytes; undefined when the archive does not say. */
  readonly size: number | undefined;
  readonly folder: boolean;
  /** A symbolic or hard link, a device, a pipe. */
  readonly special: boolean;
  readonly encrypted: boolean;
  readonly method: string;
  /** Begins or goes on in another volume. */
  readonly split: boolean;
}

export interface Listing {
  /** 7-Zip's name of the format: `7z`, `Rar5`, `gzip`; undefined when it opened nothing. */
  readonly type: string | undefined;
  readonly members: readonly ListedMember[];
  /** There are more members than were asked for. */
  readonly more: boolean;
  /** One volume of a set, of which others are wanted. */
  readonly volumeMissing: boolean;
}

/** Collects the listing as it is printed, and stops at `limit` members. */
export class ListingReader {
  readonly #limit: number;
  readonly #decoder = new TextDecoder();
  readonly #members: ListedMember[] = [];
  #type: string | undefined;
  #line = "";
  #body = false;
  #block = new Map<string, string>();
  #more = false;
  #volumeMissing = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** False when there is nothing more to take. */
  take(bytes: Uint8Array): boolean {
    const lines = (this.#line + this.#decoder.decode(bytes, { stream: true })).split("\n");
    this.#line = lines.pop() ?? "";
    for (const line of lines) this.#add(line);
    return !this.#more && this.#line.length < MAX_LINE;
  }

  end(): Listing {
    this.#flush();
    return {
      type: this.#type,
      members: this.#members,
      more: this.#more,
      volumeMissing: this.#volumeMissing || this.#members.some((one) => one.split),
    };
  }

  #add(line: string): void {
    if (!this.#body) {
      const type = /^Type = (.*)$/.exec(line)?.[1];
      // The first: what is inside a compressed tar or an executable comes after.
      if (type !== undefined) this.#type = type;
      if (line.startsWith("ERROR = Missing volume")) this.#volumeMissing = true;
      if (line === "----------") this.#body = true;
      return;
    }
    if (line === "") {
      this.#flush();
      return;
    }
    const at = line.indexOf(" = ");
    const [name, value] = at < 0 ? [line.replace(/ =$/, ""), ""] : [line.slice(0, at), line.slice(at + 3)];
    if (!this.#block.has(name)) this.#block.set(name, value);
  }

  #flush(): void {
    const path = this.#block.get("Path");
    if (path !== undefined) {
      if (this.#members.length >= this.#limit) this.#more = true;
      else this.#members.push(member(path, this.#block));
    }
    this.#block = new Map();
  }
}

/** A name in an archive has at most 64 Ki characters. */
const MAX_LINE = 1024 * 1024;

function member(path: string, block: ReadonlyMap<string, string>): ListedMember {
  const value = (name: string): string => block.get(name) ?? "";
  const size = value("Size");
  const mode = value("Mode") || value("Attributes");
  return {
    path,
    size: /^\d+$/.test(size) ? Number(size) : undefined,
    folder: value("Folder") === "+" || /(^|\s)d[rwxst-]{9}/i.test(mode) || /^D/.test(value("Attributes")),
    special:
      value("Symbolic Link") !== "" ||
      value("Hard Link") !== "" ||
      value("Alternate Stream") === "+" ||
      /(^|\s)[lbcs][rwxst-]{9}/i.test(mode),
    encrypted: value("Encrypted") === "+",
    method: value("Method"),
    split: value("Split Before") === "+" || value("Split After") === "+",
  };
}
