/** Sigma in the page. Loaded with the graph alone: the rest of the pages does without it. */
import { type Ref, useEffect, useImperativeHandle, useRef, useState } from "react";
import { useTheme } from "../shell/theme.ts";
import type { Drawn } from "./filter.ts";
import type { Grouping } from "./groups.ts";
import { type Marks, Stage } from "./stage.ts";

interface StageViewProps {
  readonly drawn: Drawn;
  readonly grouping: Grouping;
  readonly marks: Marks;
  readonly onSelect: (key: string | undefined) => void;
  readonly onExpand: (key: string) => void;
  readonly stage: Ref<Stage | undefined>;
}

/** Whether the browser draws with WebGL, which sigma needs. */
function canDraw(): boolean {
  const context = document.createElement("canvas").getContext("webgl2");
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return context !== null;
}

/** Looked at once, while the data are still on their way: a context of WebGL takes its time. */
const isAble = canDraw();

export default function StageView({ drawn, grouping, marks, onSelect, onExpand, stage }: StageViewProps) {
  const holder = useRef<HTMLDivElement>(null);
  const [own, setOwn] = useState<Stage>();
  const [isResting, setResting] = useState(false);
  const events = useRef({ onSelect, onExpand });
  events.current = { onSelect, onExpand };
  const theme = useTheme();

  useEffect(() => {
    if (holder.current === null || !isAble) return;
    const made = new Stage(holder.current, {
      onSelect: (key) => events.current.onSelect(key),
      onExpand: (key) => events.current.onExpand(key),
      onRest: () => setResting(true),
    });
    setOwn(made);
    return () => {
      made.end();
      setOwn(undefined);
    };
  }, []);
  useImperativeHandle(stage, () => own, [own]);
  useEffect(() => {
    setResting(false);
    own?.show(drawn, grouping);
  }, [own, drawn, grouping]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is drawn changes what is near the marks
  useEffect(() => own?.mark(marks), [own, marks, drawn]);
  const painted = useRef(theme);
  useEffect(() => {
    if (painted.current === theme) return;
    painted.current = theme;
    own?.repaint();
  }, [own, theme]);

  if (!isAble)
    return (
      <div className="notice warn">
        <strong>This browser does not draw with WebGL.</strong> The list beside has the same nodes and ties.
      </div>
    );
  return (
    <div
      ref={holder}
      className="canvas"
      role="img"
      aria-label={`Graph of ${drawn.nodes.size} nodes and ${drawn.edges.size} ties; the list beside has the same`}
      data-resting={isResting}
    />
  );
}
