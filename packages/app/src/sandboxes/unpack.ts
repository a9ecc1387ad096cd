/** Archives that a sandbox sends, opened by 7-Zip (WebAssembly) and written out under numbers, never under their own names. */
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ok } from "@assay/core/bytes/index";
import { diskProblem } from "./exchange.ts";
import { type Answer, problem } from "./sandbox.ts";

export interface UnpackLimits {
  /** Bytes of all members together. */
  readonly bytes: number;
  readonly members: number;
}

/** What one archive of a sandbox may hold: dumps of a dozen processes. */
export const UNPACK_LIMITS: UnpackLimits = { bytes: 1024 ** 3, members: 4096 };

export interface Unpacked {
  readonly path: string;
  /** As the archive has it. */
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
}

export interface UnpackResult {
  readonly files: readonly Unpacked[];
  /** What is wrong with it and sending it again might mend. */
  readonly damage?: string;
  /** What was left out. */
  readonly notes: readonly string[];
}

/** A member as it comes out; its bytes are only valid during the call. */
export type OnMember = (name: string, bytes: Uint8Array) => void;

/** Opens the archive at `zip`; the reasons say what did not come out. */
export type OpenArchive = (
  zip: string,
  passwords: readonly string[],
  limits: UnpackLimits,
  onMember: OnMember,
) => Promise<readonly { readonly code: string; readonly text: string }[]>;

/** Writes every member to `folder` as `<prefix>-<n>`. */
export async function unpack(
  open: OpenArchive,
  zip: string,
  folder: string,
  prefix: string,
  passwords: readonly string[],
): Promise<Answer<UnpackResult>> {
  const files: Unpacked[] = [];
  let full: { code: "disk"; text: string } | undefined;
  const reasons = await open(zip, passwords, UNPACK_LIMITS, (name, bytes) => {
    if (full !== undefined) return;
    const path = join(folder, `${prefix}-${files.length}`);
    try {
      writeFileSync(path, bytes, { mode: 0o600 });
    } catch (error) {
      full = diskProblem(error);
      return;
    }
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    files.push({ path, name, size: bytes.length, sha256 });
  });
  if (full !== undefined) return { ok: false, error: full };
  const of = (...codes: readonly string[]): string | undefined =>
    reasons.find(({ code }) => codes.includes(code))?.text;
  if (of("encrypted") !== undefined)
    return problem(
      "wrong-password",
      "the sandbox's archive does not open: --password names the one that its owner has set (usual: infected)",
    );
  const damage = of("damaged", "not-a-container");
  if (files.length === 0 && damage !== undefined)
    return problem("broken-archive", "the sandbox's archive is damaged or was half-sent");
  const crashed = of("timeout", "crashed", "needs-memory", "unreadable", "too-large", "internal-error");
  if (files.length === 0 && crashed !== undefined)
    return problem("too-large", `the sandbox's archive could not be opened: ${crashed}`);
  const left = reasons
    .filter(({ code }) => code !== "damaged" && code !== "links-ignored")
    .map(({ text }) => text);
  return ok({ files, notes: left, ...(damage === undefined ? {} : { damage }) });
}
