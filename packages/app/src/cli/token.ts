/** `assay token create|list|revoke`: who may ask the API. */
import { printable } from "@assay/core/export/escape";
import { type Command, Option } from "commander";
import type { Role } from "../store/tokens.ts";
import { type CorpusFlags, corpusOption, withCorpus } from "./corpus-place.ts";
import { positiveInteger, UsageError } from "./options.ts";
import { emit, json } from "./output.ts";

interface CreateFlags extends CorpusFlags {
  readonly role: Role;
  readonly days?: number;
}

const DAY_MS = 24 * 3600 * 1000;
const MAX_NAME = 100;

export function tokenCommand(program: Command): void {
  const token = program
    .command("token")
    .description("who may ask the API of `assay serve` beyond this machine; kept are hashes only");
  token
    .command("create")
    .description("print a new token: it is shown this once")
    .argument("<name>", "whose it is, for the logs")
    .addOption(
      new Option("--role <role>", "read: ask; submit: upload, watch and fetch samples; admin: all")
        .choices(["read", "submit", "admin"])
        .default("read"),
    )
    .option("--days <n>", "how long it holds (default: until it is revoked)", positiveInteger)
    .addOption(corpusOption())
    .action(async (name: string, flags: CreateFlags) => {
      if (name.length > MAX_NAME || printable(name) !== name)
        throw new UsageError(`a name is plain text of at most ${MAX_NAME} characters`);
      const { createToken } = await import("../store/tokens.ts");
      const now = Date.now();
      const until =
        flags.days === undefined ? {} : { expiresAt: new Date(now + flags.days * DAY_MS).toISOString() };
      const made = await withCorpus(
        flags,
        ({ db }) => createToken(db, { name, role: flags.role, ...until }, new Date(now).toISOString()),
        "make",
      );
      emit(`${made.token}\n`, undefined);
    });
  token
    .command("list")
    .description("every token, without its secret")
    .addOption(corpusOption())
    .option("--json", "as JSON")
    .action(async (flags: CorpusFlags & { readonly json?: boolean }) => {
      const { listTokens } = await import("../store/tokens.ts");
      const rows = await withCorpus(flags, ({ db }) => listTokens(db));
      if (flags.json) return emit(json(rows), undefined);
      const lines = rows.map(({ id, role, name, createdAt, expiresAt, usedAt, revokedAt }) =>
        [
          id,
          role.padEnd(6),
          revokedAt === null ? "" : `revoked ${day(revokedAt)} `,
          `${printable(name)}, made ${day(createdAt)}`,
          expiresAt === null ? "" : `, until ${day(expiresAt)}`,
          usedAt === null ? ", never used" : `, used ${day(usedAt)}`,
        ].join(" "),
      );
      emit(lines.map((line) => `${line}\n`).join(""), undefined);
    });
  token
    .command("revoke")
    .description("let it in no more")
    .argument("<id>", "as `list` shows it: the digits behind `assay_`")
    .addOption(corpusOption())
    .action(async (id: string, flags: CorpusFlags) => {
      const { revokeToken } = await import("../store/tokens.ts");
      if (!(await withCorpus(flags, ({ db }) => revokeToken(db, id, new Date().toISOString()))))
        throw new UsageError(`no token ${printable(id)} that is not revoked yet`);
    });
}

function day(at: string): string {
  return at.slice(0, 10);
}
