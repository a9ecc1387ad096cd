/** `assay search QUERY` */
import type { Command } from "commander";
import { type CorpusFlags, corpusOption, withCorpus } from "./corpus-place.ts";
import { positiveInteger, UsageError } from "./options.ts";
import { emit, json } from "./output.ts";

interface SearchFlags extends CorpusFlags {
  readonly json?: boolean;
  readonly color: boolean;
  readonly limit: number;
}

const DEFAULT_LIMIT = 50;

export function searchCommand(program: Command): void {
  program
    .command("search")
    .description(
      "samples of the corpus that meet every term: family:remcos c2:77.105.132.0/24 since:2024-01 -version:4*",
    )
    .argument("<query...>", "KEY:VALUE or a value; a comma between values means one of them, - in front none")
    .addOption(corpusOption())
    .option("--limit <n>", "samples shown", positiveInteger, DEFAULT_LIMIT)
    .option("--json", "as JSON")
    .option("--no-color", "no colours")
    .action(async (words: string[], flags: SearchFlags) => {
      const { parseQuery, SEARCH_KEYS } = await import("@assay/core/search/query");
      const query = parseQuery(words.join(" "));
      if (!query.ok)
        throw new UsageError(
          `at character ${query.error.at + 1}: ${query.error.text} (keys: ${SEARCH_KEYS.join(", ")})`,
        );
      const { search } = await import("../store/search.ts");
      const found = await withCorpus(flags, ({ db }) => search(db, query.value, flags.limit));
      if (flags.json) emit(json(found), undefined);
      else {
        const { searchText } = await import("../render/corpus.ts");
        const { outputStyle } = await import("../render/style.ts");
        emit(searchText(found, outputStyle(flags.color)), undefined);
      }
    });
}
