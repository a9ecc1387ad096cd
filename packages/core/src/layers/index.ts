/** Every layer, in the order in which an artifact is tried on them. */
import { AROUND_PE } from "./around-pe.ts";
import { cart } from "./cart.ts";
import { dotnetLoader } from "./dotnet-loader.ts";
import type { Layer } from "./layer.ts";
import { mail } from "./mail.ts";
import { msg } from "./msg.ts";
import { onenote } from "./onenote.ts";
import { packers } from "./packers.ts";
import { scripts } from "./scripts/index.ts";
import { upx } from "./upx.ts";

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
