/** Opens an archive, image or installer: what is inside it, within what the sample may still cost. */

import { passwordCandidates } from "@assay/core/layers/passwords";
import type { Step } from "@assay/core/model/index";
import { type ListedMember, type Listing, ListingReader } from "./listing.ts";
import { MemberCollector, type RawMember } from "./members.ts";
import { type Exit, runSevenZip, SELECTION_FILE } from "./seven-zip.ts";
import { type ContainerType, containerType } from "./types.ts";
import { rebuildZip } from "./zip-repair.ts";

export interface ContainerInput {
  readonly bytes: Uint8Array;
  /** As `classify` names it; only `zip` changes what is done. */
  readonly format: string;
  /** File name of the archive, when known. */
  readonly name?: string;
  /** In the order of trying; `passwordCandidates` makes the list. Empty: the field's own. */
  readonly passwords: readonly string[];
  readonly limits: {
    /** Bytes of all members together. */
    readonly bytes: number;
    readonly members: number;
  };
}

export interface ContainerMember {
  /** As the archive has it, a name and never a path of this machine; control characters read `_`. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** `op` is the format in lower case; `password` is the one that worked, `damage` what 7-Zip says is wrong. */
  readonly step: Step;
}

export interface ContainerReason {
  readonly code:
    | "not-a-container"
    | "encrypted"
    | "damaged"
    | "links-ignored"
    | "too-many-members"
    | "over-budget"
    | "cut"
    | "needs-memory";
  readonly text: string;
}

export interface ContainerResult {
  readonly members: readonly ContainerMember[];
  readonly reasons: readonly ContainerReason[];
}

const QUIET = ["-y", "-bsp0", "-bse2", "-sccUTF-8", "-scsUTF-8"];
/** Up to this many names are selected or left out by name; beyond, unwanted bytes are decoded and dropped. */
const MAX_SELECTION = 256;
/** Members too large for the budget of which the head is looked at: a program inflated with padding is one. */
const MAX_OVERSIZE = 4;
/** Names that a reason quotes. */
const MAX_QUOTED = 3;

/** Never throws on any input; a damaged archive gives what can be read of it, and a reason. */
export async function openContainer(input: ContainerInput): Promise<ContainerResult> {
  const passwords = input.passwords.length > 0 ? input.passwords : passwordCandidates([], input.name);
  const opened = await new Opening(input, input.bytes, passwords).open();
  if (opened.members.length > 0 || input.format !== "zip") return opened;
  // A zip without its directory, or with a false one: the members' own headers still stand.
  const rebuilt = rebuildZip(input.bytes, input.limits.members);
  if (rebuilt === undefined || !opened.reasons.some(({ code }) => code === "damaged")) return opened;
  const again = await new Opening(input, rebuilt, passwords).open();
  return again.members.length === 0
    ? opened
    : {
        members: again.members,
        reasons: [
          { code: "damaged", text: "the zip's directory is damaged; members were read by their own headers" },
          ...again.reasons,
        ],
      };
}

class Opening {
  readonly #input: ContainerInput;
  readonly #bytes: Uint8Array;
  readonly #passwords: readonly string[];
  readonly #reasons: ContainerReason[] = [];
  readonly #members: ContainerMember[] = [];
  readonly #damaged: string[] = [];
  #kept = 0;
  #type: ContainerType = { type: "", title: "" };

  constructor(input: ContainerInput, bytes: Uint8Array, passwords: readonly string[]) {
    this.#input = input;
    this.#bytes = bytes;
    this.#passwords = passwords;
  }

