/**
 * Server-sent events over fetch, which can carry a token: EventSource cannot. After a lost connection it goes on behind
 * the last event that came.
 */
import { ask, type Failure } from "./api-client.ts";

export interface ServerEvent {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** Takes the stream apart as the HTML standard says (9.2.6), piece by piece. */
export class EventReader {
  #left = "";
  #id = "";
  #event = "";
  #data: string[] = [];

  /** The events that `text` completes. */
  read(text: string): ServerEvent[] {
    const out: ServerEvent[] = [];
    const lines = (this.#left + text).split(/\r\n|\n|\r(?!$)/);
    this.#left = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        if (this.#data.length > 0)
          out.push({ id: this.#id, event: this.#event || "message", data: this.#data.join("\n") });
        this.#event = "";
        this.#data = [];
        continue;
      }
      const colon = line.indexOf(":");
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "data") this.#data.push(value);
      else if (field === "event") this.#event = value;
      else if (field === "id") this.#id = value;
    }
    return out;
  }
}

export interface ListenOptions {
  readonly path: string;
  /** Number of the last event that is known. */
  readonly since: number;
  readonly signal: AbortSignal;
  readonly onEvent: (event: ServerEvent) => void;
  /** `live` is true while the line stands. */
  readonly onState?: (live: boolean, failure?: Failure) => void;
}

const PAUSE_MS = 1500;

/** Listens until the server says `end`, the signal comes, or the server refuses; a lost line is taken up again. */
export async function listen({ path, since, signal, onEvent, onState }: ListenOptions): Promise<void> {
  let last = since;
  while (!signal.aborted) {
    const answer = await ask(path, {
      signal,
      headers: { accept: "text/event-stream", "last-event-id": String(last) },
    });
    if (signal.aborted) return;
    if (!answer.ok) {
      onState?.(false, answer.error);
      const { status } = answer.error;
      if (status >= 400 && status < 500 && status !== 429) return;
    } else {
      onState?.(true);
      const ended = await drain(answer.value, (event) => {
        if (/^\d+$/.test(event.id)) last = Number(event.id);
        onEvent(event);
      });
      if (ended || signal.aborted) return;
      onState?.(false);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** True when the server said that there is nothing more to come. */
async function drain(response: Response, onEvent: (event: ServerEvent) => void): Promise<boolean> {
  const body = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (body === undefined) return false;
  const reader = new EventReader();
  try {
    for (;;) {
      const { done, value } = await body.read();
      if (done) return false;
      for (const event of reader.read(value)) {
        onEvent(event);
        if (event.event === "end") return true;
      }
    }
  } catch {
    // The line broke; bugs in `onEvent` would not come this way, since it only sets state.
    return false;
  }
}
