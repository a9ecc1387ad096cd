/** Where files come in: dropped, chosen or pasted; with passwords; and the batches that came last. */
import { type DragEvent, useEffect, useRef, useState } from "react";
import { get } from "../api-client.ts";
import type { BatchPage, Me } from "../api-types.ts";
import { BatchList } from "../batch/batch-list.tsx";
import { bytes, counted } from "../format.ts";
import { Hostile } from "../hostile.tsx";
import { navigate } from "../shell/router.tsx";
import type { ViewProps } from "../shell/routes.ts";
import { Problem } from "../ui/problem.tsx";
import { useAnswer } from "../use-answer.ts";
import { type Picked, passwordsOf, pickedFrom } from "./pick.ts";
import { goOn, stopUpload, upload, useUpload } from "./upload.ts";
import "./drop.css";

/** Names told of files that were not sent. */
const NAMED = 5;

export default function DropView(_: ViewProps) {
  const me = useAnswer<Me>("me", (signal) => get("/api/v1/me", undefined, signal));
  const batches = useAnswer<BatchPage>("batches-newest", (signal) =>
    get("/api/v1/batches", { limit: 8 }, signal),
  );
  const state = useUpload();
  const [passwords, setPasswords] = useState("");
  const [memory, setMemory] = useState<"" | "raw" | "region">("");
  const [base, setBase] = useState("");
  const [over, setOver] = useState(false);
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const busy = state.phase === "sending" || state.phase === "storing";
  const maySubmit = me.value !== undefined && me.value.role !== "read";

  useEffect(() => folder.current?.setAttribute("webkitdirectory", ""), []);

  const start = async (picked: readonly Picked[]) => {
    if (picked.length === 0 || me.value === undefined || busy) return;
    const batch = await upload({
      picked,
      passwords: passwordsOf(passwords),
      limits: me.value.limits,
      ...(memory === "" ? {} : { memory }),
      ...(memory === "region" && base.trim() !== "" ? { base: base.trim() } : {}),
    });
    if (batch !== undefined && location.pathname === "/") navigate(`/batches/${batch}`);
  };
  const retry = async () => {
    const batch = await goOn();
    if (batch !== undefined && location.pathname === "/") navigate(`/batches/${batch}`);
  };
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    void pickedFrom(event.dataTransfer).then(start);
  };
  const chosen = (list: FileList | null) =>
    void start([...(list ?? [])].map((file) => ({ file, path: file.webkitRelativePath || file.name })));

  return (
    <div className="drop-view">
      <section
        className={`panel drop${over ? " over" : ""}`}
        aria-label="Drop samples"
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={onDrop}
      >
        {state.phase === "idle" || state.phase === "done" ? (
          <>
            <h1>Drop files, folders or archives here</h1>
            <p className="dim">
              They are read, never run. No address found in them is contacted.
              {me.value !== undefined &&
                ` Up to ${bytes(me.value.limits.fileBytes)} a file; large drops go in several requests, into one batch.`}
            </p>
            <div className="bar">
              <button
                type="button"
                className="button primary"
                disabled={!maySubmit}
                onClick={() => files.current?.click()}
              >
                Choose files
              </button>
              <button
                type="button"
                className="button"
                disabled={!maySubmit}
                onClick={() => folder.current?.click()}
              >
                Choose a folder
              </button>
            </div>
            {me.value !== undefined && !maySubmit && (
              <p className="dim">Your token may read; to send samples it must have the role submit.</p>
            )}
          </>
        ) : (
          <Sending state={state} onRetry={retry} />
        )}
        <input
          ref={files}
          id="drop-files"
          type="file"
          multiple
          hidden
          onChange={(event) => {
            chosen(event.currentTarget.files);
            event.currentTarget.value = "";
          }}
        />
        <input
          ref={folder}
          id="drop-folder"
          type="file"
          multiple
          hidden
          onChange={(event) => {
            chosen(event.currentTarget.files);
            event.currentTarget.value = "";
          }}
        />
      </section>
      <section className="panel drop-options" aria-label="How to open them">
        <label>
          <span>
            Passwords of archives <span className="dim">one a line, tried before the usual ones</span>
          </span>
          <textarea
            rows={3}
            spellCheck={false}
            autoComplete="off"
            placeholder="infected"
            value={passwords}
            onChange={(event) => setPasswords(event.currentTarget.value)}
          />
        </label>
        <label>
          <span>Take the files for</span>
          <select value={memory} onChange={(event) => setMemory(event.currentTarget.value as typeof memory)}>
            <option value="">what they are</option>
            <option value="raw">raw memory of a machine</option>
            <option value="region">a region of a process</option>
          </select>
        </label>
        {memory === "region" && (
          <label>
            <span>
              Address of its first byte <span className="dim">hex</span>
            </span>
            <input
              value={base}
              spellCheck={false}
              placeholder="0x400000"
              onChange={(event) => setBase(event.currentTarget.value)}
            />
          </label>
        )}
      </section>
      <section className="panel">
        <header>
          <h2 className="grow">Batches</h2>
        </header>
        {batches.error !== undefined && <Problem failure={batches.error} again={batches.again} />}
        {batches.value !== undefined && <BatchList batches={batches.value.batches} />}
      </section>
    </div>
  );
}

function Sending({
  state,
  onRetry,
}: {
  readonly state: ReturnType<typeof useUpload>;
  readonly onRetry: () => void;
}) {
  const share = state.bytes === 0 ? 0 : (100 * state.bytesSent) / state.bytes;
  return (
    <>
      <h1>
        {state.phase === "failed"
          ? "The upload failed"
          : state.phase === "storing"
            ? "Being stored"
            : "Sending"}
      </h1>
      <progress max={100} value={share} aria-label="Sent" />
      <p className="dim">
        {bytes(state.bytesSent)} of {bytes(state.bytes)}, {state.filesSent} of {counted(state.files, "file")}{" "}
        stored
      </p>
      {state.tooLarge.length > 0 && (
        <div className="notice warn">
          {counted(state.tooLarge.length, "file")} larger than the server takes, not sent:{" "}
          {state.tooLarge.slice(0, NAMED).map((name) => (
            <Hostile key={name} text={name} raw />
          ))}
        </div>
      )}
      {state.failure !== undefined && <Problem failure={state.failure} again={onRetry} />}
      <button type="button" className="button small" onClick={stopUpload}>
        {state.phase === "failed" ? "Give up" : "Stop"}
      </button>
    </>
  );
}
