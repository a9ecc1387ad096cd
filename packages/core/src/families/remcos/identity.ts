import type { FamilyIdentity } from "../../model/index.ts";

export const IDENTITY: FamilyIdentity = {
  id: "win.remcos",
  name: "Remcos",
  aliases: ["RemcosRAT", "Remvio", "Socmer"],
  category: ["rat", "keylogger"],
};
