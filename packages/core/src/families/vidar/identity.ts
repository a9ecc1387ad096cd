/** What every layout of the family reports with. */
import type { View } from "../../bytes/index.ts";
import { type FamilyIdentity, FindingBuilder, type Reading } from "../../model/index.ts";
import { type Address, deadDropPlatform } from "./hosts.ts";

export const IDENTITY: FamilyIdentity = {
  id: "win.vidar",
  name: "Vidar",
  aliases: ["Vidar Stealer"],
  category: ["infostealer"],
};

/** `13.2`: every published version has two numbers, but those of the blob may have more. */
export const VERSION = /^\d{1,2}\.\d{1,2}$/;
export const BUILD_ID = /^[0-9a-f]{32}$/;

export const PLAIN: Reading = { as: "latin1" };

export function builder(layout: string, view: View): FindingBuilder {
  return new FindingBuilder(IDENTITY, layout, view.artifact);
}

export function usageOf(url: Address): "c2" | "dead_drop_resolver" {
  return deadDropPlatform(url) === undefined ? "c2" : "dead_drop_resolver";
}
