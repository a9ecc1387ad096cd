/** The board of a page: what was asked for, and what was opened since. */
import { useCallback, useEffect, useRef, useState } from "react";
import type { Answer, Failure } from "../api-client.ts";
import { type Board, EMPTY } from "./board.ts";
import { boardOf, expanded, overview, reached } from "./load.ts";

export interface BoardState {
  readonly board: Board;
  readonly loading: boolean;
  readonly error: Failure | undefined;
  readonly again: () => void;
  /** How many nodes came. */
  readonly expand: (key: string) => Promise<number>;
  readonly reach: (from: string, to: string) => Promise<Board | undefined>;
}

/** `seed`: undefined for the overview of the corpus. */
export function useBoard(seed: string | undefined, depth: number): BoardState {
  const [board, setBoard] = useState<Board>(EMPTY);
  const [loading, setLoading] = useState(true);
  const [error, setError] = useState<Failure>();
  const [turn, setTurn] = useState(0);
  const current = useRef(board);
  current.current = board;

  const take = useCallback((answer: Answer<Board>): Board | undefined => {
    setLoading(false);
    if (!answer.ok) {
      setError(answer.error);
      return undefined;
    }
    setError(undefined);
    current.current = answer.value;
    setBoard(answer.value);
    return answer.value;
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `turn` asks again
  useEffect(() => {
    const gone = new AbortController();
    setLoading(true);
    const asked = seed === undefined ? overview(gone.signal) : boardOf(seed, depth, gone.signal);
    void asked.then((answer) => {
      if (!gone.signal.aborted) take(answer);
    });
    return () => gone.abort();
  }, [seed, depth, turn, take]);

  const expand = useCallback(
    async (key: string) => {
      const node = current.current.nodes.get(key);
      if (node === undefined) return 0;
      const before = current.current.nodes.size;
      setLoading(true);
      return (take(await expanded(current.current, node))?.nodes.size ?? before) - before;
    },
    [take],
  );
  const reach = useCallback(
    async (from: string, to: string) => {
      setLoading(true);
      return take(await reached(current.current, [from, to]));
    },
    [take],
  );
  return { board, loading, error, again: useCallback(() => setTurn((n) => n + 1), []), expand, reach };
}
