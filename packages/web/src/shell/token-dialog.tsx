/** Asks for a token when the server wants one. */
import { useEffect, useRef, useState } from "react";
import { onTokenNeeded, setToken } from "../api-client.ts";

export function TokenDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState("");
  useEffect(
    () =>
      onTokenNeeded(() => {
        if (dialog.current?.open === false) dialog.current.showModal();
      }),
    [],
  );
  return (
    <dialog ref={dialog} className="dialog" aria-labelledby="token-title">
      <form
        method="dialog"
        onSubmit={() => {
          setToken(text.trim() === "" ? undefined : text.trim());
          location.reload();
        }}
      >
        <h2 id="token-title">A token is needed</h2>
        <p className="dim">
          <code>assay token create NAME --role submit</code> on the server makes one. It is kept until this
          tab is closed.
        </p>
        <label>
          Token
          <input
            type="password"
            autoComplete="off"
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <div className="bar">
          <button type="submit" className="button primary">
            Use it
          </button>
          <button type="button" className="button" onClick={() => dialog.current?.close()}>
            Not now
          </button>
        </div>
      </form>
    </dialog>
  );
}
