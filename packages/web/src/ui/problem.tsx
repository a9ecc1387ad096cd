/** What went wrong, and what to do about it; what is still awaited; what is not there. */
import type { ReactNode } from "react";
import type { Failure } from "../api-client.ts";
import { Hostile } from "../hostile.tsx";

export function Problem({ failure, again }: { readonly failure: Failure; readonly again?: () => void }) {
  return (
    <div className="notice bad" role="alert">
      <strong>{failure.title}</strong>
      {failure.detail !== undefined && <Hostile text={failure.detail} />}
      {failure.retryAfter !== undefined && <span>Try again in {failure.retryAfter} s.</span>}
      {failure.instance !== undefined && <span className="dim small">request {failure.instance}</span>}
      {again !== undefined && (
        <button type="button" className="button small" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}

export function Waiting({ what }: { readonly what: string }) {
  return (
    <p className="waiting dim pulse" role="status">
      {what} …
    </p>
  );
}

export function Empty({ children }: { readonly children: ReactNode }) {
  return <div className="empty dim">{children}</div>;
}
