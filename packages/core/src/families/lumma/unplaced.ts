/**
 * L3 in bytes whose address nobody knows, with key, nonce and slots apart: the code says how far apart, and two slots
 * that decrypt say where.
 */
import type { View } from "../../bytes/index.ts";
import { LOAD_STEP, possibleLoads } from "../../formats/loads.ts";
import { startsAsHost } from "./chacha-probe.ts";
import { certain, KEY_SIZE, NONCE_SIZE, readArray, SLOT } from "./entries.ts";
import { arrayAddresses, type FoundSite, type KeySetup } from "./key-sites.ts";
import { type Blob, FIRST_COUNTER } from "./l3.ts";
import type { Range } from "./ranges.ts";

/** Key setups and arrays that are tried with each other; real code has one of each. */
const MAX_SETUPS = 4;
const MAX_ARRAYS = 8;
/** Bytes between a key and its slots: both are constants of one section. */
const REACH = 0x10_0000;

/** The blob of a key setup at the only place where it decrypts. */
export function findUnplaced(
  view: View,
  ranges: readonly Range[],
  setups: readonly KeySetup[],
): Blob | undefined {
  const { bytes } = view;
  for (const { keyVa, nonceVa } of setups.slice(0, MAX_SETUPS)) {
    let arrays = MAX_ARRAYS;
    for (const { va, ...rest } of arrayAddresses(view, ranges)) {
      if (Math.abs(va - keyVa) > REACH || Math.abs(nonceVa - keyVa) > REACH) continue;
      if (arrays-- === 0) break;
      const { first, last } = possibleLoads(view.length, [keyVa, nonceVa, va]);
      for (let load = first; load >= last; load -= LOAD_STEP) {
        const [key, nonce, array] = [keyVa - load, nonceVa - load, va - load];
        if (!view.has(key, KEY_SIZE) || !view.has(nonce, NONCE_SIZE) || !view.has(array, SLOT)) continue;
        if (!startsAsHost(bytes, key, nonce, array, FIRST_COUNTER)) continue;
        const site: FoundSite = { key, nonce, by: "code" };
        const list = readArray(bytes, site, array, FIRST_COUNTER);
        if (certain(list) >= 2) return { site, array, firstCounter: FIRST_COUNTER, list, ...rest };
      }
    }
  }
  return undefined;
}
