import type { ViewProps } from "../shell/routes.ts";

export default function BatchView(_: ViewProps) {
  return <h1>Batch</h1>;
}
