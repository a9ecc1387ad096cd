/** Every form that a report can take. The command, the API and the pages know no others. */
import { toCsv } from "./csv.ts";
import { toHosts, toRpz } from "./dns-lists.ts";
import { toEdlDomain, toEdlIp, toEdlUrl } from "./edl.ts";
import type { Form } from "./form.ts";
import { toHtml } from "./html.ts";
import { toMarkdown } from "./markdown.ts";

const TEXT = "text/plain; charset=utf-8";

export const forms: readonly Form[] = [
  {
    id: "csv",
    title: "Indicators as CSV (RFC 4180), formulas made harmless",
    mediaType: "text/csv; charset=utf-8; header=present",
    extension: "csv",
    convert: toCsv,
  },
  {
    id: "edl-ip",
    title: "IP addresses to block, for PAN-OS external dynamic lists",
    mediaType: TEXT,
    extension: "txt",
    convert: toEdlIp,
  },
  {
    id: "edl-domain",
    title: "Domains to block, for PAN-OS external dynamic lists",
    mediaType: TEXT,
    extension: "txt",
    convert: toEdlDomain,
  },
  {
    id: "edl-url",
    title: "URLs to block, for PAN-OS external dynamic lists",
    mediaType: TEXT,
    extension: "txt",
    convert: toEdlUrl,
  },
  {
    id: "hosts",
    title: "Domains to block, as a hosts file",
    mediaType: TEXT,
    extension: "hosts",
    convert: toHosts,
  },
  {
    id: "rpz",
    title: "Domains and addresses to block, as a response policy zone",
    mediaType: "text/dns; charset=utf-8",
    extension: "rpz",
    convert: toRpz,
  },
  {
    id: "md",
    title: "Report for people, Markdown",
    mediaType: "text/markdown; charset=utf-8",
    extension: "md",
    convert: (report) => ({ body: toMarkdown(report), leftOut: [], notes: [] }),
  },
  {
    id: "html",
    title: "Report for people, one HTML file",
    mediaType: "text/html; charset=utf-8",
    extension: "html",
    convert: (report) => ({ body: toHtml(report), leftOut: [], notes: [] }),
  },
];

export function findForm(id: string): Form | undefined {
  return forms.find((form) => form.id === id);
}
