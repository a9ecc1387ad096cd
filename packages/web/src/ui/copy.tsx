/** Copies a value of a sample: as it is safe to paste, or as it is. */
import { useEffect, useState } from "react";
import { defanged } from "../hostile-text.ts";

const SHOWN_MS = 1200;

export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/** Where the clipboard is closed to pages that come over plain HTTP from another machine. */
function copyBySelection(text: string): boolean {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "hidden-label";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

interface CopyProps {
  readonly text: string;
  readonly label: string;
  readonly title: string;
}

export function CopyButton({ text, label, title }: CopyProps) {
  const [done, setDone] = useState<boolean>();
  useEffect(() => {
    if (done === undefined) return;
    const timer = setTimeout(() => setDone(undefined), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [done]);
  return (
    <button
      type="button"
      className="copy"
      title={title}
      onClick={(event) => {
        event.stopPropagation();
        void copyText(text).then(setDone);
      }}
    >
      {done === undefined ? label : done ? "copied" : "could not copy"}
    </button>
  );
}

export function CopyButtons({ value }: { readonly value: string }) {
  const safe = defanged(value);
  return (
    <span className="copies">
      <CopyButton text={safe} label="copy" title={safe === value ? "Copy" : "Copy, defanged"} />
      {safe !== value && <CopyButton text={value} label="raw" title="Copy as it is: a live address" />}
    </span>
  );
}