  async open(): Promise<ContainerResult> {
    const listed = await this.#list();
    if (listed === undefined) return { members: [], reasons: this.#reasons };
    const { listing, password } = listed;
    const type = containerType(listing.type);
    if (type === undefined) {
      this.#reason("not-a-container", `7-Zip reads this as ${listing.type}, which is not taken apart`);
      return { members: [], reasons: this.#reasons };
    }
    this.#type = type;
    if (type.stream) await this.#stream();
    else await this.#archive(listing, password);
    if (this.#damaged.length > 0) this.#reason("damaged", quote("kept, but damaged", this.#damaged));
    return { members: this.#members, reasons: this.#reasons };
  }

  /** The listing, with the password that opened it when the headers are encrypted. */
  async #list(): Promise<{ listing: Listing; password: string | undefined } | undefined> {
    for (const [tried, password] of this.#passwords.entries()) {
      const reader = new ListingReader(this.#input.limits.members);
      let said = "";
      const exit = await runSevenZip({
        input: this.#bytes,
        args: ["l", "-slt", ...QUIET, `-p${password}`],
        out: (bytes) => reader.take(bytes),
        log: (bytes) => (said += new TextDecoder().decode(bytes)).length < 65_536,
      });
      const listing = reader.end();
      if (said.includes("Cannot open encrypted archive")) continue;
      if (listing.type === undefined) {
        this.#reasonOfFailure(exit, said);
        return undefined;
      }
      return { listing, password: tried > 0 ? password : undefined };
    }
    this.#encrypted("headers and contents are encrypted");
    return undefined;
  }

  /** A single stream: neither its size nor its name can be trusted, so it is cut at the allowance. */
  async #stream(): Promise<void> {
    const { members, exit } = await this.#extract({ bytes: this.#input.limits.bytes, members: 1 });
    const [only] = members;
    if (only === undefined) {
      this.#reasonOfFailure(exit, "");
      return;
    }
    this.#keep(only, this.#streamName(only.path), undefined);
  }

  /** gzip keeps a name; the others take the archive's without its ending. */
  #streamName(path: string): string {
    if (path !== "in~" && path !== "in") return path;
    const name = this.#input.name ?? this.#type.type.toLowerCase();
    const lower = name.toLowerCase();
    for (const [ending, becomes] of this.#type.endings ?? [])
      if (lower.endsWith(ending) && name.length > ending.length)
        return name.slice(0, -ending.length) + becomes;
    return `${name}~`;
  }

  async #archive(listing: Listing, password: string | undefined): Promise<void> {
    if (listing.more)
      this.#reason("too-many-members", `only the first ${this.#input.limits.members} entries are looked at`);
    const links = listing.members.filter((member) => member.special);
    if (links.length > 0)
      this.#reason(
        "links-ignored",
        quote(
          "links and devices are not followed",
          links.map(({ path }) => path),
        ),
      );
    const files = listing.members.filter((member) => !member.folder && !member.special && member.size !== 0);
    const { fitting, oversize } = this.#fit(files);
    await this.#plain(listing, files, fitting, password);
    for (const member of oversize.slice(0, MAX_OVERSIZE)) await this.#head(member);
    if (oversize.length > 0) this.#overBudget(oversize);
  }

  /** Files in order, as long as their declared sizes fit. */
  #fit(files: readonly ListedMember[]): { fitting: ListedMember[]; oversize: ListedMember[] } {
    const fitting: ListedMember[] = [];
    const oversize: ListedMember[] = [];
    let sum = 0;
    for (const file of files) {
      const size = file.size ?? 0;
      if (sum + size > this.#input.limits.bytes) oversize.push(file);
      else {
        fitting.push(file);
        sum += size;
      }
    }
    return { fitting, oversize };
  }

  async #plain(
    listing: Listing,
    files: readonly ListedMember[],
    fitting: readonly ListedMember[],
    opener: string | undefined,
  ): Promise<void> {
    if (fitting.length === 0) return;
    const encrypted = new Set(fitting.filter((file) => file.encrypted).map(({ path }) => path));
    let missing = new Set(fitting.map(({ path }) => path));
    const all = new Set(missing);
    const passwords =
      encrypted.size === 0
        ? [undefined]
        : opener === undefined
          ? this.#passwords
          : [opener, ...this.#passwords.filter((word) => word !== opener)];
    let proven = opener !== undefined;
    for (const password of passwords) {
      const whole = missing.size === files.length && !listing.more;
      const narrow = !whole && missing.size <= MAX_SELECTION;
      const failed = new Set<string>();
      const { members, exit, cut, errors } = await this.#extract({
        bytes: this.#input.limits.bytes - this.#kept,
        members: fitting.length,
        wanted: (path) => missing.has(path),
        ...(narrow ? { selection: [...missing] } : {}),
        ...(password === undefined ? {} : { password }),
        // A wrong password of 7z or rar costs a key derivation a member; zip tells it from a check value.
        hopeless: (error) => !proven && this.#type.type !== "zip" && /password/i.test(error),
      });
      for (const member of members) {
        const secret = encrypted.has(member.path);
        if (secret && /Wrong password/.test(member.error ?? "") && !(proven && password === opener))
          failed.add(member.path);
        else {
          if (secret && member.error === undefined) proven = true;
          this.#keep(member, member.path, secret ? password : undefined);
        }
      }
      if (exit === "crashed") this.#reasonOfFailure(exit, errors.join("; "));
      else if (members.length === 0) for (const error of errors) this.#reason("damaged", error);
      if (cut) {
        this.#reason("cut", `unpacking stopped after ${this.#input.limits.bytes} bytes`);
        return;
      }
      if (encrypted.size === 0) return;
      missing = failed;
      if (missing.size === 0) return;
    }
    this.#encrypted(quote(`${missing.size} of ${all.size} members`, [...missing]));
  }

  /** What starts as a program is kept as far as the budget goes: padding at its end is what made it large. */
  async #head(file: ListedMember): Promise<void> {
    const room = this.#input.limits.bytes - this.#kept;
    if (room <= 0) return;
    for (const password of file.encrypted ? this.#passwords : [undefined]) {
      const { members } = await this.#extract({
        bytes: room,
        members: 1,
        selection: [file.path],
        accept: (head) => head[0] === 0x4d && head[1] === 0x5a,
        ...(password === undefined ? {} : { password }),
        hopeless: (error) => /password/i.test(error),
      });
      const [only] = members;
      if (only === undefined || /password/i.test(only.error ?? "")) continue;
      this.#keep(only, file.path, password);
      return;
    }
  }

  async #extract(options: {
    readonly bytes: number;
    readonly members: number;
    readonly wanted?: (path: string) => boolean;
    readonly accept?: (head: Uint8Array) => boolean;
    readonly hopeless?: (error: string) => boolean;
    readonly selection?: readonly string[];
    readonly password?: string;
  }): Promise<{ members: readonly RawMember[]; exit: Exit; cut: boolean; errors: readonly string[] }> {
    const collector = new MemberCollector({ wanted: () => true, ...options });
    const exit = await runSevenZip({
      input: this.#bytes,
      args: [
        "x",
        "-so",
        "-bb1",
        "-bso2",
        ...QUIET,
        `-p${options.password ?? ""}`,
        ...(options.selection === undefined ? [] : ["-spd", "-ssc", `-i@${SELECTION_FILE}`]),
      ],
      ...(options.selection === undefined ? {} : { selection: options.selection }),
      out: (bytes) => collector.data(bytes),
      log: (bytes) => collector.log(bytes),
    });
    collector.end();
    return { members: collector.members, exit, cut: collector.cut, errors: collector.errors };
  }

  #keep(member: RawMember, name: string, password: string | undefined): void {
    if (member.bytes.length === 0) {
      this.#damaged.push(`${name} (${member.error})`);
      return;
    }
    if (member.error !== undefined) this.#damaged.push(`${name} (${member.error})`);
    if (member.cut && this.#type.stream)
      this.#reason("cut", `unpacking stopped after ${this.#input.limits.bytes} bytes`);
    this.#kept += member.bytes.length;
    this.#members.push({
      name,
      bytes: member.bytes,
      step: {
        op: this.#type.type.toLowerCase(),
        params: {
          member: name,
          ...(password === undefined ? {} : { password }),
          ...(member.error === undefined ? {} : { damage: member.error }),
          ...(member.cut ? { "cut-at": member.bytes.length } : {}),
        },
      },
    });
  }

  #overBudget(oversize: readonly ListedMember[]): void {
    const kept = new Set(this.#members.map(({ name }) => name));
    const heads = oversize.filter(({ path }) => kept.has(path)).map(({ path }) => path);
    const left = oversize.filter(({ path }) => !kept.has(path));
    const limit = this.#input.limits.bytes;
    if (heads.length > 0)
      this.#reason(
        "cut",
        quote(`larger than the ${limit} bytes allowed here, only the start was unpacked`, heads),
      );
    if (left.length > 0) {
      const size = left.reduce((sum, file) => sum + (file.size ?? 0), 0);
      this.#reason(
        "over-budget",
        quote(
          `${left.length} members of ${size} bytes do not fit into the ${limit} bytes allowed here`,
          left.map(({ path }) => path),
        ),
      );
    }
  }

  #encrypted(what: string): void {
    this.#reason(
      "encrypted",
      `${what}: none of the ${this.#passwords.length} passwords tried opens it: ${this.#passwords.join(", ")}`,
    );
  }

  #reasonOfFailure(exit: Exit, said: string): void {
    if (/allocate|memory/i.test(said))
      this.#reason("needs-memory", "unpacking needs more memory than is allowed");
    else if (exit === "crashed" || /Unexpected end|Headers Error|Data Error|CRC/i.test(said))
      this.#reason("damaged", "the archive is damaged or truncated and cannot be read");
    else this.#reason("damaged", "7-Zip does not recognise this as an archive: damaged, or something else");
  }

  #reason(code: ContainerReason["code"], text: string): void {
    if (!this.#reasons.some((reason) => reason.code === code && reason.text === text))
      this.#reasons.push({ code, text });
  }
}

function quote(what: string, names: readonly string[]): string {
  const more = names.length - MAX_QUOTED;
  const shown = names.slice(0, MAX_QUOTED).map((name) => name.slice(0, 120));
  return `${what}: ${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
