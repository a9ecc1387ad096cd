/** Names of what tokens stand for. */
import type { View } from "../../bytes/index.ts";
import { typeSpecType } from "./signatures.ts";
import { type CodedIndex, decodeCoded, TABLE } from "./table-layout.ts";
import type { Tables } from "./tables.ts";

/** Types within types, members of generic instances of generic instances: how far a name is followed. */
const MAX_DEPTH = 24;

/** Characters of all names of a module together: ten times what the largest framework assembly has. */
const MAX_CHARACTERS = 1 << 25;

/** Tables whose name is one column of their own row: table number to column. */
const NAME_COLUMN: Readonly<Record<number, number>> = {
  [TABLE.Module]: 1,
  [TABLE.Param]: 2,
  [TABLE.Event]: 1,
  [TABLE.Property]: 1,
  [TABLE.ModuleRef]: 0,
  [TABLE.Assembly]: 7,
  [TABLE.AssemblyRef]: 6,
  [TABLE.File]: 1,
  [TABLE.ManifestResource]: 2,
  [TABLE.GenericParam]: 3,
};

export interface NameSource {
  readonly tables: Tables;
  string(index: number): string | undefined;
  blob(index: number): View | undefined;
  /** TypeDef that owns a field or method; 0 for none. */
  ownerOf(table: number, rid: number): number;
}

export class Names {
  readonly #source: NameSource;
  readonly #cache = new Map<number, string>();
  #depth = 0;
  #charactersLeft = MAX_CHARACTERS;
  #enclosing: ReadonlyMap<number, number> | undefined;

  constructor(source: NameSource) {
    this.#source = source;
  }

  /** As Dotnet.nameOf. A row that leads back to itself has no name. */
  get(token: number): string | undefined {
    const known = this.#cache.get(token);
    if (known !== undefined) return known;
    if (this.#depth >= MAX_DEPTH) return undefined;
    this.#depth++;
    const name = this.#make(token >>> 24, token & 0xffffff);
    this.#depth--;
    if (name === undefined || name.length > this.#charactersLeft) return undefined;
    this.#charactersLeft -= name.length;
    this.#cache.set(token, name);
    return name;
  }

  readonly #nameOf = (token: number): string | undefined => this.get(token);

  #make(table: number, rid: number): string | undefined {
    const { tables } = this.#source;
    if (rid < 1 || rid > tables.rowCount(table)) return undefined;
    const string = (column: number): string | undefined =>
      this.#source.string(tables.column(table, rid, column));
    const coded = (kind: CodedIndex, column: number): number =>
      decodeCoded(kind, tables.column(table, rid, column));
    const member = (owner: string | undefined, name: string | undefined): string | undefined =>
      name === undefined ? undefined : `${owner ?? "?"}::${name}`;
    switch (table) {
      case TABLE.TypeDef: {
        const outer = this.#enclosingOf(rid);
        return typeName(
          string(2),
          string(1),
          outer === 0 ? undefined : this.get(TABLE.TypeDef * 0x1000000 + outer),
        );
      }
      case TABLE.TypeRef: {
        const scope = coded("ResolutionScope", 0);
        return typeName(string(2), string(1), scope >>> 24 === TABLE.TypeRef ? this.get(scope) : undefined);
      }
      case TABLE.ExportedType:
        return typeName(string(3), string(2), undefined);
      case TABLE.TypeSpec: {
        const signature = this.#source.blob(tables.column(table, rid, 0));
        return signature && typeSpecType(signature, this.#nameOf)?.name;
      }
      case TABLE.Field:
      case TABLE.MethodDef: {
        const owner = this.#source.ownerOf(table, rid);
        const name = string(table === TABLE.Field ? 1 : 3);
        return member(owner === 0 ? undefined : this.get(TABLE.TypeDef * 0x1000000 + owner), name);
      }
      case TABLE.MemberRef: {
        const parent = coded("MemberRefParent", 0);
        // A reference to a vararg method names the method itself as its parent (II.22.25).
        if (parent >>> 24 === TABLE.MethodDef) return this.get(parent);
        return member(this.get(parent), string(1));
      }
      case TABLE.MethodSpec:
        return this.get(coded("MethodDefOrRef", 0));
      default: {
        const column = NAME_COLUMN[table];
        return column === undefined ? undefined : string(column);
      }
    }
  }

  #enclosingOf(typeRid: number): number {
    if (this.#enclosing === undefined) {
      const { tables } = this.#source;
      const map = new Map<number, number>();
      for (let rid = 1; rid <= tables.rowCount(TABLE.NestedClass); rid++) {
        const nested = tables.column(TABLE.NestedClass, rid, 0);
        if (!map.has(nested)) map.set(nested, tables.column(TABLE.NestedClass, rid, 1));
      }
      this.#enclosing = map;
    }
    return this.#enclosing.get(typeRid) ?? 0;
  }
}

function typeName(
  namespace: string | undefined,
  name: string | undefined,
  outer: string | undefined,
): string | undefined {
  if (name === undefined) return undefined;
  if (outer !== undefined) return `${outer}/${name}`;
  return namespace === undefined || namespace === "" ? name : `${namespace}.${name}`;
}
