/** What triage needs of the platform. Core has its own, slower answer for all but the rules and the archives. */
import type { Pbkdf2Sha1 } from "../codecs/index.ts";
import type { Step } from "../model/index.ts";

/** One YARA rule that matched. */
export interface RuleHit {
  readonly rule: string;
  /** Malpedia id from the rule's `family` meta; undefined for rules of the user that name none. */
  readonly family: string | undefined;
  readonly matches: readonly { readonly name: string; readonly offset: number; readonly length: number }[];
}

/** Scans bytes with the compiled rules. */
export interface RuleScanner {
  scan(bytes: Uint8Array): readonly RuleHit[];
}

export interface ContainerInput {
  readonly bytes: Uint8Array;
  /** As `containerKind` names it. */
  readonly format: string;
  readonly name?: string;
  /** In the order of trying. */
  readonly passwords: readonly string[];
  readonly limits: { readonly bytes: number; readonly members: number };
}

export interface ContainerResult {
  readonly members: readonly { readonly name: string; readonly bytes: Uint8Array; readonly step: Step }[];
  readonly reasons: readonly { readonly code: string; readonly text: string }[];
}

/** Opens archives, disk images and installers. Never rejects on any input. */
export type OpenContainer = (input: ContainerInput) => Promise<ContainerResult>;

export interface Ports {
  readonly rules: RuleScanner;
  readonly pbkdf2Sha1: Pbkdf2Sha1;
  readonly digest: (algorithm: "md5" | "sha1" | "sha256", bytes: Uint8Array) => string;
  /** Milliseconds from any origin, for elapsed times. */
  readonly now: () => number;
  /** Without it, archives are named and not opened. */
  readonly openContainer?: OpenContainer;
}
