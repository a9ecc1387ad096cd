import type { FamilyIdentity } from "../../model/index.ts";

export const IDENTITY: FamilyIdentity = {
  id: "win.quasar_rat",
  name: "Quasar RAT",
  aliases: ["QuasarRAT", "CinaRAT", "Yggdrasil", "xRAT"],
  category: ["rat", "backdoor"],
};
