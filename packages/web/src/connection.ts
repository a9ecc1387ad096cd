/** Whether the server answers. One watcher for all pages: when an answer fails to come, it asks until one does. */

const PAUSES_MS = [500, 1000, 2000, 3000];
/** An answer that takes longer is none: a connection may hang half open. */
const LOOK_MS = 5000;

type Listener = (lost: boolean) => void;
const listeners = new Set<Listener>();
let lost = false;
let isLooking = false;

export function isLost(): boolean {
  return lost;
}

/** Calls back when the server is lost and when it is there again. */
export function onConnection(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** A request found no server. */
export function reportLost(): void {
  if (!lost) change(true);
  if (isLooking) return;
  isLooking = true;
  void lookAgain();
}

/** A request was answered, whatever it was. */
export function reportFound(): void {
  if (lost) change(false);
}

function change(to: boolean): void {
  lost = to;
  for (const listener of [...listeners]) listener(to);
}

async function lookAgain(): Promise<void> {
  for (let n = 0; lost; n++) {
    await new Promise((resolve) => setTimeout(resolve, PAUSES_MS[Math.min(n, PAUSES_MS.length - 1)]));
    if (lost && (await isThere())) reportFound();
  }
  isLooking = false;
}

async function isThere(): Promise<boolean> {
  try {
    return (await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(LOOK_MS) })).ok;
  } catch {
    return false;
  }
}
