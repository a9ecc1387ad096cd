import type { ViewProps } from "../shell/routes.ts";

export default function CompareView(_: ViewProps) {
  return <h1>Compare</h1>;
}
