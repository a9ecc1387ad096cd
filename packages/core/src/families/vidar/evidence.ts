/**
 * What tells Vidar from its kin. Arkei, Oski, Mars, Vidar and Stealc descend from one another and share their string
 * hiding, wallet lists and many texts; a layout alone therefore names none of them.
 */

/** From this score on the texts of an image are Vidar's. */
export const ENOUGH = 5;

interface Marker {
  readonly text: string;
  /** 5: no other known family has it. 1: Vidar has it, and some of its kin or some clean program may too. */
  readonly weight: 1 | 2 | 5;
}

/**
 * Texts of Vidar's report and upload (SEKOIA 2023, RussianPanda, AviaB 2025). Not in this list, since Arkei and
 * Stealc samples hold them as well: "GUID: ", "HAL9TH", "hwid", "token", "screenshot.jpg", "passwords.txt".
 */
export const MARKERS: readonly Marker[] = [
  { text: "Work Dir: In memory", weight: 5 },
  { text: "Vidar Version", weight: 5 },
  { text: "Soft\\Steam\\steam_tokens.txt", weight: 2 },
  { text: "information.txt", weight: 1 },
  { text: "MachineID:", weight: 1 },
  { text: "VideoCard:", weight: 1 },
  { text: "Work Dir:", weight: 1 },
  { text: "[Hardware]", weight: 1 },
  { text: "[Processes]", weight: 1 },
  { text: "[Software]", weight: 1 },
  { text: "Soft: WinSCP", weight: 1 },
  { text: "Soft: FileZilla", weight: 1 },
  { text: "1BEF0A57BE110FD467A", weight: 1 },
];

/** A gate of Arkei's, Mars's or Stealc's. Vidar posts to the root of its C2. */
const PHP_GATE = /^\/[\w/-]{1,64}\.php$/;
/** Report names of Stealc and of Arkei, Oski and Mars; paths of the first Arkei. */
const KIN_TEXTS: ReadonlySet<string> = new Set([
  "system_info.txt",
  "system.txt",
  "/server/gate",
  "/server/grubConfig",
]);

/** True for a text that only the kin has. */
export function isKins(text: string): boolean {
  return KIN_TEXTS.has(text) || PHP_GATE.test(text);
}

export interface Verdict {
  readonly score: number;
  readonly texts: readonly string[];
  /** A text that only the kin has, when there is one. */
  readonly kin: string | undefined;
}

/** Weighs texts, each a whole string of the image or decrypted from it. */
export function weigh(texts: readonly string[]): Verdict {
  const seen = MARKERS.filter((marker) => texts.some((text) => text.includes(marker.text)));
  const kin = texts.find(isKins);
  return { score: seen.reduce((sum, m) => sum + m.weight, 0), texts: seen.map((m) => m.text), kin };
}
