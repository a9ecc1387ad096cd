/**
 * RedLine Stealer, a .NET infostealer (2020 to 2024). Its builder writes four texts into the program, IP (a list of
 * `host:port` parted by `|`), ID (the build's name), Message (shown to the user) and Key, later a number Version:
 *
 *     public static class Arguments { IP = "…"; ID = "…"; Message = ""; Key = "…"; Version = 1; }
 *
 * IP, ID and Message are encrypted under Key (see decrypt.ts), or plain when Key is empty. They are found by what
 * they are, not by name or place: a text of #US that decrypts to a C2 list under a text beside it, or that is one;
 * then by the code that stores it. Bots speak WCF: net.tcp, in the first years SOAP over HTTP; a SOAP header
 * `Authorization` in namespace `ns1` carries 32 hex digits that tell the panel whose build it is.
 *
 * Sources: CAPESandbox/CAPE-parsers core/RedLine.py; elastic/nightMARE redlinestealer/configuration.py;
 * c3rb3ru5d3d53c/mwcfg-modules redline and "Destroying Redline Stealer" (2022-11-29); d01a, RedLine write-up
 * (EntryPoint generation); RussianPanda, "MetaStealer - Redline's Doppelgänger" (2023-11-20).
 */
import type { Found } from "../../bytes/index.ts";
import type { Dotnet } from "../../formats/dotnet/model.ts";
import type { Image } from "../../formats/image.ts";
import type { Pe } from "../../formats/pe/model.ts";
import type { Confidence } from "../../model/index.ts";
import type { ExtractInput, Extraction, Family, LayoutInfo } from "../family.ts";
import { decrypt } from "./decrypt.ts";
import {
  type Candidate,
  encryptedFields,
  type Fields,
  foldedCandidates,
  plainFields,
  shapesOf,
} from "./fields.ts";
import { buildFinding } from "./finding.ts";
import { foldedStores } from "./folded.ts";
import { IDENTITY } from "./identity.ts";
import { tokenFromCode } from "./soap-token.ts";
import { loadersOf } from "./stores.ts";
import { traces } from "./traces.ts";
import {
  authorizationToken,
  type Contracts,
  contractsOf,
  hasSoapHeader,
  looseUserStrings,
  NO_CONTRACTS,
  type Survey,
  surveyStrings,
} from "./user-strings.ts";

const LAYOUTS: readonly LayoutInfo[] = [
  { id: "arguments", title: "static class: IP, ID, Message, Key, Version", used: "2022 on" },
  { id: "entrypoint", title: "instance fields set in a constructor", used: "2020 to early 2022" },
  { id: "locals", title: "local variables of the start method", used: "2021, some builds" },
  { id: "two-field", title: "IP and ID alone, plain or under a key elsewhere", used: "2020 and 2021" },
  {
    id: "user-strings",
    title: "#US entries alone, encrypted, where the code is gone or changed",
    used: "any",
  },
  { id: "plain", title: "#US entries alone, plain, beside RedLine's own texts", used: "2020 and 2021" },
  { id: "memory", title: "addresses and literals on the heap of the CLR", used: "2021 on", inMemory: true },
];

/** IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR. */
const CLI_DIRECTORY = 14;

const STAGE = "config";

/** Layouts that a whole structure in the code stands behind. */
const STRUCTURED: ReadonlySet<string> = new Set(["arguments", "entrypoint", "locals", "two-field"]);

function extract(input: ExtractInput): Extraction {
  const { image } = input;
  let lookAlike: Extraction | undefined;
  for (const dotnet of image.modules) {
    const extraction = extractFrom(input, dotnet);
    if (extraction.status === "config") return extraction;
    if (extraction.status !== "not-found") lookAlike ??= extraction;
  }
  if (lookAlike !== undefined) return lookAlike;
  // In a region there may be a heap of strings whose metadata is gone beside modules that are whole.
  const mayLack = image.pe === undefined || (image.modules.length === 0 && promisesModule(image.pe));
  return mayLack ? extractFrom(input, undefined) : notFound("no config in a .NET module");
}

function extractFrom({ image, ledger }: ExtractInput, dotnet: Dotnet | undefined): Extraction {
  const survey = surveyStrings(dotnet?.userStrings() ?? looseUserStrings(image.view));
  const hasMarks = hasSoapHeader(survey) || survey.marks.has("Yandex\\YaAddon");
  const hasCandidates = survey.ciphertexts.length + survey.plainLists.length > 0;
  const contracts = dotnet === undefined ? looseContracts(image, hasCandidates) : contractsOf(dotnet.streams);
  if (!hasCandidates && !hasMarks && !contracts.wcf) return notFound("no text that may be a C2 list");

  const fields = findFields(dotnet, survey, hasMarks, contracts);
  if (contracts.metaStealer) return lookAlike(survey, "its contracts are named as MetaStealer's", fields);
  if (fields !== undefined) {
    const token = authorizationToken(survey) ?? (dotnet && tokenFromCode(dotnet));
    const around = { artifact: image.view.artifact, token, transport: transport(survey) };
    const finding = buildFinding(IDENTITY, fields, around, confidenceOf(fields), ledger);
    if (finding !== undefined) return { status: "config", finding };
  }
  return hasMarks && (contracts.wcf || dotnet === undefined)
    ? lookAlike(survey, "no readable config")
    : notFound("no text decrypts to a C2 list");
}

