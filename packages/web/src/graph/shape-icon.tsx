/** The shape of a kind, as it is in the graph. */
import type { Kind } from "./board.ts";
import type { Shape } from "./shapes-of.ts";
import { SHAPE_OF } from "./shapes-of.ts";

const PATHS: Readonly<Record<Shape, string>> = {
  disc: "M6 1.2a4.8 4.8 0 1 0 0 9.6a4.8 4.8 0 1 0 0-9.6z",
  square: "M1.6 1.6h8.8v8.8H1.6z",
  diamond: "M6 .4L11.6 6L6 11.6L.4 6z",
  triangle: "M6 1L11.4 10.6H.6z",
  hexagon: "M6 .4L10.9 3.2V8.8L6 11.6L1.1 8.8V3.2z",
  ring: "M6 .8a5.2 5.2 0 1 0 0 10.4a5.2 5.2 0 1 0 0-10.4zM6 3.2a2.8 2.8 0 1 1 0 5.6a2.8 2.8 0 1 1 0-5.6z",
  star: "M6 .4L7.4 4.1L11.4 4.3L8.3 6.8L9.3 10.6L6 8.4L2.7 10.6L3.7 6.8L.6 4.3L4.6 4.1z",
  plus: "M4.2.8h3.6v3.4h3.4v3.6H7.8v3.4H4.2V7.8H.8V4.2h3.4z",
};

export function ShapeIcon({ kind, group }: { readonly kind: Kind; readonly group?: number | undefined }) {
  return (
    <svg
      className={`shape cat-${group === undefined ? 10 : group + 1}`}
      viewBox="0 0 12 12"
      aria-hidden="true"
    >
      <path d={PATHS[SHAPE_OF[kind]]} fillRule="evenodd" />
    </svg>
  );
}
