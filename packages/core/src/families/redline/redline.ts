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
import type { Confidence, FamilyIdentity } from "../../model/index.ts";
import type { ExtractInput, Extraction, Family, LayoutInfo } from "../family.ts";
import { encryptedFields, type Fields, plainFields, type Shape, shapesOf } from "./fields.ts";
import { buildFinding } from "./finding.ts";
import { loadersOf } from "./stores.ts";
import {
  authorizationToken,
  type Contracts,
  contractsOf,
  hasSoapHeader,
  looseUserStrings,
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
];

const IDENTITY: FamilyIdentity = {
  id: "win.redline_stealer",
  name: "RedLine Stealer",
  aliases: ["RedLine"],
  category: ["infostealer"],
};

const STAGE = "config";

const NO_CONTRACTS: Contracts = { wcf: false, redline: false, metaStealer: false };

/** Layouts that a whole structure in the code stands behind. */
const STRUCTURED: ReadonlySet<string> = new Set(["arguments", "entrypoint", "locals", "two-field"]);

function extract(input: ExtractInput): Extraction {
  const { image } = input;
  const { dotnet } = image;
  if (dotnet === undefined && image.layout !== "raw") return notFound("no .NET module");
  const strings = dotnet?.userStrings() ?? looseUserStrings(image.view);
  const survey = surveyStrings(strings);
  const { ciphertexts, plainLists, marks } = survey;
  const hasMarks = hasSoapHeader(survey) || marks.has("Yandex\\YaAddon");
  if (ciphertexts.length + plainLists.length === 0 && !hasMarks)
    return notFound("no text that may be a C2 list");

  const contracts = dotnet === undefined ? NO_CONTRACTS : contractsOf(dotnet.streams);
  const fields = findFields(dotnet, survey, hasMarks, contracts);
  if (contracts.metaStealer) return lookAlike(survey, "its contracts are named as MetaStealer's", fields?.c2);
  if (fields !== undefined) {
    const around = {
      artifact: image.view.artifact,
      token: authorizationToken(survey),
      transport: transport(survey),
    };
    const finding = buildFinding(IDENTITY, fields, around, confidenceOf(fields), input.ledger);
    if (finding !== undefined) return { status: "config", finding };
  }
  return hasMarks && (contracts.wcf || dotnet === undefined)
    ? lookAlike(survey, "no readable config")
    : notFound("no text decrypts to a C2 list");
}

/** The best fields that hold: encrypted before plain, stored by code before heap entries alone. */
function findFields(
  dotnet: Dotnet | undefined,
  survey: Survey,
  hasMarks: boolean,
  contracts: Contracts,
): Fields | undefined {
  const { strings, ciphertexts, plainLists } = survey;
  const offsetOf = (index: number) => strings[index]?.offset as number;
  const wanted = new Set([...ciphertexts, ...plainLists].map(offsetOf));
  const loaders = dotnet === undefined ? new Map<number, readonly number[]>() : loadersOf(dotnet, wanted);
  const shapes = (index: number): readonly Shape[] =>
    dotnet === undefined ? [] : shapesOf(dotnet, loaders.get(offsetOf(index)) ?? [], offsetOf(index));
  const best = (list: readonly (Fields | undefined)[]) =>
    list.find((fields) => fields && STRUCTURED.has(fields.layout)) ?? list.find((fields) => fields);
  const encrypted = best(ciphertexts.map((index) => encryptedFields(dotnet, survey, index, shapes(index))));
  if (encrypted !== undefined) return encrypted;
  const isMarked = hasMarks || (contracts.wcf && contracts.redline);
  const plain = plainLists.map((index) => plainFields(dotnet, survey, index, shapes(index)));
  return best(plain.filter((fields) => fields && isPlausible(fields, isMarked)));
}

/** Any program may hold `host:port`: it is RedLine's by the names of all four fields, or beside the family's marks. */
function isPlausible(fields: Fields, isMarked: boolean): boolean {
  return isMarked || (fields.named && fields.layout !== "two-field");
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

function lookAlike(survey: Survey, why: string, config?: Found<string>): Extraction {
  const marks = [...survey.marks.values()].flatMap((index) => survey.strings[index]?.text.at ?? []);
  return {
    status: "unknown-layout",
    stage: STAGE,
    text: `RedLine-like SOAP client, not taken for RedLine: ${why}`,
    at: config?.at ?? marks,
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
};
