import type { ViewProps } from "../shell/routes.ts";

export default function BatchesView(_: ViewProps) {
  return <h1>Batches</h1>;
}
