import type { ViewProps } from "../shell/routes.ts";

export default function PivotView(_: ViewProps) {
  return <h1>Pivot</h1>;
}
