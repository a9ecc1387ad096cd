import type { ViewProps } from "../shell/routes.ts";

export default function IndicatorsView(_: ViewProps) {
  return <h1>Indicators</h1>;
}
