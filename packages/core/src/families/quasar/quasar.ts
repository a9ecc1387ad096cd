/**
 * Quasar, and xRAT from which it grew: an open-source .NET RAT (MaxXor, 2014 to 2023) that others build, fork and rename.
 *
 * Config: the static constructor of Config.Settings. The builder writes base64 of AES-CBC ciphertexts over its string
 * operands and the switches over its integer ones, and its renamer takes all names, so the order of the fields says
 * what they are (fields.ts). From 1.3 on every value carries an HMAC-SHA256 whose key comes from the same PBKDF2 as
 * the cipher's, which proves password, salt, iterations and key size; before, the key is MD5 of the password.
 * In 1.4 the password is the thumbprint of the server's certificate, which is one of the values.
 *
 * Sources: github.com/quasar/Quasar (Settings.cs, AES.cs, Aes256.cs, ClientBuilder.cs, Renamer.cs at all tags);
 * github.com/jeFF0Falltrades/rat_king_parser (variants); JPCERTCC MalConfScan quasarscan.py; for xRAT 1
 * CAPE-parsers deprecated/xRAT.py.
 */
import { isPrintableAscii, latin1Bytes } from "../../bytes/index.ts";
import { decodeBase64 } from "../../codecs/index.ts";
import type { Dotnet } from "../../formats/dotnet/model.ts";
import {
  type OpenContext,
  openSettings,
  type SettingsScheme,
  type SettingsSource,
} from "../engines/dotnet-settings.ts";
import { cryptoFacts, settingsFromCode } from "../engines/dotnet-settings-cil.ts";
import { QUASAR_KDF } from "../engines/dotnet-settings-crypto.ts";
import { settingsFromStrings } from "../engines/dotnet-settings-scan.ts";
import type { ExtractInput, Extraction, Family, LayoutInfo } from "../family.ts";
import { arrange } from "./arrange.ts";
import { textName } from "./fields.ts";
import { IDENTITY } from "./identity.ts";
import { extractPlain, isNamedSettings } from "./plain.ts";
import { RUN_KEY, reportOpened } from "./report.ts";
import { traces } from "./traces.ts";
import { extractXrat1 } from "./xrat1.ts";

const LAYOUTS: readonly LayoutInfo[] = [
  { id: "1.4", title: "AES-256-CBC with HMAC, certificate", used: "1.4.0 (2020), 1.4.1 (2023)" },
  { id: "1.3", title: "AES-128-CBC with HMAC, session keys", used: "1.3.0.0 (2016)" },
  { id: "1.2", title: "AES-128-CBC under MD5, log directory", used: "1.2.0.0 (2016)" },
  { id: "1.0", title: "AES-128-CBC under MD5, host list and tag", used: "1.0.0.0, 1.1.0.0 (2015)" },
  {
    id: "xrat-2",
    title: "AES-128-CBC under MD5, one host",
    used: "xRAT 2.0, RELEASE1 to RELEASE4.1 (2014, 2015)",
  },
  { id: "xrat-1", title: "XORed hex text in a resource", used: "xRAT 1.x (2013, 2014)" },
  {
    id: "fork",
    title: "Quasar's scheme with other fields, salt, iterations, key size or mode",
    used: "forks",
  },
  { id: "plain", title: "settings in clear under Quasar's field names", used: "debug builds, clones" },
  { id: "memory", title: "decrypted settings on the heap of the CLR", used: "1.0 to 1.4.1", inMemory: true },
];

/** Encrypted values that a class must hold: xRAT 2 has seven, and one may be damaged. */
const MIN_SEALED = 6;
const THUMBPRINT = /^[0-9A-F]{40}$/;
const RANDOM_NAME = /^[A-Za-z0-9]{20}$/;
const PASSWORD = /^[\x20-\x7e]{4,128}$/;

const SCHEME: SettingsScheme = {
  minimum: MIN_SEALED,
  passwordBytes(text) {
    if (!PASSWORD.test(text) || text.includes("%")) return undefined;
    const bytes = latin1Bytes(text);
    // AsyncRAT and its kin keep base64 of a text and use that text: same cipher, another family.
    const inner = text.endsWith("=") ? decodeBase64(bytes) : undefined;
    return inner !== undefined && isPrintableAscii(inner) ? undefined : bytes;
  },
  passwordRank: (text) =>
    THUMBPRINT.test(text) ? 0 : RANDOM_NAME.test(text) ? 1 : /^[A-Za-z0-9]+$/.test(text) ? 2 : 3,
};

