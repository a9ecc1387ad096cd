/** Protectors of .NET assemblies, by the marks that they leave; named for people, nothing is undone here. */
import type { Span, View } from "../../bytes/index.ts";
import { indexOf, latin1Bytes } from "../../bytes/index.ts";
import { type Dotnet, TABLE } from "../../formats/index.ts";

export interface Protector {
  readonly name: string;
  /** The mark that gave it away. */
  readonly mark: string;
  readonly at: readonly Span[];
}

/** Class names of assembly and module attributes, of the assembly's own or foreign. */
const ATTRIBUTES: readonly (readonly [RegExp, string])[] = [
  [/^(ConfusedByAttribute|ConfuserEx?\b)/i, "ConfuserEx"],
  [/SmartAssembly\.Attributes\.PoweredByAttribute$|^PoweredByAttribute$/, "SmartAssembly"],
  [/(^|\.)BabelAttribute$|^BabelObfuscatorAttribute$/, "Babel"],
  [/(^|\.)DotfuscatorAttribute$/, "Dotfuscator"],
  [/^CryptoObfuscator\.ProtectedWithCryptoObfuscatorAttribute$/, "Crypto Obfuscator"],
  [/(^|\.)ObfuscatedByGoliath$/, "Goliath"],
  [/(^|\.)ObfuscatedByAgileDotNetAttribute$|^SecureTeam\.Attributes\./, "Agile.NET"],
  [/(^|\.)YanoAttribute$/, "Yano"],
  [/(^|\.)NETGuard$|^NetGuard/, "NETGuard"],
  [/^NineRays\.Obfuscator\.|(^|\.)SoftwareWatermarkAttribute$/, "Spices.Net"],
  [/^Xenocode\.|(^|\.)ProcessedByXenocode$/, "Xenocode"],
];

/** Type names. */
const TYPES: readonly (readonly [RegExp, string])[] = [
  [/^(ConfusedByAttribute|Confuser\.)/, "ConfuserEx"],
  [/^SmartAssembly\./, "SmartAssembly"],
  [
    /^<PrivateImplementationDetails>\{[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\}\/__StaticArrayInitTypeSize=256$/,
    ".NET Reactor",
  ],
  [/^<AgileDotNetRT>/, "Agile.NET"],
  [/^DotfuscatorAttribute$/, "Dotfuscator"],
  [/^BabelAttribute$|^BabelObfuscatorAttribute$/, "Babel"],
  [/^CryptoObfuscator\./, "Crypto Obfuscator"],
  [/^Eazfuscator\.NET/, "Eazfuscator"],
];

/** Texts in #US or #Strings that a protector writes. */
const TEXTS: readonly (readonly [string, string])[] = [
  ["ConfuserEx v", "ConfuserEx"],
  ["Eazfuscator.NET", "Eazfuscator"],
  ["Powered by SmartAssembly", "SmartAssembly"],
  ["{11111-22222-10009-11112}", ".NET Reactor"],
  ["{11111-22222-50001-00000}", ".NET Reactor"],
  ["{11111-22222-20001-00001}", ".NET Reactor"],
  ["{11111-22222-20001-00002}", ".NET Reactor"],
];

/** Types and strings looked at. */
const MAX_ROWS = 20_000;

/** Takes a mark; where its name stands in #Strings is looked up when nothing better is known. */
type Add = (name: string, mark: string, at?: readonly Span[]) => void;

/** Every protector whose mark is there, once each. */
export function protectorsOf(dotnet: Dotnet, view: View): Protector[] {
  const found = new Map<string, Protector>();
  const heap = dotnet.streams.find(({ name }) => name === "#Strings")?.view;
  const add: Add = (name, mark, at) => {
    if (!found.has(name))
      found.set(name, { name, mark, at: at ?? nameSpan(heap, mark.slice(mark.lastIndexOf(".") + 1)) });
  };
  addByAttributes(dotnet, heap, add);
  addByTypes(dotnet, heap, add);
  addByTexts(dotnet, add);
  addByResources(dotnet, add);
  const broken = brokenStreams(dotnet, view);
  if (found.size === 0 && broken !== undefined) add("an unnamed protector", broken.mark, broken.at);
  return [...found.values()];
}

function addByAttributes(dotnet: Dotnet, heap: View | undefined, add: Add): void {
  const met = new Set<string>();
  for (const { constructorName, value } of dotnet.customAttributes().slice(0, MAX_ROWS)) {
    // Programs use a few attributes thousands of times.
    if (met.has(constructorName)) continue;
    met.add(constructorName);
    const type = constructorName.replace(/::\.ctor$/, "");
    for (const [pattern, name] of ATTRIBUTES)
      if (pattern.test(type)) {
        const named = nameSpan(heap, type.slice(type.lastIndexOf(".") + 1));
        add(name, `attribute ${type}`, value === undefined ? named : [...named, value.span()]);
      }
  }
}

const ANY_TYPE = new RegExp(TYPES.map(([{ source }]) => source).join("|"));

function addByTypes(dotnet: Dotnet, heap: View | undefined, add: Add): void {
  for (const { rid } of dotnet.typeDefs.slice(0, MAX_ROWS)) {
    const type = dotnet.nameOf(((TABLE.TypeDef << 24) | rid) >>> 0) ?? "";
    if (isObfuscar(type)) add("Obfuscar", `type ${JSON.stringify(type)}`, nameSpan(heap, type));
    if (!ANY_TYPE.test(type)) continue;
    for (const [pattern, name] of TYPES)
      if (pattern.test(type)) add(name, `type ${type}`, nameSpan(heap, type.slice(type.search(/[^./]*$/))));
  }
}

function addByTexts(dotnet: Dotnet, add: Add): void {
  for (const { text } of dotnet.userStrings().slice(0, MAX_ROWS))
    for (const [words, name] of TEXTS)
      if (text.value.startsWith(words)) add(name, `string ${words}`, text.at);
}

function addByResources(dotnet: Dotnet, add: Add): void {
  for (const { name, data } of dotnet.resources())
    if (/^\{[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}$/.test(name) && data !== undefined)
      add("SmartAssembly", `resource ${name}`, [data.span(0, Math.min(16, data.length))]);
}

/** Obfuscar's hidden strings live in a type of this name. */
function isObfuscar(type: string): boolean {
  return /^<PrivateImplementationDetails>\{[0-9A-F-]{36}\}\.[0-9A-F-]{36}$/.test(type);
}

/** More than one stream of a kind: ConfuserEx and its kin add some to break readers. */
function brokenStreams(dotnet: Dotnet, view: View): { mark: string; at: readonly Span[] } | undefined {
  const names = dotnet.streams.map(({ name }) => name);
  const twice = names.find((name, i) => name.startsWith("#") && names.indexOf(name) !== i);
  if (twice === undefined) return undefined;
  const [first] = dotnet.streams;
  const at = first === undefined ? [] : [view.span(Math.max(0, first.view.base - view.base), 0)];
  return { mark: `stream ${twice} there twice`, at };
}

function nameSpan(heap: View | undefined, name: string): readonly Span[] {
  if (heap === undefined || name === "" || !/^[\x20-\x7e]+$/.test(name)) return [];
  const at = indexOf(heap.bytes, latin1Bytes(`\0${name}\0`));
  return at < 0 ? [] : [heap.span(at + 1, name.length)];
}
