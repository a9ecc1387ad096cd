/** The description of the API as a page: made here, without a script, and without anything from elsewhere. */
import { escapeHtml } from "@assay/core/export/escape";

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly description?: string;
  readonly title?: string;
}

interface Operation {
  readonly summary?: string;
  readonly description?: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly description?: string;
    readonly schema?: Schema;
  }[];
  readonly requestBody?: { readonly content?: Readonly<Record<string, { readonly schema?: Schema }>> };
  readonly responses?: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: Schema }>> }>
  >;
}

interface Document {
  readonly info: { readonly title: string; readonly version: string; readonly description?: string };
  readonly paths?: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> };
}

export function docsPage(document: object): string {
  const { info, paths = {}, components } = document as Document;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(info.title)} API</title><link rel="stylesheet" href="/docs/style.css"></head><body>
<header><h1>${escapeHtml(info.title)} API ${escapeHtml(info.version)}</h1>
<p>${escapeHtml(info.description ?? "")} <a href="/openapi.json">openapi.json</a></p></header>
<main>
<nav aria-label="Routes"><ul>${operations.map(({ path, method }) => `<li><a href="#${anchor(method, path)}"><b>${method}</b> ${escapeHtml(path)}</a></li>`).join("")}</ul></nav>
${operations.map(({ path, method, operation }) => section(path, method, operation)).join("\n")}
<h2>Schemas</h2>
${Object.entries(components?.schemas ?? {})
  .map(
    ([name, schema]) =>
      `<article id="schema-${escapeHtml(name)}"><h3>${escapeHtml(name)}</h3>${describe(schema)}</article>`,
  )
  .join("\n")}
</main></body></html>
`;
}

function section(path: string, method: string, { summary, description, ...rest }: Operation): string {
  const { parameters = [], requestBody, responses = {} } = rest;
  const rows = parameters.map(
    (one) =>
      `<tr><td><code>${escapeHtml(one.name)}</code></td><td>${escapeHtml(one.in)}${one.required ? ", required" : ""}</td><td>${typeOf(one.schema)}</td><td>${escapeHtml(one.description ?? one.schema?.description ?? "")}</td></tr>`,
  );
  const bodies = Object.entries(requestBody?.content ?? {}).map(
    ([type, { schema }]) => `<p>Body: <code>${escapeHtml(type)}</code> ${typeOf(schema)}</p>`,
  );
  const answers = Object.entries(responses).map(
    ([status, { content = {} }]) =>
      `<li><b>${escapeHtml(status)}</b> ${Object.entries(content)
        .map(([type, { schema }]) => `<code>${escapeHtml(type)}</code> ${typeOf(schema)}`)
        .join(", ")}</li>`,
  );
  return `<article id="${anchor(method, path)}"><h2><b>${method}</b> <code>${escapeHtml(path)}</code></h2>
<p>${escapeHtml(summary ?? "")}${description === undefined ? "" : ` ${escapeHtml(description)}`}</p>
${rows.length === 0 ? "" : `<table><thead><tr><th>name</th><th>in</th><th>type</th><th></th></tr></thead><tbody>${rows.join("")}</tbody></table>`}
${bodies.join("")}<ul>${answers.join("")}</ul></article>`;
}

function anchor(method: string, path: string): string {
  return escapeHtml(`${method}-${path.replace(/[^A-Za-z0-9]+/g, "-")}`);
}

function describe(schema: Schema): string {
  const rows = Object.entries(schema.properties ?? {}).map(
    ([name, one]) =>
      `<tr><td><code>${escapeHtml(name)}</code>${schema.required?.includes(name) ? "" : " (optional)"}</td><td>${typeOf(one)}</td><td>${escapeHtml(one.description ?? "")}</td></tr>`,
  );
  const text = escapeHtml(schema.description ?? schema.title ?? "");
  return `<p>${text}</p>${rows.length === 0 ? `<p>${typeOf(schema)}</p>` : `<table><tbody>${rows.join("")}</tbody></table>`}`;
}

/** Types within types that are told; deeper ones are in the document. */
const MAX_DEPTH = 4;

function typeOf(schema: Schema | undefined, depth = 0): string {
  if (schema === undefined || depth > MAX_DEPTH) return "…";
  if (schema.$ref !== undefined) {
    const name = escapeHtml(schema.$ref.replace(/^.*\//, ""));
    return `<a href="#schema-${name}">${name}</a>`;
  }
  if (schema.const !== undefined) return `<code>${escapeHtml(JSON.stringify(schema.const))}</code>`;
  if (schema.enum !== undefined)
    return schema.enum.map((one) => `<code>${escapeHtml(JSON.stringify(one))}</code>`).join(" | ");
  if (schema.anyOf !== undefined) return schema.anyOf.map((one) => typeOf(one, depth + 1)).join(" | ");
  if (schema.items !== undefined) return `list of ${typeOf(schema.items, depth + 1)}`;
  if (schema.properties !== undefined)
    return `{ ${Object.entries(schema.properties)
      .map(([name, one]) => `${escapeHtml(name)}: ${typeOf(one, depth + 1)}`)
      .join(", ")} }`;
  return escapeHtml(schema.type ?? "any");
}

export const DOCS_STYLE = `:root{color-scheme:light dark;font:15px/1.5 system-ui,sans-serif}
body{margin:0 auto;max-width:72rem;padding:1rem}
nav ul{columns:2;padding:0;list-style:none}
article{border-top:1px solid #8886;padding:.5rem 0}
h2,h3{font-size:1.1rem;margin:.5rem 0}
code{font-family:ui-monospace,monospace;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%}
td,th{border:1px solid #8884;padding:.2rem .5rem;text-align:left;vertical-align:top}
@media(max-width:50rem){nav ul{columns:1}}
`;
