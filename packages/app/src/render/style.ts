/** How output on stdout looks: its colours and its width. */
import { type Paint, paintFor } from "./paint.ts";

/** A pipe or a file has no width: lines are as long as they need to be, up to this. */
const PIPE_COLUMNS = 240;

export interface Style {
  readonly paint: Paint;
  readonly width: number;
}

export function outputStyle(color: boolean): Style {
  return { paint: paintFor(process.stdout, color), width: process.stdout.columns ?? PIPE_COLUMNS };
}
