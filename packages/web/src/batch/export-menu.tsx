/** Exports of what is selected, in any form that the API has. */
import { TLP_LEVELS, tlpLabel } from "@assay/core/export/form";
import { useState } from "react";
import { ask, type Failure, get } from "../api-client.ts";
import type { ExportList } from "../api-types.ts";
import { count } from "../format.ts";
import { Problem } from "../ui/problem.tsx";
import { saveResponse } from "../ui/save.ts";
import { useAnswer } from "../use-answer.ts";

export function ExportMenu({
  samples,
  label,
}: {
  readonly samples: readonly string[];
  readonly label: string;
}) {
  const forms = useAnswer<ExportList>("exports", (signal) => get("/api/v1/exports", undefined, signal));
  const [form, setForm] = useState("csv");
  const [tlp, setTlp] = useState("");
  const [failure, setFailure] = useState<Failure>();
  const [busy, setBusy] = useState(false);
  const run = async () => {
    setBusy(true);
    setFailure(undefined);
    const answer = await ask(`/api/v1/exports/${encodeURIComponent(form)}`, {
      method: "POST",
      body: JSON.stringify({ samples: [...new Set(samples)], ...(tlp === "" ? {} : { tlp }) }),
      headers: { "content-type": "application/json" },
    });
    if (answer.ok) await saveResponse(answer.value, `assay-${form}.txt`);
    else setFailure(answer.error);
    setBusy(false);
  };
  return (
    <>
      <span className="bar export-menu">
        <label>
          <span className="hidden-label">Form of the export</span>
          <select value={form} onChange={(event) => setForm(event.currentTarget.value)}>
            {(forms.value?.exports ?? [{ id: "csv", title: "CSV" }]).map(({ id, title }) => (
              <option key={id} value={id}>
                {title}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span className="hidden-label">Traffic light protocol</span>
          <select value={tlp} onChange={(event) => setTlp(event.currentTarget.value)}>
            <option value="">no TLP</option>
            {TLP_LEVELS.map((level) => (
              <option key={level} value={level}>
                {tlpLabel(level)}
              </option>
            ))}
          </select>
        </label>
        <button
          type="button"
          className="button"
          disabled={busy || samples.length === 0}
          onClick={() => void run()}
        >
          Export {label} {count(samples.length)}
        </button>
      </span>
      {failure !== undefined && <Problem failure={failure} />}
    </>
  );
}
