/** Opens an archive, image or installer: what is inside it, within what the sample may still cost. */

import { passwordCandidates } from "@assay/core/layers/passwords";
import type { Step } from "@assay/core/model/index";
import { type ListedMember, type Listing, ListingReader } from "./listing.ts";
import { type CollectorOptions, MemberCollector, type RawMember } from "./members.ts";
import { type Exit, SELECTION_FILE, SevenZipSession } from "./seven-zip.ts";
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
/** Up to this many names are selected by name; beyond, unwanted bytes are decoded and dropped. */
const MAX_SELECTION = 256;
/** Members too large for the budget of which the head is looked at: a program inflated with padding is one. */
const MAX_OVERSIZE = 4;
/** What 7-Zip says at the heap's limit. */
const NO_MEMORY = /allocate|not enough memory/i;
/** A password that nobody has. */
const NO_PASSWORD = "\u2205 no password \u2205";
/** Characters of 7-Zip's complaints about a listing. */
const MAX_SAID = 65_536;
/** Members that crash 7-Zip and are stepped over. */
const MAX_CRASHES = 8;
/** What 7-Zip says when a check value refuses the password; other errors of encrypted members only suspect it. */
const WRONG_PASSWORD = "Wrong password";
/** Names that a reason quotes. */
const MAX_QUOTED = 3;

/** A file name without its folders, of either kind of path. */
const baseName = (name: string): string =>
  name.slice(Math.max(name.lastIndexOf("/"), name.lastIndexOf("\\")) + 1);

