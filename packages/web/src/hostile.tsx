/**
 * <Hostile text={…}/>: a string of a sample. Always text, never markup or a link; what cannot be seen is named;
 * addresses are defanged unless `raw`.
 */
import { useMemo } from "react";
import { defanged, MAX_SHOWN, pieces } from "./hostile-text.ts";
import { CopyButtons } from "./ui/copy.tsx";

export interface HostileProps {
  readonly text: string;
  /** Not defanged: for names of files, and for what holds no address. */
  readonly raw?: boolean;
  /** Buttons to copy it, defanged and raw. */
  readonly copy?: boolean;
  /** One line, cut with an ellipsis. */
  readonly cut?: boolean;
  readonly mono?: boolean;
}

export function Hostile({ text, raw = false, copy = false, cut = false, mono = false }: HostileProps) {
  const shown = useMemo(() => {
    const part = text.slice(0, MAX_SHOWN);
    return pieces(raw ? part : defanged(part));
  }, [text, raw]);
  const left = text.length - MAX_SHOWN;
  return (
    <>
      <bdi
        className={`hostile${cut ? " cut" : ""}${mono ? " mono" : ""}`}
        // What is cut can be read whole.
        {...(cut
          ? { title: shown.map((piece) => (piece.odd ? `⟨${piece.text}⟩` : piece.text)).join("") }
          : {})}
      >
        {shown.map((piece, i) =>
          piece.odd ? (
            // biome-ignore lint/suspicious/noArrayIndexKey: pieces have no other identity
            <span key={i} className="odd">
              {piece.text}
            </span>
          ) : (
            piece.text
          ),
        )}
        {left > 0 && <span className="dim"> … {left.toLocaleString("en")} more characters</span>}
      </bdi>
      {copy && <CopyButtons value={text} />}
    </>
  );
}
