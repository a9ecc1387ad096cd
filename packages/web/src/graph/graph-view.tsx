import type { ViewProps } from "../shell/routes.ts";

export default function GraphView(_: ViewProps) {
  return <h1>Graph</h1>;
}
