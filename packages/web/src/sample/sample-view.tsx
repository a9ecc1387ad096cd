import type { ViewProps } from "../shell/routes.ts";

export default function SampleView(_: ViewProps) {
  return <h1>Sample</h1>;
}
