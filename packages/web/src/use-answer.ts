/** What the server says, in a component: asked again when `key` changes, when asked to, and when a lost server is back. */
import { useCallback, useEffect, useRef, useState } from "react";
import type { Answer, Failure } from "./api-client.ts";
import { onConnection } from "./connection.ts";

export interface Asked<T> {
  /** The last good answer to this key, also while it is asked again. */
  readonly value: T | undefined;
  readonly error: Failure | undefined;
  readonly loading: boolean;
  readonly again: () => void;
}

/** `key` names the question; undefined: nothing is asked. `load` is called with a signal that ends with the question. */
export function useAnswer<T>(
  key: string | undefined,
  load: (signal: AbortSignal) => Promise<Answer<T>>,
): Asked<T> {
  const [state, setState] = useState<{
    key: string | undefined;
    value?: T;
    error?: Failure;
    loading: boolean;
  }>({
    key,
    loading: key !== undefined,
  });
  const [turn, setTurn] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  const again = useCallback(() => setTurn((n) => n + 1), []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `turn` asks again
  useEffect(() => {
    if (key === undefined) {
      setState({ key, loading: false });
      return;
    }
    const gone = new AbortController();
    setState((old) => (old.key === key ? { ...old, loading: true } : { key, loading: true }));
    void latest.current(gone.signal).then((answer) => {
      if (gone.signal.aborted) return;
      setState((old) =>
        answer.ok
          ? { key, value: answer.value, loading: false }
          : {
              ...(old.key === key && old.value !== undefined ? { value: old.value } : {}),
              key,
              error: answer.error,
              loading: false,
            },
      );
    });
    return () => gone.abort();
  }, [key, turn]);

  const isOffline = state.error?.code === "offline";
  useEffect(
    () =>
      onConnection((lost) => {
        if (!lost && isOffline) again();
      }),
    [isOffline, again],
  );
  const current = state.key === key;
  return {
    value: current ? state.value : undefined,
    error: current ? state.error : undefined,
    loading: current ? state.loading : key !== undefined,
    again,
  };
}