/** Never throws on any input; a damaged archive gives what can be read of it, and a reason. */
export async function openContainer(input: ContainerInput): Promise<ContainerResult> {
  const passwords =
    input.passwords.length > 0 ? input.passwords : passwordCandidates([], input.name && baseName(input.name));
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
  readonly #session: SevenZipSession;
  readonly #passwords: readonly string[];
  readonly #reasons: ContainerReason[] = [];
  readonly #members: ContainerMember[] = [];
  readonly #damaged: string[] = [];
  #kept = 0;
  /** The password that opened an encrypted member. */
  #worked: string | undefined;
  #type: ContainerType = { type: "", title: "" };

  constructor(input: ContainerInput, bytes: Uint8Array, passwords: readonly string[]) {
    this.#input = input;
    this.#session = new SevenZipSession(bytes);
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
    if (this.#damaged.length > 0) this.#reason("damaged", quote("damaged", this.#damaged));
    return { members: this.#members, reasons: this.#reasons };
  }

  /** The listing, with the password that opened it when the headers are encrypted. */
  async #list(): Promise<{ listing: Listing; password: string | undefined } | undefined> {
    let encrypted = false;
    for (const [tried, password] of this.#passwords.entries()) {
      const reader = new ListingReader(this.#input.limits.members);
      let said = "";
      const exit = await this.#session.run({
        args: ["l", "-slt", ...QUIET, `-p${password}`],
        out: (bytes) => reader.take(bytes),
        log: (bytes) => (said += new TextDecoder().decode(bytes)).length < MAX_SAID,
      });
      const listing = reader.end();
      // A wrong key makes rubbish of encrypted headers, which is told, or crashes.
      if (said.includes("Cannot open encrypted archive")) {
        encrypted = true;
        continue;
      }
      if (exit === "crashed" && tried < this.#passwords.length - 1) continue;
      if (listing.type === undefined) {
        if (encrypted) break;
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
    const { collector, exit } = await this.#extract({
      bytes: this.#input.limits.bytes,
      members: 1,
      wanted: () => true,
    });
    const [only] = collector.members;
    if (only === undefined) {
      this.#reasonOfFailure(exit, "");
      return;
    }
    this.#keep(only, this.#streamName(only.path), undefined);
  }

  /** gzip keeps a name; the others take the archive's without its ending. */
  #streamName(path: string): string {
    if (path !== "in~" && path !== "in") return path;
    const name = baseName(this.#input.name ?? this.#type.type.toLowerCase());
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
    await this.#plain(listing.more ? -1 : files.length, fitting, password);
    await this.#heads(oversize);
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

  /** Unpacks `fitting`, with each password in turn until nothing is missing. */
  async #plain(files: number, fitting: readonly ListedMember[], opener: string | undefined): Promise<void> {
    const missing = new Map(fitting.map((file) => [file.path, file]));
    const secrets = fitting.some((file) => file.encrypted);
    const others = opener === undefined ? this.#passwords : this.#passwords.filter((word) => word !== opener);
    const passwords = secrets ? [...(opener === undefined ? [] : [opener]), ...others] : [undefined];
    for (const [turn, password] of passwords.entries()) {
      const proven = opener !== undefined && password === opener;
      const whole = turn === 0 && fitting.length === files;
      if (!(await this.#pass(missing, password, proven, whole))) return;
      // What needs no password has had its turn.
      for (const [path, file] of missing) if (!file.encrypted) missing.delete(path);
      if (missing.size === 0) return;
      if (
        turn === 0 &&
        opener === undefined &&
        this.#worked === undefined &&
        (await this.#headersAreSealed())
      ) {
        // It opened the headers, so it is right, and the contents are damaged.
        await this.#pass(missing, password, true, false);
        return;
      }
    }
    this.#encrypted(quote(`${missing.size} of ${fitting.length} members`, [...missing.keys()]));
  }

  /** True when the listing, which the first password gave, cannot be had without it. */
  async #headersAreSealed(): Promise<boolean> {
    if (this.#type.type === "zip") return false;
    const reader = new ListingReader(1);
    await this.#session.run({
      args: ["l", "-slt", ...QUIET, `-p${NO_PASSWORD}`],
      out: (bytes) => reader.take(bytes),
      log: () => true,
    });
    return reader.end().type === undefined;
  }

  /** One password over all that is missing; what 7-Zip crashes on is stepped over. False when the budget is used up. */
  async #pass(
    missing: Map<string, ListedMember>,
    password: string | undefined,
    proven: boolean,
    whole: boolean,
  ): Promise<boolean> {
    for (let crashes = 0; crashes <= MAX_CRASHES && missing.size > 0; crashes++) {
      const { collector, exit } = await this.#extract({
        bytes: this.#input.limits.bytes - this.#kept,
        members: this.#input.limits.members,
        wanted: (path) => missing.has(path),
        size: (path) => missing.get(path)?.size,
        ...(whole && crashes === 0 ? {} : { selection: [...missing.keys()] }),
        ...(password === undefined ? {} : { password }),
        // A wrong password of 7z or rar costs a key derivation a member; zip tells it from a check value.
        hopeless: (error) => !proven && this.#type.type !== "zip" && /Wrong password/.test(error),
      });
      const right =
        proven ||
        collector.members.some(({ path, error }) => error === undefined && missing.get(path)?.encrypted);
      for (const member of collector.members) {
        const secret = missing.get(member.path)?.encrypted ?? false;
        const refused = secret && /Wrong password/.test(member.error ?? "");
        if (refused && (!right || member.error === WRONG_PASSWORD)) continue;
        if (secret) this.#worked = password;
        this.#keep(member, member.path, secret ? password : undefined);
        missing.delete(member.path);
      }
      if (collector.cut) {
        this.#reason("cut", `unpacking stopped after ${this.#input.limits.bytes} bytes`);
        return false;
      }
      for (const error of collector.errors) {
        if (NO_MEMORY.test(error)) this.#reasonOfFailure(exit, error);
        else this.#damaged.push(error);
      }
      if (exit !== "crashed") return true;
      if (collector.met.size === 0) {
        if (password === undefined) this.#reasonOfFailure(exit, "");
        return true;
      }
      for (const path of collector.met) if (password === undefined || right) missing.delete(path);
    }
    return true;
  }

  /** What starts as a program is kept as far as the budget goes: padding at its end is what made it large. */
  async #heads(oversize: readonly ListedMember[]): Promise<void> {
    for (const file of oversize.slice(0, MAX_OVERSIZE)) {
      const passwords = this.#worked === undefined ? this.#passwords : [this.#worked];
      for (const password of file.encrypted ? passwords : [undefined]) {
        const room = this.#input.limits.bytes - this.#kept;
        if (room <= 0) return;
        const { collector } = await this.#extract({
          bytes: room,
          members: 1,
          wanted: (path) => path === file.path,
          selection: [file.path],
          accept: (head) => head[0] === 0x4d && head[1] === 0x5a,
          ...(password === undefined ? {} : { password }),
          hopeless: (error) => /Wrong password/.test(error),
        });
        const [only] = collector.members;
        if (only === undefined || /Wrong password/.test(only.error ?? "")) continue;
        if (file.encrypted) this.#worked = password;
        this.#keep(only, file.path, password);
        break;
      }
      // With no password for this one there is none for the others.
      if (file.encrypted && this.#worked === undefined) return;
    }
  }

  /** `selection` narrows the run to some names; 7-Zip then need not decode the others. */
  async #extract(
    options: CollectorOptions & { readonly selection?: readonly string[]; readonly password?: string },
  ): Promise<{ collector: MemberCollector; exit: Exit }> {
    const collector = new MemberCollector(options);
    const names = options.selection?.length ?? 0;
    const narrow = names > 0 && names <= MAX_SELECTION;
    const exit = await this.#session.run({
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
      return this.#extract({ ...options, selection: [] });
    return { collector, exit };
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
        op: this.#type.op ?? this.#type.type.toLowerCase(),
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
    if (NO_MEMORY.test(said)) this.#reason("needs-memory", "unpacking needs more memory than is allowed");
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

/** A name as a line of a selection: `_` may stand for a control character, and quotes and wildcards for themselves. */
function wildcard(path: string): string {
  return path.replace(/[_"*]/g, "?");
}
