/** A harmless program that carries a family's config structure with chosen values. */
export interface Carrier {
  /** File name. */
  readonly name: string;
  /** Malpedia id of the family whose structure it carries. */
  readonly family: string;
  /** Layout id within the family. */
  readonly layout: string;
  readonly bytes: Uint8Array;
  /** Holds nothing that a YARA rule could see (all texts encrypted, code unknown): only the structure tells. */
  readonly ruleless?: true;
  /** What an extractor must say of it; `values` by JSON Pointer within the finding. */
  readonly expected: {
    readonly c2: readonly string[];
    readonly confidence: "proved" | "structural" | "heuristic";
    readonly values?: Readonly<Record<string, unknown>>;
  };
}
