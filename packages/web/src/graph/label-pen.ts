/** Writes the labels of a picture, no two of them across each other. */
import type { NodeDisplayData, PartialButFor } from "sigma/types";
import type { Palette } from "./paint.ts";

type Data = PartialButFor<NodeDisplayData, "x" | "y" | "size" | "label" | "color">;

const FONT = "12px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif";
/** From the line that letters stand on: their height, and what hangs below. */
const ABOVE = 10;
const BELOW = 3;
/** Between a node and its label. */
const BESIDE = 5;

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

function isOver(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

export class LabelPen {
  #written: Box[] = [];

  /** Another picture. */
  begin(): void {
    this.#written = [];
  }

  /** Of two that would cross the first is written: sigma begins with the larger nodes of each part of the picture. */
  write(context: CanvasRenderingContext2D, data: Data, { text, ground }: Palette): void {
    const at = this.#place(context, data);
    if (at === undefined) return;
    const box = { left: at.x, right: at.x + at.width, top: at.y - ABOVE, bottom: at.y + BELOW };
    if (this.#written.some((other) => isOver(box, other))) return;
    this.#written.push(box);
    context.lineJoin = "round";
    context.lineWidth = 4;
    context.strokeStyle = ground;
    context.strokeText(at.label, at.x, at.y);
    context.fillStyle = text;
    context.fillText(at.label, at.x, at.y);
  }

  /** A node that is pointed at: ringed, and its label over all others. */
  mark(context: CanvasRenderingContext2D, data: Data, { text, panel, accent }: Palette): void {
    context.beginPath();
    context.arc(data.x, data.y, data.size + 3, 0, 2 * Math.PI);
    context.strokeStyle = accent;
    context.lineWidth = 2;
    context.stroke();
    const at = this.#place(context, data);
    if (at === undefined) return;
    context.fillStyle = panel;
    context.lineWidth = 1;
    context.beginPath();
    context.roundRect(at.x - 4, at.y - 14, at.width + 8, 20, 3);
    context.fill();
    context.stroke();
    context.fillStyle = text;
    context.fillText(at.label, at.x, at.y);
  }

  #place(context: CanvasRenderingContext2D, { label, x, y, size }: Data) {
    if (typeof label !== "string" || label === "") return undefined;
    context.font = FONT;
    const { width } = context.measureText(label);
    const right = x + size + BESIDE;
    const left = x - size - BESIDE - width;
    // Where it would leave the picture it stands on the other side of its node.
    const isOut = right + width > context.canvas.width / context.getTransform().a && left >= 0;
    return { label, x: isOut ? left : right, y: y + 4, width };
  }
}
