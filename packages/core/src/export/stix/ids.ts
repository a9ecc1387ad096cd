/** Ids of STIX objects: of observables as the specification makes them, of all others under a namespace of our own. */
import { ASSAY_NAMESPACE, canonicalJson, uuid5 } from "../uuid.ts";

/** STIX 2.1, 2.9: the namespace of deterministic SCO ids. */
const SCO_NAMESPACE = "00abedb4-aa42-466c-9c01-fed23315a9b7";

/** `contributing`: the properties that the specification says make the id, and no others. */
export function scoId(type: string, contributing: Readonly<Record<string, unknown>>): string {
  return `${type}--${uuid5(SCO_NAMESPACE, canonicalJson(contributing))}`;
}

/** `parts`: what the object is, in an order that never changes. */
export function sdoId(type: string, ...parts: readonly string[]): string {
  return `${type}--${uuid5(ASSAY_NAMESPACE, canonicalJson([type, ...parts]))}`;
}
