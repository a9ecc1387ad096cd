import type { ViewProps } from "../shell/routes.ts";

export default function CorpusView(_: ViewProps) {
  return <h1>Corpus</h1>;
}
