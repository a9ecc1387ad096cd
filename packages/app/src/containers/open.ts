/** Opens an archive, image or installer: what is inside it, within what the sample may still cost. */

import { passwordCandidates } from "@assay/core/layers/passwords";
import type { Step } from "@assay/core/model/index";
import { extract, list } from "./commands.ts";
import type { ListedMember, Listing } from "./listing.ts";
import type { RawMember } from "./members.ts";
import { type ContainerReason, NO_MEMORY, quote, Reasons } from "./reasons.ts";
import { SevenZipSession } from "./seven-zip.ts";
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

export type { ContainerReason } from "./reasons.ts";

export interface ContainerResult {
  readonly members: readonly ContainerMember[];
  readonly reasons: readonly ContainerReason[];
}

/** Members too large for the budget of which the head is looked at: a program inflated with padding is one. */
const MAX_OVERSIZE = 4;
/** A password that nobody has. */
const NO_PASSWORD = "\u2205 no password \u2205";
/** Members that crash 7-Zip and are stepped over. */
const MAX_CRASHES = 8;
/** What 7-Zip says when a check value refuses the password; other errors of encrypted members only suspect it. */
const WRONG_PASSWORD = "Wrong password";

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
  readonly #reasons = new Reasons();
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
    try {
      return await this.#open();
    } finally {
      this.#session.close();
    }
  }

  async #open(): Promise<ContainerResult> {
    const listed = await this.#list();
    if (listed === undefined) return { members: [], reasons: this.#reasons.all };
    const { listing, password } = listed;
    const type = containerType(listing.type);
    if (type === undefined) {
      this.#reasons.add("not-a-container", `7-Zip reads this as ${listing.type}, which is not taken apart`);
      return { members: [], reasons: this.#reasons.all };
    }
    this.#type = type;
    if (type.stream) await this.#stream(listing);
    else await this.#archive(listing, password);
    if (this.#damaged.length > 0) this.#reasons.add("damaged", quote("damaged", this.#damaged));
    return { members: this.#members, reasons: this.#reasons.all };
  }

  /** The listing, with the password that opened it when the headers are encrypted. */
  async #list(): Promise<{ listing: Listing; password: string | undefined } | undefined> {
    let encrypted = false;
    for (const [tried, password] of this.#passwords.entries()) {
      const { listing, exit, said } = await list(this.#session, password, this.#input.limits.members);
      // A wrong key makes rubbish of encrypted headers, which is told, or crashes.
      if (said.includes("Cannot open encrypted archive")) {
        encrypted = true;
        continue;
      }
      if (exit === "crashed" && tried < this.#passwords.length - 1) continue;
      if (listing.type === undefined) {
        if (encrypted) break;
        this.#reasons.failure(exit, said);
        return undefined;
      }
      return { listing, password: tried > 0 ? password : undefined };
    }
    this.#reasons.encrypted(this.#passwords, "headers and contents are encrypted");
    return undefined;
  }

  /** A single stream: neither its size nor its name can be trusted, so it is cut at the allowance. */
  async #stream(listing: Listing): Promise<void> {
    const { collector, exit } = await extract(this.#session, {
      bytes: this.#input.limits.bytes,
      members: 1,
      wanted: () => true,
      size: () => listing.members[0]?.size,
    });
    const [only] = collector.members;
    if (only === undefined) {
      this.#reasons.failure(exit, "");
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
      this.#reasons.add(
        "too-many-members",
        `only the first ${this.#input.limits.members} entries are looked at`,
      );
    if (listing.volumeMissing)
      this.#reasons.add("damaged", "one volume of a set: what begins or goes on in the others is not here");
    const links = listing.members.filter((member) => member.special);
    if (links.length > 0)
      this.#reasons.add(
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
    this.#reasons.encrypted(
      this.#passwords,
      quote(`${missing.size} of ${fitting.length} members`, [...missing.keys()]),
    );
  }

  /** True when the listing, which the first password gave, cannot be had without it. */
  async #headersAreSealed(): Promise<boolean> {
    if (this.#type.type === "zip") return false;
    const { listing } = await list(this.#session, NO_PASSWORD, 1);
    return listing.type === undefined;
  }

  /** One password over all that is missing; what 7-Zip crashes on is stepped over. False when the budget is used up. */
  async #pass(
    missing: Map<string, ListedMember>,
    password: string | undefined,
    proven: boolean,
    whole: boolean,
  ): Promise<boolean> {
    for (let crashes = 0; crashes <= MAX_CRASHES && missing.size > 0; crashes++) {
      const { collector, exit } = await extract(this.#session, {
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
        this.#reasons.add("cut", `unpacking stopped after ${this.#input.limits.bytes} bytes`);
        return false;
      }
      for (const error of collector.errors) {
        if (NO_MEMORY.test(error)) this.#reasons.failure(exit, error);
        else this.#damaged.push(error);
      }
      if (exit !== "crashed") return true;
      if (collector.met.size === 0) {
        if (password === undefined) this.#reasons.failure(exit, "");
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
        const { collector } = await extract(this.#session, {
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

  #keep(member: RawMember, name: string, password: string | undefined): void {
    if (member.bytes.length === 0) {
      this.#damaged.push(`${name} (${member.error})`);
      return;
    }
    if (member.error !== undefined) this.#damaged.push(`${name} (${member.error})`);
    if (member.cut && this.#type.stream)
      this.#reasons.add("cut", `unpacking stopped after ${this.#input.limits.bytes} bytes`);
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
      this.#reasons.add(
        "cut",
        quote(`larger than the ${limit} bytes allowed here, only the start was unpacked`, heads),
      );
    if (left.length > 0) {
      const size = left.reduce((sum, file) => sum + (file.size ?? 0), 0);
      this.#reasons.add(
        "over-budget",
        quote(
          `${left.length} members of ${size} bytes do not fit into the ${limit} bytes allowed here`,
          left.map(({ path }) => path),
        ),
      );
    }
  }
}
