/** `assay inspect FILE`: formats, sections, .NET settings, what matched where, the artifact tree. */
import { View } from "@assay/core/bytes/index";
import { printable } from "@assay/core/export/escape";
import { classify, type Image, openImage } from "@assay/core/formats/index";
import type { Sample } from "@assay/core/model/index";
import type { Command } from "commander";
import { createAnalyser, createPorts } from "../analyser.ts";
import { readSample } from "../batch/read.ts";
import { type CommonFlags, readRules, UsageError, withCommonFlags } from "./options.ts";
import { emit, json } from "./output.ts";

export function inspectCommand(program: Command): void {
  withCommonFlags(
    program
      .command("inspect")
      .description("the make-up of one file: formats, sections, resources, rules, artifacts")
      .argument("<file>"),
  ).action(async (file: string, flags: CommonFlags) => {
    const read = readSample(Buffer.from(file), flags.maxSize);
    if (!("bytes" in read)) throw new UsageError(`${file}: ${read.reason.text}`);
    const rules = readRules(flags.rules);
    const analyser = await createAnalyser({ rules, evidence: flags.evidence ?? false });
    const sample = analyser.analyseBytes(read.bytes, file);
    const hits = (await createPorts(rules)).rules.scan(read.bytes);
    const view = new View(read.bytes);
    const image = openImage(view);
    const facts = {
      format: image.pe === undefined ? classify(view) : image.format,
      image: imageFacts(image),
      rules: hits,
      sample,
    };
    emit(flags.json ? json(facts) : text(facts), flags.out);
  });
}

const hex = (value: number | bigint): string => `0x${value.toString(16)}`;

function imageFacts(image: Image): Record<string, unknown> {
  const { pe, dotnet } = image;
  return {
    layout: image.layout,
    base: hex(image.base),
    ...(pe === undefined
      ? {}
      : {
          machine: hex(pe.machine),
          timeDateStamp: new Date(pe.timeDateStamp * 1000).toISOString(),
          entryPoint: hex(pe.addressOfEntryPoint),
          sections: pe.sections.map((section) => ({
            name: section.name,
            virtualAddress: hex(section.virtualAddress),
            virtualSize: section.virtualSize,
            pointerToRawData: hex(section.pointerToRawData),
            sizeOfRawData: section.sizeOfRawData,
          })),
          imports: image.imports.map((dll) => ({
            dll: dll.name,
            functions: dll.functions.length,
            delayed: dll.delayed,
          })),
          exports: image.exports?.functions.length ?? 0,
          resources: image.resources.map(({ type, name, language, size }) => ({
            type,
            name,
            language,
            size,
          })),
          pdbPaths: image.debug.flatMap((entry) =>
            entry.pdbPath === undefined ? [] : [entry.pdbPath.value],
          ),
          richHeader: image.richHeader,
          overlay: image.overlay?.length ?? 0,
          certificates: image.certificates.length,
          anomalies: pe.anomalies,
        }),
    ...(dotnet === undefined
      ? {}
      : {
          dotnet: {
            runtimeVersion: dotnet.runtimeVersion,
            assembly: dotnet.assemblyName,
            module: dotnet.moduleName,
            mvid: dotnet.mvid,
            streams: dotnet.streams.map(({ name, view }) => ({ name, size: view.length })),
            types: dotnet.typeDefs.length,
            methods: dotnet.methods.length,
            fields: dotnet.fields.length,
            userStrings: dotnet.userStrings().length,
            resources: dotnet.resources().map(({ name, data }) => ({ name, size: data?.length ?? 0 })),
            anomalies: dotnet.anomalies,
          },
        }),
  };
}

interface Facts {
  readonly format: string;
  readonly image: Record<string, unknown>;
  readonly rules: readonly {
    readonly rule: string;
    readonly matches: readonly { readonly name: string; readonly offset: number }[];
  }[];
  readonly sample: Sample;
}

function text(facts: Facts): string {
  const lines = [
    `format  ${facts.format}`,
    `sha256  ${facts.sample.sha256}`,
    `outcome ${facts.sample.outcome}`,
  ];
  for (const [name, value] of Object.entries(facts.image)) lines.push(...field(name, value, 0));
  for (const hit of facts.rules) {
    lines.push(`rule    ${printable(hit.rule)}`);
    for (const match of hit.matches) lines.push(`  ${printable(match.name)} at ${hex(match.offset)}`);
  }
  lines.push("artifacts", ...tree(facts.sample));
  for (const finding of facts.sample.findings) {
    lines.push(
      `finding ${finding.family} layout ${finding.layout} (${finding.confidence})`,
      ...finding.c2.map((url) => `  ${printable(url)}`),
    );
  }
  for (const reason of facts.sample.reasons) lines.push(`reason  ${reason.stage}: ${printable(reason.text)}`);
  return `${lines.join("\n")}\n`;
}

/** Nested facts as indented lines; flat objects on one line. */
function field(name: string, value: unknown, depth: number): string[] {
  const pad = "  ".repeat(depth);
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return [];
  if (Array.isArray(value)) return [`${pad}${name}`, ...value.map((item) => `${pad}  ${flat(item)}`)];
  if (typeof value === "object" && value !== null) {
    return [
      `${pad}${name}`,
      ...Object.entries(value).flatMap(([key, inner]) => field(key, inner, depth + 1)),
    ];
  }
  return [`${pad}${name.padEnd(Math.max(8, name.length + 1))}${flat(value)}`];
}

function flat(value: unknown): string {
  if (typeof value !== "object" || value === null) return printable(String(value));
  return Object.entries(value)
    .map(
      ([key, inner]) =>
        `${key}=${typeof inner === "object" ? JSON.stringify(inner) : printable(String(inner))}`,
    )
    .join("  ");
}

function tree(sample: Sample): string[] {
  const children = new Map<number, number[]>();
  for (const artifact of sample.artifacts) {
    const parent = artifact.from?.[0]?.artifact;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), artifact.id]);
  }
  const draw = (id: number, depth: number): string[] => {
    const artifact = sample.artifacts[id];
    if (artifact === undefined) return [];
    const place = artifact.from?.map((span) => `${hex(span.offset)}+${span.length}`).join(", ");
    const made =
      artifact.by === undefined
        ? ""
        : `  by ${artifact.steps?.map((step) => step.op).join(" → ")} from ${place}`;
    const line = `${"  ".repeat(depth + 1)}#${id} ${artifact.label === undefined ? artifact.kind : printable(artifact.label)}  ${artifact.size} bytes  ${artifact.format}  ${artifact.sha256.slice(0, 12)}${made}`;
    return [line, ...(children.get(id) ?? []).flatMap((child) => draw(child, depth + 1))];
  };
  return draw(0, 0);
}
