/** What a family is to the rest of the house. */
import type { Found, Span, View } from "../bytes/index.ts";
import type { Pbkdf2Sha1 } from "../codecs/index.ts";
import type { Image } from "../formats/image.ts";
import type { Endpoint, FamilyIdentity, Finding, Ledger } from "../model/index.ts";

/** One way in which a family has kept its config. */
export interface LayoutInfo {
  /** Short and stable: `L3`, `1.4`, `arguments`. */
  readonly id: string;
  readonly title: string;
  /** Versions and dates that use it, as far as is known. */
  readonly used: string;
  /** No way of keeping it in a file, but what memory holds once it is decrypted: read by `traces`, not by `extract`. */
  readonly inMemory?: true;
}

/** A place where a YARA string of the family's rules matched. */
export interface RuleMatch {
  readonly rule: string;
  /** Identifier of the string (`$sleep`). */
  readonly name: string;
  readonly offset: number;
  readonly length: number;
}

export interface ExtractInput {
  readonly image: Image;
  /** The names of this family's rules that matched. Hints only: an extractor works without them. */
  readonly rules: readonly string[];
  readonly matches: readonly RuleMatch[];
  readonly ledger: Ledger;
  /** PBKDF2-HMAC-SHA1, as fast as the platform has it. */
  readonly pbkdf2Sha1: Pbkdf2Sha1;
}

export type Extraction =
  | { readonly status: "config"; readonly finding: Finding }
  /** Nothing of this family here. */
  | {
      readonly status: "not-found";
      readonly stage: string;
      readonly text: string;
      readonly at?: readonly Span[];
    }
  /** It is this family (or a look-alike, as the text says), kept in a way that no layout describes. */
  | {
      readonly status: "unknown-layout";
      readonly stage: string;
      readonly text: string;
      readonly at?: readonly Span[];
    }
  /** A layout was recognised but its content does not hold together. */
  | {
      readonly status: "malformed";
      readonly stage: string;
      readonly text: string;
      readonly at?: readonly Span[];
    };

/** What a saved dead-drop page says, as far as it can be told offline. */
export interface DeadDropAnswer {
  /** `host`, `host:port` or a URL, as decoded. */
  readonly value: string;
  readonly endpoint: Endpoint;
  /** How it was read: `Caesar +15`, `text behind tag "abc"`. */
  readonly method: string;
  /** The marked-up text that it was read from, before decoding. */
  readonly text: Found<string>;
  /** Best first: 0 is the family's own way, more is less likely. */
  readonly rank: number;
}

/** A run of process memory that is no image: heap, stack, a region without headers. */
export interface TraceInput {
  readonly view: View;
  /** Virtual address of byte 0; undefined when nobody knows. */
  readonly address: number | undefined;
  /** True when memory begins at byte 0, so that no text there can be the rest of a longer one. */
  readonly opens?: boolean;
  /** Ascending offsets in `view` at which each of the family's anchors stands, in the anchors' order. */
  readonly hits: readonly (readonly number[])[];
  readonly ledger: Ledger;
}

/**
 * What a family leaves decrypted in memory. Anchors of all families are searched in one pass (bytes/anchors.ts); a
 * family is asked only of a window in which one of its own stands. Whether enough of them do is for `read` to say, in
 * time linear in the window and the hits.
 */
export interface Traces {
  /** Byte strings of at least 7 bytes, ASCII or UTF-16LE, that stand in or beside the plain config. */
  readonly anchors: readonly Uint8Array[];
  /** Most bytes that one config and the facts around it take up: windows that overlap by as much miss none. */
  readonly reach: number;
  /** Plain configs, each `heuristic`: two or more independent facts, no cryptographic check. */
  read(input: TraceInput): readonly Finding[];
}

export interface Family extends FamilyIdentity {
  readonly summary: string;
  readonly references: readonly string[];
  readonly layouts: readonly LayoutInfo[];
  /** Builder defaults by indicator type: they neither block nor link. Compared without regard to case. */
  readonly defaults: Readonly<Record<string, readonly string[]>>;
  extract(input: ExtractInput): Extraction;
  readonly traces?: Traces;
  /** Reads a saved dead-drop page (Steam profile, Telegram channel, Mastodon bio; HTML or bare text). Never fetches. */
  deadDrop?(page: View): readonly DeadDropAnswer[];
  /** Marked-up texts of such a page that are the family's but coded in a way that is not known: to report, never to guess. */
  unresolvedDrops?(page: View): readonly Found<string>[];
}
