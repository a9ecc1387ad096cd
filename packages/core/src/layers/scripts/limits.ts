/** What one script may cost. Whatever is cut off says so. */

/** Bytes of a script that are read; the rest is left alone. Bats with two embedded assemblies reach 20 MB. */
export const MAX_TEXT = 64 * 1024 * 1024;
/** Tokens of one script. Long literals and number lists are one token each. */
export const MAX_TOKENS = 1_000_000;
/** Steps of the constant folder over one script: token visits and characters that functions work on. */
export const MAX_WORK = 20_000_000;
/** Nesting of expressions. */
export const MAX_DEPTH = 48;
/** Characters, or elements, of one folded value. */
export const MAX_VALUE = 32 * 1024 * 1024;
/** Times that the text is folded again, since decoders are often written below their use. */
export const MAX_PASSES = 3;
/** Folded text may be longer than the script by this much, at most. */
export const MAX_GROWTH = 4 * 1024 * 1024;
/** Script blocks of one page, encoded blocks of one file, texts given to eval. */
export const MAX_BLOCKS = 64;
/** Encoded runs (base64, hex, numbers) of one text that are tried. */
export const MAX_BLOBS = 512;
/** Key and IV candidates of one script. */
export const MAX_KEYS = 48;
/** Encodings around one payload. */
export const MAX_UNWRAPS = 6;
/** URLs named in the reasons of one script. */
export const MAX_URLS = 64;
