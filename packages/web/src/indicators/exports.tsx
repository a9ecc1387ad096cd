/** Every form that the API offers, of the same samples as the list, with the marking that goes on it. */
import { TLP_LEVELS, type Tlp, tlpLabel } from "@assay/core/export/form";
import { useState } from "react";
import { ask, type Failure, get } from "../api-client.ts";
import type { ExportList } from "../api-types.ts";
import { bytes } from "../format.ts";
import { Hostile } from "../hostile.tsx";
import { copyText } from "../ui/copy.tsx";
import { download } from "../ui/download.ts";
import { Problem, Waiting } from "../ui/problem.tsx";
import { useAnswer } from "../use-answer.ts";
import type { Scope } from "./indicators-view.tsx";

/** Characters of a preview: enough to see what it is. */
const PREVIEW = 6000;
const MAX_SAMPLES = 2000;

type Form = ExportList["exports"][number];

interface Shown {
  readonly form: Form;
  readonly text: string;
}

export function Exports({ scope }: { readonly scope: Scope }) {
  const { value, error, again } = useAnswer<ExportList>("exports", (signal) =>
    get("/api/v1/exports", undefined, signal),
  );
  const [tlp, setTlp] = useState<Tlp | "">("");
  const [busy, setBusy] = useState<string>();
  const [failure, setFailure] = useState<Failure>();
  const [shown, setShown] = useState<Shown>();
  const [said, setSaid] = useState("");

  const take = async (form: Form, use: (text: string) => void | Promise<void>) => {
    setBusy(form.id);
    setFailure(undefined);
    setSaid("");
    const query = { ...scope, limit: MAX_SAMPLES, ...(tlp === "" ? {} : { tlp }) };
    const answer = await ask(`/api/v1/exports/${form.id}`, { query });
    setBusy(undefined);
    if (answer.ok) await use(await answer.value.text());
    else setFailure(answer.error);
  };
  const save = (form: Form) =>
    take(form, (text) => {
      download(new Blob([text], { type: form.mediaType }), `assay-${form.id}.${form.extension}`);
      setSaid(`${form.title}: ${bytes(text.length)} saved`);
    });
  const copy = (form: Form) =>
    take(form, async (text) => setSaid((await copyText(text)) ? `${form.title}: copied` : "Could not copy"));

  return (
    <section className="panel exports" aria-label="Exports">
      <header>
        <h2 className="grow">Export</h2>
        <label className="small">
          Marking{" "}
          <select value={tlp} onChange={(event) => setTlp(event.currentTarget.value as Tlp | "")}>
            <option value="">none</option>
            {TLP_LEVELS.map((level) => (
              <option key={level} value={level}>
                {tlpLabel(level)}
              </option>
            ))}
          </select>
        </label>
      </header>
      {error !== undefined && <Problem failure={error} again={again} />}
      {failure !== undefined && <Problem failure={failure} />}
      {value === undefined && error === undefined && <Waiting what="Asking for the forms" />}
      <ul>
        {value?.exports.map((form) => (
          <li key={form.id}>
            <div className="grow">
              <div>{form.title}</div>
              <div className="dim small mono">assay export {form.id}</div>
            </div>
            <button
              type="button"
              className="button small plain"
              disabled={busy !== undefined}
              onClick={() => void take(form, (text) => setShown({ form, text }))}
            >
              Look
            </button>
            <button
              type="button"
              className="button small plain"
              disabled={busy !== undefined}
              onClick={() => void copy(form)}
            >
              Copy
            </button>
            <button
              type="button"
              className="button small"
              disabled={busy !== undefined}
              data-form={form.id}
              onClick={() => void save(form)}
            >
              {busy === form.id ? "…" : "Save"}
            </button>
          </li>
        ))}
      </ul>
      <p role="status" className="said small dim">
        {said}
      </p>
      {shown !== undefined && (
        <div className="preview">
          <div className="bar">
            <h3 className="grow">
              {shown.form.title}, {bytes(shown.text.length)}
            </h3>
            <button type="button" className="button small plain" onClick={() => setShown(undefined)}>
              Close
            </button>
          </div>
          <section className="text mono" aria-label="Beginning of the export" tabIndex={0}>
            {shown.text
              .slice(0, PREVIEW)
              .split("\n")
              .map((line, i) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other identity
                <div key={i}>
                  <Hostile text={line.replace(/\r$/, "")} raw />
                </div>
              ))}
            {shown.text.length > PREVIEW && <div className="dim">…</div>}
          </section>
        </div>
      )}
    </section>
  );
}
