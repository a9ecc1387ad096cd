/** What all objects of a bundle share. */
import type { Confidence } from "../../model/index.ts";
import { EPOCH } from "../times.ts";
import { sdoId } from "./ids.ts";

export interface StixObject {
  readonly type: string;
  readonly id: string;
  readonly [property: string]: unknown;
}

/** STIX 2.1, appendix A, the DNI scale: almost certain, very likely, roughly even odds. */
export const STIX_CONFIDENCE: Readonly<Record<Confidence, number>> = {
  proved: 95,
  structural: 85,
  heuristic: 50,
};

export const IDENTITY_ID = sdoId("identity", "assay");

/** What is common to one bundle's objects, put on each. */
export class Frame {
  readonly moment: string;
  readonly #marking: { readonly object_marking_refs: readonly string[] } | undefined;

  constructor(moment: string, markingId: string | undefined) {
    this.moment = moment;
    this.#marking = markingId === undefined ? undefined : { object_marking_refs: [markingId] };
  }

  sco(type: string, id: string, properties: Readonly<Record<string, unknown>>): StixObject {
    return { type, spec_version: "2.1", id, ...this.#marking, ...properties };
  }

  sdo(type: string, id: string, properties: Readonly<Record<string, unknown>>): StixObject {
    return {
      type,
      spec_version: "2.1",
      id,
      ...(id === IDENTITY_ID ? {} : { created_by_ref: IDENTITY_ID }),
      created: EPOCH,
      modified: this.moment,
      ...this.#marking,
      ...properties,
    };
  }

  relationship(
    source: string,
    kind: string,
    target: string,
    more: Readonly<Record<string, unknown>> = {},
  ): StixObject {
    return this.sdo("relationship", sdoId("relationship", source, kind, target), {
      relationship_type: kind,
      source_ref: source,
      target_ref: target,
      ...more,
    });
  }
}
