import type { ViewProps } from "../shell/routes.ts";

export default function DropView(_: ViewProps) {
  return <h1>Drop</h1>;
}
