/** Constants that a method stores one after another: the shape in which every RedLine keeps its config. */
import type { Found } from "../../bytes/index.ts";
import { found } from "../../bytes/index.ts";
import type { Dotnet, Instruction } from "../../formats/dotnet/model.ts";

const METHOD_DEF = 0x06;

/** First and last byte of `ldstr <token>`. */
const LDSTR = 0x72;
const USER_STRING_TABLE = 0x70;

/** Methods that load a text; the config's is loaded once. */
const MAX_LOADERS = 8;

/** Longest code that is looked at: the methods that hold a config are short. */
const MAX_CODE = 0x10000;

/** All code that is looked at, as damaged metadata may give many methods the same bytes. */
const MAX_CODE_TOTAL = 1 << 26;

/** Instructions from one store of a group to the next: nop, ldarg.0, ldstr, stfld, and one to spare. */
const MAX_GAP = 5;

/** Stores that a group may have on either side of the C2's. */
const MAX_REACH = 8;

export type StoreKind = "static" | "instance" | "local";

type Constant = Found<string> | Found<number>;

export interface Store {
  readonly kind: StoreKind;
  /** Field token or local's index. */
  readonly target: number;
  readonly value: Constant;
  /** Index of the storing instruction. */
  readonly index: number;
}

export interface TextStore extends Store {
  readonly value: Found<string>;
}

/** The code of each method that has some, up to the limits above. */
export function* methodCode(dotnet: Dotnet): Generator<{ readonly rid: number; readonly bytes: Uint8Array }> {
  let total = 0;
  for (let rid = 1; rid <= dotnet.rowCount(METHOD_DEF) && total < MAX_CODE_TOTAL; rid++) {
    const bytes = dotnet.body(rid)?.code.bytes;
    if (bytes === undefined || bytes.length > MAX_CODE) continue;
    total += bytes.length;
    yield { rid, bytes };
  }
}

/** For each wanted #US offset, the methods (row ids) whose code loads it. One pass over all code. */
export function loadersOf(
  dotnet: Dotnet,
  wanted: ReadonlySet<number>,
): ReadonlyMap<number, readonly number[]> {
  const loaders = new Map<number, number[]>();
  for (const { rid, bytes } of methodCode(dotnet)) {
    for (let at = bytes.indexOf(LDSTR); at >= 0; at = bytes.indexOf(LDSTR, at + 1)) {
      if (bytes[at + 4] !== USER_STRING_TABLE) continue;
      const offset =
        (bytes[at + 1] as number) | ((bytes[at + 2] as number) << 8) | ((bytes[at + 3] as number) << 16);
      if (!wanted.has(offset)) continue;
      const known = loaders.get(offset) ?? [];
      if (known.length < MAX_LOADERS && !known.includes(rid)) known.push(rid);
      loaders.set(offset, known);
    }
  }
  return loaders;
}

/** Texts that a method loads, in order. */
export function textsLoadedBy(dotnet: Dotnet, rid: number): readonly Found<string>[] {
  const texts: Found<string>[] = [];
  for (const { op, operand } of dotnet.instructions(rid)) {
    const text = op === "ldstr" ? dotnet.userString(operand as number)?.text : undefined;
    if (text !== undefined) texts.push(text);
  }
  return texts;
}

/** Every constant that a method stores as it stands: load, then store, with at most a nop between. */
export function storesOf(dotnet: Dotnet, rid: number): readonly Store[] {
  const stores: Store[] = [];
  let value: Constant | undefined;
  dotnet.instructions(rid).forEach((instruction, index) => {
    if (instruction.op === "nop") return;
    const target = value && storeTarget(instruction);
    if (value !== undefined && target !== undefined) stores.push({ ...target, value, index });
    value = constantOf(dotnet, instruction);
  });
  return stores;
}

function constantOf(dotnet: Dotnet, instruction: Instruction): Constant | undefined {
  const { op, operand } = instruction;
  if (op === "ldstr") return dotnet.userString(operand as number)?.text;
  // Some compilers write an empty literal so.
  if (op === "ldsfld" && dotnet.nameOf(operand as number) === "System.String::Empty") return found("");
  const isNumber = op.startsWith("ldc.i4") && typeof operand === "number";
  return isNumber ? found(operand, instruction.view.span()) : undefined;
}

function storeTarget({ op, operand }: Instruction): { kind: StoreKind; target: number } | undefined {
  if (typeof operand !== "number") return undefined;
  if (op === "stsfld") return { kind: "static", target: operand };
  if (op === "stfld") return { kind: "instance", target: operand };
  return op.startsWith("stloc") ? { kind: "local", target: operand } : undefined;
}

export function isTextStore(store: Store): store is TextStore {
  return typeof store.value.value === "string";
}

/** The stores around `centre` that follow each other closely, are of its kind and go to the same type. */
export function groupAround(dotnet: Dotnet, stores: readonly Store[], centre: number): readonly Store[] {
  const owner = (store: Store) =>
    store.kind === "local" ? "" : (dotnet.nameOf(store.target)?.split("::")[0] ?? "");
  const joins = (a: Store | undefined, b: Store | undefined) =>
    a !== undefined &&
    b !== undefined &&
    a.kind === b.kind &&
    b.index - a.index <= MAX_GAP &&
    owner(a) === owner(b);
  let [first, last] = [centre, centre];
  while (centre - first < MAX_REACH && joins(stores[first - 1], stores[first])) first--;
  while (last - centre < MAX_REACH && joins(stores[last], stores[last + 1])) last++;
  return stores.slice(first, last + 1);
}

/** Name of the field that a store goes to; undefined for a local. */
export function fieldName(dotnet: Dotnet, store: Store): string | undefined {
  return store.kind === "local" ? undefined : dotnet.nameOf(store.target)?.split("::")[1];
}
