/** A report for people, as one HTML file that loads nothing: no script, no link, a policy that forbids both. */
import type { Report } from "../model/index.ts";
import { escapeHtml as h } from "./escape.ts";
import { countsOf } from "./markdown.ts";
import { sandboxBlocks } from "./sandbox.ts";
import { type Summary, summarise } from "./summary.ts";

const STYLE = `
:root{color-scheme:light dark;--line:#8884;--quiet:#8889}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:110rem;padding:0 1.5rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.15rem;margin:2rem 0 .5rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid var(--line)}
th{font-weight:600}code,.v{font-family:ui-monospace,Consolas,monospace;font-size:.9em;overflow-wrap:anywhere}
.config{font-weight:600}.failed,.unsupported{opacity:.75}.quiet{opacity:.7;font-size:.9em}
details{border:1px solid var(--line);border-radius:6px;padding:.4rem .8rem;margin:.5rem 0}summary{cursor:pointer}
@media print{details{break-inside:avoid}}
`;

export function toHtml(report: Report): string {
  const summary = summarise(report);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>assay report</title>
<style>${STYLE}</style>
</head>
<body>
<h1>assay report</h1>
<p class="quiet">${h(report.startedAt)} · assay ${h(report.engine.version)} · ${summary.total} samples in ${report.elapsedMs} ms: ${h(countsOf(summary))}. Addresses are defanged.</p>
${section("Samples", table(["Sample", "SHA-256", "Outcome", "Family", "Version", "Confidence", "C2"], summary.rows.map(sampleRow)))}
${section("Shared", clusters(summary))}
${section("Nearly the same", list(summary.nearDuplicates.map((pair) => `<span class="v">${h(pair.a)}</span> and <span class="v">${h(pair.b)}</span>: ${h(pair.why)}`)))}
${section("Indicators to block", iocs(summary.iocs))}
${section("Seen, not to be blocked", iocs(summary.leftOut))}
${section("Other indicators", iocs(summary.others))}
${section("Configs", configs(summary))}${section("Said by the sandbox", sandboxes(report))}
</body>
</html>
`;
}

function section(title: string, body: string): string {
  return body === "" ? "" : `<section><h2>${title}</h2>${body}</section>`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "";
  const cells = (tag: string, values: readonly string[]): string =>
    values.map((value) => `<${tag}>${value}</${tag}>`).join("");
  return `<table><thead><tr>${cells("th", head)}</tr></thead><tbody>${rows.map((row) => `<tr>${cells("td", row)}</tr>`).join("\n")}</tbody></table>`;
}

function list(items: readonly string[]): string {
  return items.length === 0 ? "" : `<ul>${items.map((item) => `<li>${item}</li>`).join("")}</ul>`;
}

function values(items: readonly string[]): string {
  return items.map((item) => `<span class="v">${h(item)}</span>`).join("<br>");
}

function sampleRow(row: Summary["rows"][number]): string[] {
  const more = row.moreNames > 0 ? ` <span class="quiet">+${row.moreNames} more</span>` : "";
  const reasons = row.reasons.map((reason) => `<div class="quiet">${h(reason)}</div>`).join("");
  return [
    h(row.name) + more,
    `<code>${h(row.sha256)}</code>`,
    `<span class="${row.outcome}">${row.outcome}</span>${reasons}`,
    h(row.family) + (row.layout === "" ? "" : ` <span class="quiet">${h(row.layout)}</span>`),
    h(row.version),
    row.confidence,
    values(row.c2),
  ];
}

function clusters(summary: Summary): string {
  return list(
    summary.clusters.map(
      (cluster) =>
        `<strong>${h(cluster.id)}</strong> (${cluster.families.map(h).join(", ")}): ${cluster.samples.map(h).join(", ")}` +
        list(
          cluster.shared.map(
            (tie) => `<span class="v">${h(tie.value)}</span>: ${tie.samples.map(h).join(", ")}`,
          ),
        ),
    ),
  );
}

function iocs(rows: Summary["iocs"]): string {
  const reasons = rows.some((row) => row.why !== "");
  return table(
    ["Type", "Indicator", "Usage", "Families", "Samples", ...(reasons ? ["Why not"] : [])],
    rows.map((row) => [
      row.type,
      `<span class="v">${h(row.value)}</span>`,
      row.usage,
      row.families.map(h).join(", "),
      String(row.samples),
      ...(reasons ? [h(row.why)] : []),
    ]),
  );
}

function configs(summary: Summary): string {
  return summary.configs
    .map((config) => {
      const notes = list(config.notes.map(h));
      const lines = config.lines.map((line) => [
        h(line.name),
        `<span class="v">${h(line.value)}</span>`,
        `<span class="quiet v">${h(line.where)}</span>`,
      ]);
      return `<details><summary>${h(config.title)}: ${h(config.family)}, layout ${h(config.layout)}, ${config.confidence}</summary>${notes}${table(["Field", "Value", "Found at"], lines)}</details>`;
    })
    .join("\n");
}

function sandboxes(report: Report): string {
  return sandboxBlocks(report)
    .map(({ title, head, lines }) => {
      const rows = lines.map(({ saidBy, name, value }) => [
        saidBy,
        h(name),
        `<span class="v">${h(value)}</span>`,
      ]);
      return `<details><summary>${h(title)}: ${h(head)}</summary>${table(["Said by", "Field", "Value"], rows)}</details>`;
    })
    .join("\n");
}
