/** What is being sent. It lives beside the views: going to another page does not stop it. */
import { useSyncExternalStore } from "react";
import { authHeaders, type Failure, readProblem } from "../api-client.ts";
import { reportLost } from "../connection.ts";
import { type Limits, newBatchId, type Picked, shareOut } from "./pick.ts";

export interface UploadState {
  readonly phase: "idle" | "sending" | "storing" | "failed" | "done";
  readonly batch: string | undefined;
  readonly files: number;
  readonly filesSent: number;
  readonly bytes: number;
  readonly bytesSent: number;
  readonly failure: Failure | undefined;
  readonly tooLarge: readonly string[];
}

export interface Sending {
  readonly picked: readonly Picked[];
  readonly passwords: readonly string[];
  readonly limits: Limits;
  readonly memory?: "raw" | "region";
  readonly base?: string;
}

const IDLE: UploadState = {
  phase: "idle",
  batch: undefined,
  files: 0,
  filesSent: 0,
  bytes: 0,
  bytesSent: 0,
  failure: undefined,
  tooLarge: [],
};

let state: UploadState = IDLE;
/** What a failed upload has yet to send. */
let rest: { readonly requests: readonly (readonly Picked[])[]; readonly sending: Sending } | undefined;
let current: XMLHttpRequest | undefined;
const listeners = new Set<() => void>();

function change(part: Partial<UploadState>): void {
  state = { ...state, ...part };
  for (const listener of [...listeners]) listener();
}

export function useUpload(): UploadState {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state,
  );
}

/** Resolves with the batch when all is stored, or with undefined when it failed: then `useUpload` says why. */
export async function upload(sending: Sending): Promise<string | undefined> {
  const sized = sending.picked.map((one) => ({ ...one, size: one.file.size }));
  const { requests, tooLarge } = shareOut(sized, sending.limits);
  const all = requests.flat();
  state = {
    ...IDLE,
    phase: "sending",
    batch: newBatchId(),
    files: all.length,
    bytes: all.reduce((sum, { size }) => sum + size, 0),
    tooLarge: tooLarge.map(({ path }) => path),
  };
  rest = { requests, sending };
  return goOn();
}

/** Sends what a failed upload left, into the same batch. */
export async function goOn(): Promise<string | undefined> {
  change({ phase: "sending", failure: undefined });
  for (
    let request = rest?.requests[0];
    rest !== undefined && request !== undefined;
    request = rest.requests[0]
  ) {
    const before = state.bytesSent;
    const failure = await send(request, rest.sending, (sent) => change({ bytesSent: before + sent }));
    if (failure !== undefined) {
      change({ phase: "failed", failure, bytesSent: before });
      return undefined;
    }
    rest = { ...rest, requests: rest.requests.slice(1) };
    change({
      phase: "sending",
      filesSent: state.filesSent + request.length,
      bytesSent: before + request.reduce((sum, { file }) => sum + file.size, 0),
    });
  }
  rest = undefined;
  const { batch, files } = state;
  change({ phase: files > 0 ? "done" : "idle" });
  return files > 0 ? batch : undefined;
}

export function stopUpload(): void {
  rest = undefined;
  current?.abort();
  change(IDLE);
}

/** One request; XMLHttpRequest, since fetch does not tell how far it is. */
function send(
  files: readonly Picked[],
  { passwords, memory, base }: Sending,
  onSent: (bytes: number) => void,
): Promise<Failure | undefined> {
  const form = new FormData();
  for (const password of passwords) form.append("password", password);
  if (state.batch !== undefined) form.append("batch", state.batch);
  if (memory !== undefined) form.append("memory", memory);
  if (base !== undefined && base !== "") form.append("base", base);
  for (const { file, path } of files) form.append("file", file, path);
  const size = files.reduce((sum, { file }) => sum + file.size, 0);
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    current = request;
    const end = (failure: Failure | undefined) => {
      current = undefined;
      resolve(failure);
    };
    request.open("POST", "/api/v1/samples");
    for (const [name, value] of Object.entries(authHeaders())) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded }) => onSent(Math.min(loaded, size));
    request.upload.onload = () => change({ phase: "storing" });
    request.onload = () =>
      end(
        request.status === 202
          ? undefined
          : readProblem(request.status, request.responseText, request.getResponseHeader("retry-after")),
      );
    request.onerror = () => {
      reportLost();
      end({
        status: 0,
        code: "offline",
        title: "The upload broke off",
        detail: "The server did not answer, or a file changed while it was read.",
      });
    };
    request.onabort = () => end({ status: 0, code: "aborted", title: "Stopped" });
    request.send(form);
  });
}
