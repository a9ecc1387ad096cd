/** From a text that may be the C2 list to the config's fields, by the shape of the code around it. */
import type { Found } from "../../bytes/index.ts";
import type { Dotnet } from "../../formats/dotnet/model.ts";
import { parseC2List } from "./c2-list.ts";
import { decrypt, isC2Ciphertext, isKey } from "./decrypt.ts";
import { followedStores } from "./folded.ts";
import { fieldName, groupAround, isTextStore, type Store, storesOf, textsLoadedBy } from "./stores.ts";
import type { Survey } from "./user-strings.ts";

/** #US entries on either side of the C2 list among which the key is looked for when the code does not show it. */
const NEIGHBOURS = 8;

/** Texts that hold an ID in the plain generation: no path, mask or separator. */
const PLAIN_ID = /^[^\\*%/,|:]{1,64}$/;

export type LayoutId = "arguments" | "entrypoint" | "locals" | "two-field" | "plain" | "user-strings";

/** The fields as they stand in the file: ciphertexts where there is a key, texts where there is none. */
export interface Fields {
  readonly layout: LayoutId;
  readonly c2: Found<string>;
  readonly id?: Found<string>;
  readonly message?: Found<string>;
  readonly key?: Found<string>;
  readonly version?: Found<number>;
  /** The fields are called IP and ID, or IP, ID, Message and Key. */
  readonly named: boolean;
}

/** The code that stores a candidate, if any does. */
export interface Shape {
  readonly group: readonly Store[];
  /** Position of the candidate's store in the group. */
  readonly centre: number;
  readonly loaded: readonly Found<string>[];
}

/** A text that may be the C2 list. */
export interface Candidate {
  readonly c2: Found<string>;
  /** Its index in the survey; undefined for a text that the code puts together. */
  readonly index: number | undefined;
  readonly shapes: readonly Shape[];
}

/** Shapes of the methods that load `text`; where one stores it, the group of stores around it. */
export function shapesOf(dotnet: Dotnet, methods: readonly number[], text: Found<string>): readonly Shape[] {
  return methods.map((rid) => {
    const loaded = textsLoadedBy(dotnet, rid);
    const holds = (store: Store) => store.value.value === text.value;
    const direct = storesOf(dotnet, rid);
    const stores = direct.some(holds) ? direct : followedStores(dotnet, rid);
    const at = stores.findIndex(holds);
    const group = at < 0 ? [] : groupAround(dotnet, stores, at);
    return { group, centre: group.findIndex(holds), loaded };
  });
}

/** Candidates among the texts that constructors put together (folded.ts), each with its group. */
export function foldedCandidates(
  dotnet: Dotnet,
  methods: readonly (readonly Store[])[],
): readonly Candidate[] {
  return methods.flatMap((stores) =>
    stores.flatMap((store, at): Candidate[] => {
      if (!isTextStore(store)) return [];
      const text = store.value.value;
      if (!isC2Ciphertext(text) && parseC2List(text, false) === undefined) return [];
      const group = groupAround(dotnet, stores, at);
      const shape = { group, centre: group.indexOf(store), loaded: textsOf(stores) };
      return [{ c2: store.value, index: undefined, shapes: [shape] }];
    }),
  );
}

/** Fields of an encrypted config: the candidate decrypts to a C2 list under a key that stands near it. */
export function encryptedFields(
  dotnet: Dotnet | undefined,
  survey: Survey,
  { c2, index, shapes }: Candidate,
): Fields | undefined {
  const opens = (key: Found<string>) =>
    isKey(key.value) && parseC2List(decrypt(c2.value, key.value) ?? "", true) !== undefined;
  const near =
    index === undefined ? [] : survey.strings.slice(Math.max(0, index - NEIGHBOURS), index + NEIGHBOURS + 1);
  const key =
    shapes.flatMap(({ group }) => textsOf(group)).find(opens) ??
    shapes.flatMap(({ loaded }) => loaded).find(opens) ??
    near.map(({ text }) => text).find(opens);
  if (key === undefined) return undefined;
  const stored = shapes.find(isStored);
  if (dotnet !== undefined && stored !== undefined) return roles(dotnet, stored, c2, key);
  const [id, message] = index === undefined ? [] : betweenOf(survey, index, key);
  return {
    layout: "user-strings",
    c2,
    key,
    named: false,
    ...(id === undefined ? {} : { id }),
    ...(message === undefined ? {} : { message }),
  };
}