function extract(input: ExtractInput): Extraction {
  const { image, ledger } = input;
  const isName = (name: string): boolean => textName(name) !== undefined;
  const coded = image.modules.flatMap((dotnet) =>
    settingsFromCode(dotnet, MIN_SEALED, isName).map((source) => ({ source, dotnet })),
  );
  let lookalike: Extraction | undefined;
  const attempt = (source: SettingsSource, facts: CodeFacts): Extraction | undefined => {
    const opening = openSettings(source, SCHEME, {
      sample: ledger,
      pbkdf2: input.pbkdf2Sha1,
      defaultKdf: QUASAR_KDF,
      ...facts,
    });
    if (opening.status === "closed") return undefined;
    if (opening.status === "unknown-mode") {
      lookalike ??= {
        status: "unknown-layout",
        stage: "decrypt",
        text: "the HMAC proves the key, but no known block mode gives text",
        at: opening.at,
      };
      return undefined;
    }
    const { opened } = opening;
    const arranged = arrange(opened);
    if (arranged !== undefined) {
      const builder = reportOpened(quasar, opened, arranged, image.view.artifact, ledger);
      const confidence = opened.key.scheme === "hmac" ? "proved" : "structural";
      return { status: "config", finding: builder.build(confidence, ledger) };
    }
    lookalike ??= {
      status: "unknown-layout",
      stage: "fields",
      text: "decrypts as Quasar's settings do, but its fields are not Quasar's or hold no host list",
      at: opened.key.password.at,
    };
    return undefined;
  };
  const factsOf = factsByModule();
  for (const { source, dotnet } of coded) {
    const config = attempt(source, factsOf(dotnet));
    if (config !== undefined) return config;
  }
  const only = image.modules.length === 1 ? image.modules[0] : undefined;
  for (const source of settingsFromStrings(image.view, MIN_SEALED)) {
    const config = attempt(source, only === undefined ? NO_FACTS : factsOf(only));
    if (config !== undefined) return config;
  }
  const ancestor = extractXrat1(quasar, image, ledger);
  if (ancestor !== undefined) return { status: "config", finding: ancestor };
  const named = coded.find(({ source }) => isNamedSettings(source));
  if (named !== undefined)
    return extractPlain(quasar, named.source, named.dotnet, image.view.artifact, ledger);
  return lookalike ?? { status: "not-found", stage: "settings", text: "no settings class of Quasar's kind" };
}

/** What a module's code says of its key derivation. */
type CodeFacts = Pick<OpenContext, "kdfs" | "mode">;

const NO_FACTS: CodeFacts = { kdfs: [], mode: undefined };

/** Asks each module once, and none that has no settings to open. */
function factsByModule(): (dotnet: Dotnet) => CodeFacts {
  const known = new Map<Dotnet, CodeFacts>();
  return (dotnet) => {
    const facts = known.get(dotnet) ?? cryptoFacts(dotnet);
    known.set(dotnet, facts);
    return facts;
  };
}

export const quasar: Family = {
  ...IDENTITY,
  summary:
    "Open-source .NET RAT; settings class encrypted with AES, since 1.3 with an HMAC that proves them.",
  references: [
    "https://malpedia.caad.fkie.fraunhofer.de/details/win.quasar_rat",
    "https://github.com/quasar/Quasar",
    "https://github.com/jeFF0Falltrades/rat_king_parser",
    "https://github.com/JPCERTCC/MalConfScan",
  ],
  layouts: LAYOUTS,
  defaults: {
    campaign_id: ["Office04", "DEBUG", "RELEASE"],
    registry: [`${RUN_KEY}Quasar Client Startup`, "Quasar Client Startup"],
    file: [
      "Client.exe",
      "%APPDATA%\\SubDir\\Client.exe",
      "%APPDATA%\\Client.exe",
      "SubDir",
      "%APPDATA%\\Logs",
      "Logs",
    ],
    password: ["1234"],
    // KEY and AUTHKEY of that password.
    token: [
      "1WvgEMPjdwfqIMeM9MclyQ==",
      "NcFtjbDOcsw7Evd3coMC0y4koy/SRZGydhNmno81ZOWOvdfg7sv0Cj5ad2ROUfX4QMscAIjYJdjrrs41+qcQwg==",
    ],
  },
  extract,
  traces,
};
