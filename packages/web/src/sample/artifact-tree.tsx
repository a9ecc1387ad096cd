/** Everything that was reached from the sample, as a tree; a click shows its bytes. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef } from "react";
import type { Artifact } from "../api-types.ts";
import { bytes as sizeText } from "../format.ts";
import { plain } from "../hostile-text.ts";
import { artifactTitle, treeOf } from "./chain.ts";

const ROW_PX = 24;
/** Deeper ones stand no further to the right. */
const MAX_INDENT = 12;
const INDENT_PX = 14;

export interface ArtifactTreeProps {
  readonly artifacts: readonly Artifact[];
  readonly shown: number;
  /** On the way to the value in hand. */
  readonly chain: ReadonlySet<number>;
  /** With findings in them. */
  readonly found: ReadonlySet<number>;
  readonly onShow: (artifact: number) => void;
}

export function ArtifactTree({ artifacts, shown, chain, found, onShow }: ArtifactTreeProps) {
  const nodes = useMemo(() => treeOf(artifacts), [artifacts]);
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: nodes.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 10,
  });
  useEffect(() => {
    const at = nodes.findIndex(({ artifact }) => artifact.id === shown);
    if (at >= 0) rows.scrollToIndex(at, { align: "auto" });
  }, [nodes, shown, rows]);
  return (
    <section ref={scroller} className="tree" tabIndex={0} aria-label="Artifacts">
      <div style={{ height: rows.getTotalSize() }} className="hex-body">
        {rows.getVirtualItems().map(({ index, start }) => {
          const node = nodes[index];
          if (node === undefined) return null;
          const { artifact, depth } = node;
          const onChain = chain.has(artifact.id);
          return (
            <button
              type="button"
              key={artifact.id}
              className={`tree-row${onChain ? " on-chain" : ""}`}
              aria-current={artifact.id === shown}
              style={{
                transform: `translateY(${start}px)`,
                paddingLeft: 8 + Math.min(depth, MAX_INDENT) * INDENT_PX,
              }}
              onClick={() => onShow(artifact.id)}
              title={`${artifact.sha256}\n${artifact.size} bytes`}
            >
              <span className="dim mono">#{artifact.id}</span>
              <span className="cut grow">{plain(artifactTitle(artifact))}</span>
              {found.has(artifact.id) && <span className="badge good">config</span>}
              {artifact.by !== undefined && <span className="dim">{plain(artifact.by)}</span>}
              <span className="dim cut tree-format">{plain(artifact.format)}</span>
              <span className="dim tree-size">{sizeText(artifact.size)}</span>
            </button>
          );
        })}
      </div>
    </section>
  );
}
