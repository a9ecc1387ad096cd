/** Which passwords an encrypted archive is tried with. */

/** What analysts and feeds seal samples with, most usual first. */
export const FIELD_PASSWORDS: readonly string[] = [
  "infected",
  "malware",
  "virus",
  "password",
  "infected666",
  "dangerous",
  "novirus",
  "1234",
  "12345",
  "123456",
];

/** Deriving one key of a 7z archive takes a tenth of a second. */
const MAX_CANDIDATES = 24;
/** Characters of the text around the archive that are looked at. */
const MAX_TEXT = 64 * 1024;
/** A longer word is no password that a mail would tell. */
const MAX_WORD = 64;
const MAX_WORDS = 8;

/** `password` in the languages of the mails that carry archives. */
const NAMES_OF_PASSWORD =
  "passwords?|passwort|kennwort|passcode|pass|pwd|pw|pin|contraseña|contrasena|clave|senha|mot de passe|mdp|parola|hasło|haslo|wachtwoord|пароль|şifre|sifre|密码|密碼|パスワード|비밀번호";

/** The word told after a name of `password`: `Password: 1234`, `пароль - 7x7`, `pass is "abc"`. */
const TOLD = new RegExp(
  `(?<![\\p{L}\\p{N}])(?:${NAMES_OF_PASSWORD}) ?(?:(?:is|ist|es|est|è|é)(?= |:))? ?(?:to open|for (?:the )?(?:archive|file|zip|rar|document))? ?[:=：\\-–]? ?["'“«<(\\[]?([^ "'”»>()\\[\\]]{1,${MAX_WORD}})`,
  "giu",
);
/** As TOLD, in a file name, where `_`, `-` and brackets stand for the space. */
const TOLD_IN_NAME = new RegExp(
  `(?:${NAMES_OF_PASSWORD})[ _\\-.:=(\\[{]{1,4}([^\\s_()\\[\\]{}]{1,${MAX_WORD}})`,
  "giu",
);

/**
 * Passwords in the order in which they are tried, each once: `given` (by the user), the field's, then what the file
 * name and the mail or note next to the archive tell. `name` is the archive's file name without folders.
 */
export function passwordCandidates(
  given: readonly string[],
  name: string | undefined,
  nearbyText = "",
): readonly string[] {
  const text = nearbyText.slice(0, MAX_TEXT).replace(/\s+/g, " ");
  const candidates = [
    ...given,
    ...FIELD_PASSWORDS.slice(0, 5),
    ...told(TOLD, text),
    ...(name === undefined ? [] : fromName(name.slice(-256))),
    ...FIELD_PASSWORDS.slice(5),
  ];
  const usable = candidates.filter((word) => word !== "" && !/[\0\n\r]/.test(word));
  return [...new Set(usable)].slice(0, Math.max(MAX_CANDIDATES, given.length));
}

function told(pattern: RegExp, text: string): string[] {
  const words: string[] = [];
  for (const match of text.matchAll(pattern)) {
    if (words.length >= MAX_WORDS) break;
    const word = match[1] as string;
    words.push(word);
    // The full stop of its sentence may stick to it.
    const bare = word.replace(/[.,;:!?]+$/, "");
    if (bare !== word) words.push(bare);
  }
  return words;
}

function fromName(name: string): string[] {
  const stem = name.replace(/(?:\.(?:zip|7z|rar|tar|t?gz|t?xz|bz2|zst|iso|cab|ace|arj|00\d))+$/i, "");
  const words = stem.split(/[^\p{L}\p{N}]+/u).filter((word) => word.length >= 3 && word.length <= MAX_WORD);
  const day = /(?<!\d)(20\d\d)-?(\d\d)-?(\d\d)(?!\d)/.exec(stem);
  return [
    ...told(TOLD_IN_NAME, stem),
    // malware-traffic-analysis.net seals by the day of the post.
    ...(day === null ? [] : [`infected_${day[1]}${day[2]}${day[3]}`]),
    // Contagio seals with the last character of the file name.
    ...(stem === "" ? [] : [`infected666${stem.at(-1)}`]),
    ...words.filter((word) => /^\d{3,8}$/.test(word)),
    stem,
    ...words.filter((word) => !/^\d+$/.test(word)).slice(0, MAX_WORDS),
  ];
}
