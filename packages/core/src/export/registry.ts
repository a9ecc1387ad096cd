/** Every form that a report can take. The command, the API and the pages know no others. */
import { toCape } from "./cape.ts";
import { toCsv } from "./csv.ts";
import { toHosts, toRpz } from "./dns-lists.ts";
import { toEdlDomain, toEdlIp, toEdlUrl } from "./edl.ts";
import { type Form, runConversion } from "./form.ts";
import { toGraphml } from "./graphml.ts";
import { toHtml } from "./html.ts";
import { listed } from "./listed.ts";
import { toMaco } from "./maco.ts";
import { toMarkdown } from "./markdown.ts";
import { toMisp } from "./misp/misp.ts";
import { toMwdb } from "./mwdb.ts";
import { toSigma } from "./sigma.ts";
import { toStix } from "./stix/stix.ts";
import { toSuricata } from "./suricata.ts";
import { withWholeText } from "./well-formed.ts";
import { toYara } from "./yara.ts";

const TEXT = "text/plain; charset=utf-8";
const JSON_TYPE = "application/json";

type Declared = Omit<Form, "convert" | "open"> &
  (Required<Pick<Form, "open">> | { readonly convert: Form["convert"] });

const declared: readonly Declared[] = [
  {
    id: "maco",
    title: "Configs as MACO 1.x models",
    mediaType: JSON_TYPE,
    extension: "maco.json",
    open: toMaco,
  },
  {
    id: "stix",
    title: "STIX 2.1 bundle",
    mediaType: "application/stix+json;version=2.1",
    extension: "stix.json",
    open: toStix,
  },
  { id: "misp", title: "MISP event", mediaType: JSON_TYPE, extension: "misp.json", open: toMisp },
  { id: "mwdb", title: "Configs for MWDB", mediaType: JSON_TYPE, extension: "mwdb.json", open: toMwdb },
  {
    id: "cape",
    title: "Configs as CAPE reports them, with CNCs",
    mediaType: JSON_TYPE,
    extension: "cape.json",
    open: toCape,
  },
  {
    id: "csv",
    title: "Indicators as CSV (RFC 4180), formulas made harmless",
    mediaType: "text/csv; charset=utf-8; header=present",
    extension: "csv",
    open: listed(toCsv),
  },
  {
    id: "edl-ip",
    title: "IP addresses to block, for PAN-OS external dynamic lists",
    mediaType: TEXT,
    extension: "txt",
    open: listed(toEdlIp),
  },
  {
    id: "edl-domain",
    title: "Domains to block, for PAN-OS external dynamic lists",
    mediaType: TEXT,
    extension: "txt",
    open: listed(toEdlDomain),
  },
  {
    id: "edl-url",
    title: "URLs to block, for PAN-OS external dynamic lists",
    mediaType: TEXT,
    extension: "txt",
    open: listed(toEdlUrl),
  },
  {
    id: "hosts",
    title: "Domains to block, as a hosts file",
    mediaType: TEXT,
    extension: "hosts",
    open: listed(toHosts),
  },
  {
    id: "rpz",
    title: "Domains and addresses to block, as a response policy zone",
    mediaType: "text/dns; charset=utf-8",
    extension: "rpz",
    open: listed(toRpz),
  },
  { id: "suricata", title: "Suricata rules", mediaType: TEXT, extension: "rules", open: listed(toSuricata) },
  {
    id: "sigma",
    title: "Sigma rules",
    mediaType: "application/yaml",
    extension: "yml",
    open: listed(toSigma),
  },
  {
    id: "yara",
    title: "YARA rule skeletons of clusters",
    mediaType: TEXT,
    extension: "yar",
    open: listed(toYara),
  },
  {
    id: "graphml",
    title: "Graph of files, indicators and ties, GraphML",
    mediaType: "application/graphml+xml",
    extension: "graphml",
    convert: toGraphml,
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

export const forms: readonly Form[] = declared.map((form): Form => {
  if (!("open" in form)) return withWholeText(form);
  const { open } = form;
  return withWholeText({
    ...form,
    convert: (report, options) => runConversion(open(report, options), report),
  });
});

export function findForm(id: string): Form | undefined {
  return forms.find((form) => form.id === id);
}
