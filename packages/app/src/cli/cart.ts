/** `assay cart FILE…`: seals malware for the way, and opens what was sealed. */
import { mkdirSync } from "node:fs";
import { printable } from "@assay/core/export/escape";
import { type Command, InvalidArgumentError } from "commander";
import { attemptIo } from "../batch/collect.ts";
import type { CartFlags } from "./cart-files.ts";
import { UsageError } from "./options.ts";
import { emit } from "./output.ts";

const FAILED_STATUS = 1;

export function cartCommand(program: Command): void {
  program
    .command("cart")
    .description(
      "seal files as CaRT (FILE.cart), the form in which malware is passed on: neither run nor caught by a scanner",
    )
    .argument("<file...>", "files to seal, or with --decode to open")
    .option("--decode", "open CaRT files and write the raw content")
    .option("--out <dir>", "write into DIR instead of beside each file")
    .option("--force", "replace files that exist")
    .option("--key <hex>", "private RC4 key, 1 to 256 bytes; needed again to open", keyOf)
    .action(async (files: string[], flags: CartFlags) => {
      const { open, seal } = await import("./cart-files.ts");
      if (flags.out !== undefined) {
        const made = attemptIo(() => mkdirSync(flags.out as string, { recursive: true }));
        if ("code" in made) throw new UsageError(`${flags.out}: ${made.text}`);
      }
      if (flags.decode) console.error("assay: warning: raw malware is being written; do not run or open it");
      for (const file of files) {
        const line = flags.decode ? open(file, flags) : seal(file, flags);
        if ("error" in line) {
          console.error(`assay: ${printable(file)}: ${line.error}`);
          process.exitCode = FAILED_STATUS;
        } else emit(`${line.done}\n`, undefined);
      }
    });
}

function keyOf(text: string): Uint8Array {
  if (text.length % 2 !== 0 || text.length > 512 || !/^([0-9a-f]{2})+$/i.test(text)) {
    throw new InvalidArgumentError("1 to 256 bytes in hex are expected");
  }
  return new Uint8Array(Buffer.from(text, "hex"));
}
