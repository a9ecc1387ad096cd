/** The members of a type, pointer tables followed. */
import type { Dotnet, FieldDef, MethodDef } from "./model.ts";

/** Methods of a TypeDef, in table order. */
export function methodsOf(dotnet: Dotnet, typeRid: number): readonly MethodDef[] {
  return byType(dotnet, "methods").get(typeRid) ?? [];
}

/** Fields of a TypeDef, in table order. */
export function fieldsOf(dotnet: Dotnet, typeRid: number): readonly FieldDef[] {
  return byType(dotnet, "fields").get(typeRid) ?? [];
}

interface ByType {
  methods?: ReadonlyMap<number, MethodDef[]>;
  fields?: ReadonlyMap<number, FieldDef[]>;
}

const cache = new WeakMap<Dotnet, ByType>();

function byType(dotnet: Dotnet, kind: "methods"): ReadonlyMap<number, MethodDef[]>;
function byType(dotnet: Dotnet, kind: "fields"): ReadonlyMap<number, FieldDef[]>;
function byType(dotnet: Dotnet, kind: "methods" | "fields"): ReadonlyMap<number, (MethodDef | FieldDef)[]> {
  let known = cache.get(dotnet);
  if (known === undefined) cache.set(dotnet, (known = {}));
  if (kind === "methods") return (known.methods ??= group(dotnet.methods));
  return (known.fields ??= group(dotnet.fields));
}

function group<T extends { readonly typeRid: number }>(members: readonly T[]): ReadonlyMap<number, T[]> {
  const map = new Map<number, T[]>();
  for (const member of members) {
    const list = map.get(member.typeRid);
    if (list === undefined) map.set(member.typeRid, [member]);
    else list.push(member);
  }
  return map;
}