/** Fields of a config without encryption. Two stores at least, or the heap's neighbours when no code stores it. */
export function plainFields(
  dotnet: Dotnet | undefined,
  survey: Survey,
  { c2, index, shapes }: Candidate,
): Fields | undefined {
  const stored = shapes.find(isStored);
  const fields = dotnet && stored && roles(dotnet, stored, c2, undefined);
  if (fields?.id !== undefined) return fields;
  if (index === undefined) return undefined;
  const loaded = shapes.map((shape) => behind(shape.loaded, c2)).find((text) => text !== undefined);
  const id = loaded ?? survey.strings[index + 1]?.text;
  const isId = id !== undefined && PLAIN_ID.test(id.value);
  return { layout: "plain", c2, named: false, ...(isId ? { id } : {}) };
}

function isStored({ group }: Shape): boolean {
  return textsOf(group).length > 1;
}

/** By name where the fields still have their names, by the order IP, ID, Message, Key, Version where not. */
function roles(dotnet: Dotnet, shape: Shape, c2: Found<string>, key: Found<string> | undefined): Fields {
  const { group, centre } = shape;
  const named = new Map<string, Store>();
  for (const store of group) named.set(fieldName(dotnet, store)?.toLowerCase() ?? "", store);
  const isNamed = named.get("ip") === group[centre] && named.has("id");
  const texts = group.slice(centre + 1).filter(isTextStore);
  const isKeyStore = (store: Store) => store.value.value === key?.value;
  const keyAt = texts.findIndex(isKeyStore);
  const others = keyAt < 0 ? texts : texts.slice(0, keyAt);
  const byName = (name: string) => {
    const store = named.get(name);
    return store !== undefined && isTextStore(store) ? store.value : undefined;
  };
  const id = isNamed ? byName("id") : others[0]?.value;
  // Without a key, two texts behind the list are ID and Key; three are ID, Message and Key.
  const hasMessage = key !== undefined || others.length > 2;
  const message = isNamed ? byName("message") : hasMessage ? others[1]?.value : undefined;
  const version = (isNamed ? named.get("version") : undefined) ?? lastNumber(group, centre);
  const count = group.filter(isTextStore).length;
  return {
    layout: layoutOf(group[centre] as Store, count),
    c2,
    named: isNamed,
    ...(id === undefined ? {} : { id }),
    ...(message === undefined ? {} : { message }),
    ...(key === undefined ? {} : { key }),
    ...(version === undefined || isTextStore(version) ? {} : { version: version.value as Found<number> }),
  };
}

function layoutOf({ kind }: Store, texts: number): LayoutId {
  if (texts < 3) return "two-field";
  return kind === "static" ? "arguments" : kind === "instance" ? "entrypoint" : "locals";
}

/** The number stored right behind the texts. */
function lastNumber(group: readonly Store[], centre: number): Store | undefined {
  return group.slice(centre + 1).find((store) => !isTextStore(store));
}

function textsOf(group: readonly Store[]): readonly Found<string>[] {
  return group.filter(isTextStore).map(({ value }) => value);
}

/** The text that a method loads next after `text`. */
function behind(loaded: readonly Found<string>[], text: Found<string>): Found<string> | undefined {
  return loaded[loaded.findIndex(({ value }) => value === text.value) + 1];
}

/** #US entries between the C2 list and the key that decrypt, in heap order: ID and Message. */
function betweenOf(survey: Survey, index: number, key: Found<string>): readonly Found<string>[] {
  const keyIndex = survey.strings.findIndex(({ text }, i) => i > index && text.value === key.value);
  const between = keyIndex < 0 ? [] : survey.strings.slice(index + 1, keyIndex);
  return between.map(({ text }) => text).filter((text) => decrypt(text.value, key.value) !== undefined);
}
