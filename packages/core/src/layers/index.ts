/** Every layer, in the order in which an artifact is tried on them. */
import { AROUND_PE } from "./around-pe/index.ts";
import { cart } from "./cart.ts";
import { mail } from "./documents/mail.ts";
import { msg } from "./documents/msg.ts";
import { onenote } from "./documents/onenote.ts";
import { dotnetLoader } from "./dotnet/loader.ts";
import type { Layer } from "./layer.ts";
import { packers } from "./packers/packers.ts";
import { scripts } from "./scripts/index.ts";
import { upx } from "./upx/upx.ts";

export const layers: readonly Layer[] = [
  cart,
  mail,
  msg,
  onenote,
  packers,
  upx,
  ...AROUND_PE,
  dotnetLoader,
  scripts,
];