/** Headers say that there is a module; it could not be read. */
function promisesModule(pe: Pe): boolean {
  return (pe.dataDirectories[CLI_DIRECTORY]?.virtualAddress ?? 0) !== 0;
}

/** Names of contracts anywhere in the bytes, where no metadata says whose they are: asked only when it matters. */
function looseContracts({ view }: Image, matters: boolean): Contracts {
  return matters ? { ...contractsOf([{ name: "", view }]), wcf: false, redline: false } : NO_CONTRACTS;
}

/** The best fields that hold: encrypted before plain, stored by code before heap entries alone. */
function findFields(
  dotnet: Dotnet | undefined,
  survey: Survey,
  hasMarks: boolean,
  contracts: Contracts,
): Fields | undefined {
  const marks = { isMarked: hasMarks || contracts.redline, wcf: contracts.wcf };
  const direct = bestOf(
    dotnet,
    survey,
    candidatesOf(dotnet, survey, survey.ciphertexts),
    candidatesOf(dotnet, survey, survey.plainLists),
    marks,
  );
  if (direct !== undefined || dotnet === undefined || !contracts.wcf) return direct;
  const folded = foldedCandidates(dotnet, foldedStores(dotnet));
  return bestOf(dotnet, survey, folded, folded, marks);
}

function bestOf(
  dotnet: Dotnet | undefined,
  survey: Survey,
  ciphertexts: readonly Candidate[],
  plainLists: readonly Candidate[],
  marks: Marks,
): Fields | undefined {
  const best = (list: readonly (Fields | undefined)[]) =>
    list.find((fields) => fields && STRUCTURED.has(fields.layout)) ?? list.find((fields) => fields);
  return (
    best(ciphertexts.map((candidate) => encryptedFields(dotnet, survey, candidate))) ??
    best(
      plainLists
        .map((candidate) => plainFields(dotnet, survey, candidate))
        .filter((fields) => fields && isPlausible(fields, marks)),
    )
  );
}

function candidatesOf(
  dotnet: Dotnet | undefined,
  { strings }: Survey,
  indexes: readonly number[],
): readonly Candidate[] {
  const found = indexes.flatMap((index) => {
    const entry = strings[index];
    return entry === undefined ? [] : [{ index, entry }];
  });
  const wanted = new Set(found.map(({ entry }) => entry.offset));
  const loaders = dotnet === undefined || wanted.size === 0 ? undefined : loadersOf(dotnet, wanted);
  return found.map(({ index, entry }) => {
    const methods = loaders?.get(entry.offset) ?? [];
    return {
      c2: entry.text,
      index,
      shapes: dotnet === undefined ? [] : shapesOf(dotnet, methods, entry.text),
    };
  });
}

/** What speaks for RedLine beside the config itself. */
interface Marks {
  readonly isMarked: boolean;
  readonly wcf: boolean;
}

/**
 * Any program may hold `host:port`: it is RedLine's beside the family's marks, or by the names of all four fields in
 * a WCF client.
 */
function isPlausible(fields: Fields, { isMarked, wcf }: Marks): boolean {
  return isMarked || (wcf && fields.named && fields.layout !== "two-field");
}

/** A key that turns a text into base64 of a C2 list proves the config; plain texts prove as much as their frame. */
function confidenceOf(fields: Fields): Confidence {
  if (fields.key !== undefined) return "proved";
  return STRUCTURED.has(fields.layout) ? "structural" : "heuristic";
}

function transport({ strings, marks }: Survey): Found<string> | undefined {
  const at = marks.get("net.tcp://") ?? marks.get("http://");
  return at === undefined ? undefined : strings[at]?.text;
}

/** What such a config reads is told, but not as RedLine's. */
function lookAlike(survey: Survey, why: string, fields?: Fields): Extraction {
  const marks = [...survey.marks.values()].flatMap((index) => survey.strings[index]?.text.at ?? []);
  const list = fields && ((fields.key && decrypt(fields.c2.value, fields.key.value)) ?? fields.c2.value);
  return {
    status: "unknown-layout",
    stage: STAGE,
    text: `RedLine-like SOAP client, not taken for RedLine: ${why}${list === undefined ? "" : `; it holds ${list}`}`,
    at: fields?.c2.at ?? marks,
  };
}

function notFound(text: string): Extraction {
  return { status: "not-found", stage: STAGE, text };
}

export const redline: Family = {
  ...IDENTITY,
  summary: "RedLine Stealer: .NET infostealer of the RedLine panel, C2 over WCF",
  references: [
    "https://malpedia.caad.fkie.fraunhofer.de/details/win.redline_stealer",
    "https://c3rb3ru5d3d53c.github.io/malware-blog/redline-stealer/",
  ],
  layouts: LAYOUTS,
  defaults: {},
  extract,
  traces,
};
