import type { FamilyIdentity } from "../../model/index.ts";

export const IDENTITY: FamilyIdentity = {
  id: "win.redline_stealer",
  name: "RedLine Stealer",
  aliases: ["RedLine"],
  category: ["infostealer"],
};
