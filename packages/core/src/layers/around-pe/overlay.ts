import { indexOf, latin1Bytes, unhex } from "../../bytes/index.ts";
import type { Reason } from "../../model/index.ts";
import { type Inner, type Layer, NOTHING, reason } from "../layer.ts";
import { installerOf } from "../packers/installers.ts";
import { findInflation } from "./inflation.ts";
import { overlayRanges } from "./pe-overlay.ts";

const SEVEN_ZIP = unhex("377abcaf271c") ?? new Uint8Array(0);
const SFX_CONFIG = latin1Bytes(";!@Install@!UTF-8!");
/** A 7z SFX module's configuration, which stands before its archive, is a page of text. */
const MAX_SFX_CONFIG = 0x1_0000;

/** What stands behind a PE's sections, without symbols and certificates. */
export const overlay: Layer = {
  id: "overlay",
  title: "PE overlay",
  how: "Data behind the sections; NSIS, Inno Setup, 7z and RAR SFX, AutoIt, InstallShield, PyInstaller and others are named.",
  peel({ image, ledger, budget }) {
    if (image.overlay === undefined || findInflation(image) !== undefined) return NOTHING;
    const inner: Inner[] = [];
    const reasons: Reason[] = [];
    for (const { start, end } of overlayRanges(image)) {
      const part = image.view.clip(start, end - start);
      const installer = installerOf(part);
      if (installer !== undefined)
        reasons.push(
          reason(overlay, "installer", `${installer} installer: its data is the overlay`, part.span(0, 16)),
        );
      // An archive reader wants the archive's first byte first.
      const config = indexOf(part.bytes.subarray(0, 0x100), SFX_CONFIG);
      const archive = config < 0 ? 0 : indexOf(part.bytes.subarray(0, MAX_SFX_CONFIG), SEVEN_ZIP, config);
      const at = part.span(Math.max(0, archive));
      if (!budget.take(at.length)) break;
      const view = ledger.derive([at], [], "overlay", "overlay");
      if (view !== undefined) inner.push({ view, kind: "overlay" });
    }
    return { inner, reasons };
  },
};
